//go:build tools

// Package tools pins the generator in go.mod, so that everyone who regenerates
// the client runs the same version of it.
package tools

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
