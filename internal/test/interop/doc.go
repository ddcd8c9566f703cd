//go:build interop

// Package interop runs this module against what no one here wrote: Pusher's own
// Node.js library, Pusher's own JavaScript client, and soketi, a server that
// speaks Pusher's protocol.
//
// There is nothing here but tests, and the tag interop keeps them out of
// `go test ./...`, which needs Go alone. `make e2e` installs the programs that
// package.json pins and runs them. scripts/ has the JavaScript: each script
// passes calls from a test on to a library as it comes from npm.
package interop
