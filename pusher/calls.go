package pusher

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// calls are a client's asynchronous calls.
type calls struct {
	logger func() *slog.Logger
	turns  chan struct{} // one for each call that is being made

	mu      sync.Mutex
	closed  bool
	running int
	idle    chan struct{} // closed when closed and nothing runs
	unseen  map[*unseen]struct{}
}

func newCalls(limit int, logger func() *slog.Logger) *calls {
	return &calls{
		logger: logger,
		turns:  make(chan struct{}, limit),
		idle:   make(chan struct{}),
		unseen: map[*unseen]struct{}{},
	}
}

// begin counts a call, unless no more may begin.
func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running++
	return true
}

func (c *calls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.closed && c.running == 0 {
		close(c.idle)
	}
}

// close waits for all calls, or returns why the context ended first.
func (c *calls) close(ctx context.Context) error {
	c.mu.Lock()
	if !c.closed && c.running == 0 {
		close(c.idle)
	}
	c.closed = true
	c.mu.Unlock()

	var err error
	select {
	case <-c.idle:
	default:
		select {
		case <-c.idle:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	// The program may end before the garbage collector finds them.
	c.mu.Lock()
	unseen := slices.Collect(maps.Keys(c.unseen))
	c.mu.Unlock()
	for _, u := range unseen {
		u.log()
	}
	return err
}

// log is also that of a client that was not made with New.
func (c *calls) log() *slog.Logger {
	if c == nil {
		return slog.Default()
	}
	return c.logger()
}

// unseen is an error that nobody has looked at yet.
type unseen struct {
	calls *calls
	op    string
	err   error
}

func (c *calls) remember(op string, err error) *unseen {
	u := &unseen{c, op, err}
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unseen[u] = struct{}{}
	}
	return u
}

// drop tells whether the error was still remembered.
func (u *unseen) drop() bool {
	if u.calls == nil {
		return true
	}
	u.calls.mu.Lock()
	defer u.calls.mu.Unlock()
	_, remembered := u.calls.unseen[u]
	delete(u.calls.unseen, u)
	return remembered
}

func (u *unseen) log() {
	if u.drop() {
		u.calls.log().Error("pusher: an asynchronous call failed and nobody looked at its error", "op", u.op, "reason", u.err)
	}
}
