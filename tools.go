//go:build tools

package tools

// Pinned in go.mod, so that everyone who regenerates the client runs the same
// version of the generator.
import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
