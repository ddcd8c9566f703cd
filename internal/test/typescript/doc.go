// Package typescript tests that openapi.yaml works outside of Go: openapi-typescript
// generates types from it, the TypeScript compiler checks a client against them, and
// the client calls the development server.
//
// The tests need the packages of package-lock.json, which `make e2e` installs. The
// tag interop keeps them out of `go test ./...`, which needs only Go.
package typescript
