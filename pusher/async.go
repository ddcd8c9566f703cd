package pusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// TriggerAsync is like [Client.Trigger], but does not wait for the response. Data is
// encoded before TriggerAsync returns and may be changed afterwards. A client makes up
// to 100 asynchronous calls at the same time; further ones wait in the background.
//
// The call ends when ctx is done: an HTTP handler that does not wait for the result
// passes context.WithoutCancel(r.Context()). To publish many events, use a
// [Publisher]: it sends fewer requests, keeps the order and limits the queue.
func (c *Client) TriggerAsync(ctx context.Context, channel, event string, data any, opts ...TriggerOption) *Future[*TriggerResult] {
	return c.triggerAsync(ctx, "TriggerAsync", []string{channel}, event, data, opts)
}

// TriggerMultiAsync is like [Client.TriggerMulti], but does not wait for the
// response; see [Client.TriggerAsync].
func (c *Client) TriggerMultiAsync(ctx context.Context, channels []string, event string, data any, opts ...TriggerOption) *Future[*TriggerResult] {
	return c.triggerAsync(ctx, "TriggerMultiAsync", slices.Clone(channels), event, data, opts)
}

func (c *Client) triggerAsync(ctx context.Context, op string, channels []string, event string, data any, opts []TriggerOption) *Future[*TriggerResult] {
	opts = slices.Clone(opts)
	text, err := encode(data)
	return async(c, ctx, op, err, func() (*TriggerResult, error) {
		return c.trigger(ctx, op, channels, event, text, opts)
	})
}

// TriggerBatchAsync is like [Client.TriggerBatch], but does not wait for the
// response; see [Client.TriggerAsync].
func (c *Client) TriggerBatchAsync(ctx context.Context, events []Event) *Future[*BatchResult] {
	const op = "TriggerBatchAsync"
	events = slices.Clone(events)
	var failure error
	for i := range events {
		text, err := encode(events[i].Data)
		if err != nil {
			failure = fmt.Errorf("event %d: %w", i, err)
			break
		}
		events[i].Data, events[i].Info = text, slices.Clone(events[i].Info)
	}
	return async(c, ctx, op, failure, func() (*BatchResult, error) { return c.triggerBatch(ctx, op, events) })
}

// GetAsync is like [Client.Get], but does not wait for the response; see
// [Client.TriggerAsync].
func (c *Client) GetAsync(ctx context.Context, path string, query url.Values) *Future[json.RawMessage] {
	const op = "GetAsync"
	query = url.Values(http.Header(query).Clone())
	return async(c, ctx, op, nil, func() (json.RawMessage, error) {
		return c.request(ctx, op, http.MethodGet, path, query, "")
	})
}

// PostAsync is like [Client.Post], but does not wait for the response; see
// [Client.TriggerAsync].
func (c *Client) PostAsync(ctx context.Context, path string, body any) *Future[json.RawMessage] {
	const op = "PostAsync"
	text, err := encodeBody(body)
	return async(c, ctx, op, err, func() (json.RawMessage, error) {
		return c.request(ctx, op, http.MethodPost, path, nil, text)
	})
}

// async makes a call in a goroutine of its own. If err is not nil, an argument is
// invalid and the call fails with it.
func async[T any](c *Client, ctx context.Context, op string, err error, call func() (T, error)) *Future[T] {
	f := &Future[T]{op: op, logger: c.logger(), done: make(chan struct{})}
	run := func() {
		var value T
		err := error(newError(op, ErrTransport, errors.New("the goroutine of the call has ended early")))
		defer func() { f.end(value, err) }() // also after runtime.Goexit in a RoundTripper
		value, err = limited(c.async, ctx, op, call)
	}
	switch failure := c.ready(op, ctx); {
	case failure != nil:
		err = failure
	case err != nil:
		err = invalid(op, err)
	case !c.async.start(run):
		err = newError(op, ErrClosed, nil)
	default:
		return f
	}
	var none T
	f.end(none, err)
	return f
}

// limited makes the call when fewer than maxAsyncCalls are in flight.
func limited[T any](a *asyncCalls, ctx context.Context, op string, call func() (T, error)) (none T, err error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
		if ctx.Err() != nil {
			return none, canceled(op, ctx)
		}
		return call()
	case <-ctx.Done():
		return none, canceled(op, ctx)
	}
}

const maxAsyncCalls = 100

// asyncCalls are the asynchronous calls of a client.
type asyncCalls struct {
	slots   chan struct{} // one for each call in flight
	running sync.WaitGroup

	mu     sync.RWMutex
	closed bool
}

// start runs a call in a goroutine. It reports false if the client is closed.
func (a *asyncCalls) start(run func()) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if !a.closed {
		a.running.Go(run)
	}
	return !a.closed
}

func (a *asyncCalls) isClosed() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.closed
}

// close waits until all calls have ended, or returns the cause if ctx is done first.
func (a *asyncCalls) close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		a.running.Wait()
		close(idle)
	}()
	return wait(ctx, idle)
}
