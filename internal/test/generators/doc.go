// Package generators tests that openapi.yaml works with the generators and tools that
// others use, in their default configuration: each generates a client, which sends a
// signed query to pushertest. docs/contract.md has the table of results.
//
// The tests need the packages of package-lock.json, which `make e2e` installs. The tag
// interop keeps them out of `go test ./...`, which needs only Go.
package generators
