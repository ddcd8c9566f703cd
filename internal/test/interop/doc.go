//go:build interop

// Package interop tests this module against programs of other authors: Pusher's
// server library for Node.js, Pusher's JavaScript client pusher-js and its plugin
// pusher-js-auth, the Pusher-compatible server soketi, and a browser.
//
// The package has only tests. The build tag interop excludes them from
// `go test ./...`, which needs nothing but Go. `make e2e` installs the programs that
// package.json pins and runs the tests. The scripts in scripts/ pass commands from a
// test to an unmodified library from npm.
package interop
