package pusher

import "sync/atomic"

var defaultClient atomic.Pointer[Client]

// Default returns the process-wide client: the one given to [SetDefault], or else
// one made by [NewFromEnv] on first use. It is never nil; when the environment is
// of no use, every call of the client fails with that [ErrConfiguration].
func Default() *Client {
	if c := defaultClient.Load(); c != nil {
		return c
	}
	c, err := NewFromEnv()
	if err != nil {
		c = &Client{broken: err}
	}
	if !defaultClient.CompareAndSwap(nil, c) {
		return Default()
	}
	return c
}

// SetDefault makes c the process-wide client. After SetDefault(nil) the next
// [Default] reads the environment again.
func SetDefault(c *Client) { defaultClient.Store(c) }
