//go:build interop

// Package realtime compares package realtime with unmodified pusher-js. Both run the same
// scenarios against the same server, through a proxy that injects messages, close
// frames and cuts, and their logs have to agree.
//
// A scenario is a list of steps; scenarios_test.go has those written by hand, with the
// differences between the two libraries and their reasons, and random_test.go makes
// others from a seed. driver.cjs runs clients of pusher-js in one process of Node.js.
// The guide docs/receiving-events.md has the list of all differences.
package realtime
