// Package batcher sends items in batches: concurrently, in order per key, at the
// rate that the server accepts, and again after failures.
//
// It knows nothing about what the items are. A function sends a batch, another one
// classifies the error of a batch that was not accepted, and a third one receives
// the result of each item, exactly once.
//
// # Scheduling
//
// Items of a key wait in the key's queue. A key is ready if it has items, none of
// them is in a batch, and it does not wait for a retry. One goroutine takes items of
// the ready keys, first come, first served, and starts a goroutine for each batch.
// All state is protected by one mutex. This is the whole life of an item:
//
//	Push → queue of its key → batch → Send ─ accepted or failed → OnResult
//	            ↑                      │
//	            └──── retry, split ────┘
//
// The key of an item that is retried keeps its other items waiting, so their order is
// kept. Other keys continue.
//
// A batch is sent when it is full, when its first item has waited for Linger, or when
// no other batch is in flight. See also Nagle's algorithm.
//
// # Failures
//
// The first retry of a batch is immediate, because most failures are isolated. Every
// failure halves the batch, until the item that makes it fail is alone and delays only
// its own key. A batch that the server rejects because of its content is
// halved at once.
//
// Each failure also halves the size of other batches, and each success doubles it, up to
// the maximum. So if many items always fail, the others are sent in smaller batches,
// which succeed.
//
// After 5 consecutive failures of single items, none of which has failed alone before,
// the server counts as down: single items probe it, at intervals that grow to one
// second. The first response other than a failure ends the outage. If it comes from a
// probe, the next outage begins after twice as many failures, up to 80, until the
// batches have their full size again.
//
// # Throttling
//
// There is no rate limit until the server throttles a request. Then it is adjusted
// so that the server accepts nearly every request; see limiter.
//
// The items of a throttled batch wait for Retry-After, up to [MaxRetryAfter]. If no
// other request is accepted within 250 ms, all other items wait as well, until the
// latest of all Retry-After; then single items probe the server.
package batcher
