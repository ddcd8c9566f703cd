// Package architecture holds the shape of the project: which package may import
// which, that gen/ is what openapi.yaml generates, that a changed document
// reaches the user as typed code, what the module costs those who import it, and
// that every Go snippet of the README runs.
//
// There is nothing here but tests. What openapi.yaml itself says is held by the
// package contract.
package architecture
