// Package tools is empty: the go.mod file of its module pins the tools that developers
// run with `go tool -modfile=internal/tools/go.mod`.
package tools
