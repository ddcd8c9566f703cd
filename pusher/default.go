package pusher

import (
	"cmp"
	"sync/atomic"
)

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
	defaultClient.CompareAndSwap(nil, c)
	// Another goroutine may have stored a client first, or removed it with
	// SetDefault(nil).
	return cmp.Or(defaultClient.Load(), c)
}

// SetDefault makes c the process-wide client. After SetDefault(nil), the next call
// of [Default] reads the environment again.
func SetDefault(c *Client) { defaultClient.Store(c) }
