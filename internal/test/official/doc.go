// Package official compares this library with pusher-http-go, Pusher's library for Go.
// It contains only benchmarks, and is a separate module because nothing else depends
// on pusher-http-go. `make bench-official` runs it.
//
// Each benchmark is followed by that of the official library with the same work, so
// that both run on a machine in the same state; see `go doc ./internal/cmd/benchratio`
// for the names and for the margin for noise. The max-ratio of a benchmark is its
// promised ratio to the official library.
//
// Both libraries are given the same [http.RoundTripper], which returns a prepared
// response without a network. In BenchmarkConcurrentTriggers, both use the HTTP client
// that they have by default, and the same server on the loopback interface.
package official
