package pusher

import "sync/atomic"

var defaultClient atomic.Pointer[Client]

// Default returns the process-wide client: the one given to [SetDefault], or
// otherwise one made by [NewFromEnv] on first use. It is never nil. If the
// environment is invalid, every call of the client returns that
// [ErrConfiguration].
func Default() *Client {
	if c := defaultClient.Load(); c != nil {
		return c
	}
	c, err := NewFromEnv()
	if err != nil {
		c = &Client{invalid: err}
	}
	// If two goroutines get here, both use the client of the faster one. If
	// SetDefault(nil) has removed it again, the own one is as good.
	defaultClient.CompareAndSwap(nil, c)
	if winner := defaultClient.Load(); winner != nil {
		return winner
	}
	return c
}

// SetDefault makes c the process-wide client. After SetDefault(nil), the next call
// of [Default] reads the environment again.
func SetDefault(c *Client) { defaultClient.Store(c) }
