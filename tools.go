//go:build tools

package tools

// The import pins the generator in go.mod, so that everyone who regenerates the
// client runs the same version.
import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
