package pusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// ErrClosed is the case of an [*Error] that comes after Close of the client or the
// publisher. Nothing was sent.
var ErrClosed = errors.New("closed")

var errNilContext = errors.New("the context is nil")

const defaultAsyncLimit = 100

// WithAsyncLimit bounds how many asynchronous calls are under way at the same
// time. Those beyond it wait for their turn, or for the end of their context,
// without holding up the caller. The default is 100.
func WithAsyncLimit(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("WithAsyncLimit(%d): want at least 1", n)
		}
		c.asyncLimit = n
		return nil
	}
}

// TriggerAsync is [Client.Trigger] on a goroutine of its own. Data is encoded
// before TriggerAsync returns and may then be changed.
//
// The call ends when ctx does. A handler that answers without waiting for the call
// gives it context.WithoutCancel(r.Context()). To publish much, use a [Publisher]:
// it sends fewer requests, keeps the order, and pushes back.
func (c *Client) TriggerAsync(ctx context.Context, channel, event string, data any, opts ...TriggerOption) *Future[*TriggerResult] {
	const op = "TriggerAsync"
	text, err := c.encodeAsync(op, ctx, data)
	return async(c, op, ctx, err, func() (*TriggerResult, error) {
		return c.Trigger(ctx, channel, event, text, opts...)
	})
}

// TriggerMultiAsync is [Client.TriggerMulti] on a goroutine of its own; see
// [Client.TriggerAsync].
func (c *Client) TriggerMultiAsync(ctx context.Context, channels []string, event string, data any, opts ...TriggerOption) *Future[*TriggerResult] {
	const op = "TriggerMultiAsync"
	channels = slices.Clone(channels)
	text, err := c.encodeAsync(op, ctx, data)
	return async(c, op, ctx, err, func() (*TriggerResult, error) {
		return c.TriggerMulti(ctx, channels, event, text, opts...)
	})
}

// TriggerBatchAsync is [Client.TriggerBatch] on a goroutine of its own; see
// [Client.TriggerAsync].
func (c *Client) TriggerBatchAsync(ctx context.Context, events []Event) *Future[*BatchResult] {
	const op = "TriggerBatchAsync"
	events = slices.Clone(events)
	var failure error
	for i := range events {
		event := &events[i]
		event.Info = slices.Clone(event.Info)
		text, err := c.encodeAsync(op, ctx, event.Data)
		if err != nil {
			failure = err
			break
		}
		event.Data = text
	}
	return async(c, op, ctx, failure, func() (*BatchResult, error) {
		return c.TriggerBatch(ctx, events)
	})
}

// GetAsync is [Client.Get] on a goroutine of its own; see [Client.TriggerAsync].
func (c *Client) GetAsync(ctx context.Context, path string, query url.Values) *Future[json.RawMessage] {
	query = url.Values(http.Header(query).Clone())
	return async(c, "GetAsync", ctx, nil, func() (json.RawMessage, error) {
		return c.Get(ctx, path, query)
	})
}

// PostAsync is [Client.Post] on a goroutine of its own; see [Client.TriggerAsync].
func (c *Client) PostAsync(ctx context.Context, path string, body any) *Future[json.RawMessage] {
	const op = "PostAsync"
	if body == nil {
		body = "{}"
	}
	text, err := c.encodeAsync(op, ctx, body)
	return async(c, op, ctx, err, func() (json.RawMessage, error) {
		return c.Post(ctx, path, text)
	})
}

// encodeAsync encodes in the caller, who may change data as soon as it has the
// Future.
func (c *Client) encodeAsync(op string, ctx context.Context, data any) (string, error) {
	if err := c.ready(op, ctx); err != nil {
		return "", err
	}
	text, err := encode(data)
	if err != nil {
		return "", refused(op, err)
	}
	return text, nil
}

// async makes a call on a goroutine of its own, unless there is an error already.
func async[T any](c *Client, op string, ctx context.Context, err error, call func() (T, error)) *Future[T] {
	var none T
	f := &Future[T]{op: op, done: make(chan struct{})}
	if err == nil {
		err = c.ready(op, ctx)
	}
	if c != nil {
		f.calls = c.calls
	}
	if err == nil && !f.calls.begin() {
		err = &Error{Op: op, Kind: ErrClosed}
	}
	if err != nil {
		f.end(none, err)
		return f
	}
	go func() {
		defer f.calls.end()
		value, err := inTurn(f.calls, ctx, call)
		if err != nil {
			value, err = none, failed(op, err)
		}
		f.end(value, err)
	}()
	return f
}

// inTurn gives up the turn before callbacks run, which may wait for further calls.
func inTurn[T any](calls *calls, ctx context.Context, call func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, &Error{Kind: ErrHTTP, Err: err}
	}
	select {
	case calls.turns <- struct{}{}:
	case <-ctx.Done():
		return none, &Error{Kind: ErrHTTP, Err: ctx.Err()}
	}
	defer func() { <-calls.turns }()
	return call()
}

// Close waits until the asynchronous calls that are under way have ended and their
// callbacks have returned. From then on asynchronous calls fail with [ErrClosed];
// all other methods still work. Idle connections are closed, but for those of a
// client given to [WithHTTPClient]. Closing again does the same.
//
// When ctx ends first, the error is [ErrHTTP] with the reason of ctx, and the
// calls go on. Publishers are closed with [Publisher.Close].
func (c *Client) Close(ctx context.Context) error {
	const op = "Close"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	if err := c.calls.close(ctx); err != nil {
		return &Error{Op: op, Kind: ErrHTTP, Err: fmt.Errorf("asynchronous calls are still under way: %w", err)}
	}
	if own := c.transport.own; own != nil {
		own.CloseIdleConnections()
	}
	return nil
}
