// Package architecture tests the structure of the project: which package may import
// which, that gen/ is what openapi.yaml generates, that a changed document reaches users
// as typed code, which modules a consumer of this one gets, and that every Go snippet of
// README and docs runs.
//
// It contains only tests. Package contract tests the content of openapi.yaml.
package architecture
