// Package signing signs requests to the Pusher Channels HTTP API and verifies
// such signatures.
package signing
