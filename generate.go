// Package tools is not a library: it holds the commands that generate package gen
// and pins their versions. The client is package pusher.
package tools

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config gen/config.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config internal/server/config.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config internal/control/api/config.yaml internal/control/openapi.yaml
//go:generate go run ./internal/cmd/restdocument openapi.yaml gen/openapi.rest.json
