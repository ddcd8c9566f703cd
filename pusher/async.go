package pusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

const defaultAsyncLimit = 100

// WithAsyncLimit limits how many asynchronous calls are made at the same time. Further
// calls wait in the background, or until their context is done. The default is 100.
func WithAsyncLimit(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("WithAsyncLimit(%d): want at least 1", n)
		}
		c.asyncLimit = n
		return nil
	}
}

// A Future is the result of an asynchronous call. It is safe for concurrent use. A
// failure is logged at level error when the call ends, unless OnError was called
// before. The zero value has failed with [ErrConfiguration].
type Future[T any] struct {
	op     string
	logger *slog.Logger
	done   chan struct{} // closed when value and err are final

	mu        sync.Mutex
	ended     bool
	value     T
	err       error
	onSuccess []func(T)
	onError   []func(error)
}

// Done returns a channel that is closed when the call has ended.
func (f *Future[T]) Done() <-chan struct{} {
	if f == nil || f.done == nil {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	return f.done
}

// Wait returns the result when the call has ended. If ctx is done first, it returns
// an [*Error] with the context's error, and the call continues.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	var none T
	if err := f.ready(); err != nil {
		return none, err
	}
	if ctx == nil {
		return none, newError(f.op, ErrInvalid, errors.New("the context is nil"))
	}
	select {
	case <-f.done:
		return f.value, f.err
	default:
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return none, canceled(f.op, ctx)
	}
}

// OnSuccess registers a function that is called with the result if the call succeeds.
// It returns f.
//
// Functions that are registered before the call ends are called one after the other
// on the goroutine of the call, for which [Client.Close] waits. A function that is
// registered later is called before OnSuccess returns. A panic in fn is logged.
func (f *Future[T]) OnSuccess(fn func(T)) *Future[T] {
	if f.ready() != nil {
		return f
	}
	f.mu.Lock()
	ended := f.ended
	if !ended {
		f.onSuccess = append(f.onSuccess, fn)
	}
	f.mu.Unlock()
	if ended && f.err == nil {
		protect(f.logger, f.op, func() { fn(f.value) })
	}
	return f
}

// OnError registers a function that is called with the [*Error] if the call fails. It
// returns f. See [Future.OnSuccess] for when functions are called.
func (f *Future[T]) OnError(fn func(error)) *Future[T] {
	if err := f.ready(); err != nil {
		protect(nil, "OnError", func() { fn(err) })
		return f
	}
	f.mu.Lock()
	ended := f.ended
	if !ended {
		f.onError = append(f.onError, fn)
	}
	f.mu.Unlock()
	if ended && f.err != nil {
		protect(f.logger, f.op, func() { fn(f.err) })
	}
	return f
}

func (f *Future[T]) ready() error {
	if f == nil || f.done == nil {
		return newError("Future", ErrConfiguration, errors.New("the future is not the result of a call"))
	}
	return nil
}

// end publishes the result and calls the registered functions.
func (f *Future[T]) end(value T, err error) {
	f.mu.Lock()
	f.value, f.err, f.ended = value, err, true
	onSuccess, onError := f.onSuccess, f.onError
	f.onSuccess, f.onError = nil, nil
	f.mu.Unlock()
	close(f.done)

	switch {
	case err == nil:
		for _, fn := range onSuccess {
			protect(f.logger, f.op, func() { fn(value) })
		}
	case len(onError) == 0:
		loggerOf(f.logger).Error("pusher: asynchronous call failed", "op", f.op, "error", err)
	default:
		for _, fn := range onError {
			protect(f.logger, f.op, func() { fn(err) })
		}
	}
}

func failedFuture[T any](op string, err error) *Future[T] {
	var none T
	f := &Future[T]{op: op, done: make(chan struct{}), value: none, err: err, ended: true}
	close(f.done)
	return f
}

// protect logs a panic of a callback, so that it does not end the program.
func protect(logger *slog.Logger, op string, callback func()) {
	defer func() {
		if reason := recover(); reason != nil {
			loggerOf(logger).Error("pusher: callback panicked", "op", op, "panic", reason, "stack", string(debug.Stack()))
		}
	}()
	callback()
}

// inCallback reports whether a callback is on the stack of this goroutine.
func inCallback() bool {
	var stack [256]uintptr
	frames := runtime.CallersFrames(stack[:runtime.Callers(0, stack[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "/pusher.protect") {
			return true
		}
		if !more {
			return false
		}
	}
}

func loggerOf(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}

// asyncCalls are the asynchronous calls of a client.
type asyncCalls struct {
	logger *slog.Logger
	slots  chan struct{} // one per call that is being made

	mu      sync.Mutex
	closed  bool
	running int
	idle    chan struct{} // closed when the client is closed and no call is running
}

func newAsyncCalls(limit int, logger *slog.Logger) *asyncCalls {
	return &asyncCalls{logger: logger, slots: make(chan struct{}, limit), idle: make(chan struct{})}
}

// begin counts a call. It reports false after close.
func (a *asyncCalls) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.running++
	}
	return !a.closed
}

func (a *asyncCalls) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running--
	if a.closed && a.running == 0 {
		close(a.idle)
	}
}

// close lets no more calls begin, and returns a channel that is closed when those
// that are running have ended.
func (a *asyncCalls) close() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed && a.running == 0 {
		close(a.idle)
	}
	a.closed = true
	return a.idle
}

// TriggerAsync is like [Client.Trigger], but does not wait for the response. Data is
// encoded before TriggerAsync returns and may be changed afterwards.
//
// The call ends when ctx is done: an HTTP handler that does not wait for the result
// passes context.WithoutCancel(r.Context()). To publish many events, use a
// [Publisher]: it sends fewer requests, keeps the order and limits the queue.
func (c *Client) TriggerAsync(ctx context.Context, channel, event string, data any, opts ...TriggerOption) *Future[*TriggerResult] {
	const op = "TriggerAsync"
	text, err := c.encodeAsync(op, ctx, data)
	return async(c, op, ctx, err, func() (*TriggerResult, error) {
		return c.trigger(ctx, op, []string{channel}, event, text, opts)
	})
}

// TriggerMultiAsync is like [Client.TriggerMulti], but does not wait for the
// response; see [Client.TriggerAsync].
func (c *Client) TriggerMultiAsync(ctx context.Context, channels []string, event string, data any, opts ...TriggerOption) *Future[*TriggerResult] {
	const op = "TriggerMultiAsync"
	channels = slices.Clone(channels)
	text, err := c.encodeAsync(op, ctx, data)
	return async(c, op, ctx, err, func() (*TriggerResult, error) {
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

// GetAsync is like [Client.Get], but does not wait for the response; see
// [Client.TriggerAsync].
func (c *Client) GetAsync(ctx context.Context, path string, query url.Values) *Future[json.RawMessage] {
	query = url.Values(http.Header(query).Clone())
	return async(c, "GetAsync", ctx, nil, func() (json.RawMessage, error) {
		return c.Get(ctx, path, query)
	})
}

// PostAsync is like [Client.Post], but does not wait for the response; see
// [Client.TriggerAsync].
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

// encodeAsync encodes data on the goroutine of the caller, who may change it as soon
// as the Future is returned.
func (c *Client) encodeAsync(op string, ctx context.Context, data any) (string, error) {
	if err := c.ready(op, ctx); err != nil {
		return "", err
	}
	text, err := encode(data)
	if err != nil {
		return "", invalid(op, err)
	}
	return text, nil
}

// async makes a call on its own goroutine, unless err is not nil.
func async[T any](c *Client, op string, ctx context.Context, err error, call func() (T, error)) *Future[T] {
	f := &Future[T]{op: op, done: make(chan struct{})}
	if err == nil {
		err = c.ready(op, ctx)
	}
	if err == nil && !c.async.begin() {
		err = newError(op, ErrClosed, nil)
	}
	if err != nil {
		return failedFuture[T](op, err)
	}
	f.logger = c.async.logger
	go func() {
		defer c.async.end()
		value, err := limited(c.async, ctx, call)
		if err != nil {
			var none T
			value, err = none, withOp(op, err)
		}
		f.end(value, err)
	}()
	return f
}

// limited makes the call when a slot is free. The slot is released before callbacks
// run, which may wait for further calls.
func limited[T any](a *asyncCalls, ctx context.Context, call func() (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, newError("", nil, context.Cause(ctx))
	}
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return none, newError("", nil, context.Cause(ctx))
	}
	defer func() { <-a.slots }()
	return call()
}

// Close waits until asynchronous calls and their callbacks have ended, and closes idle
// connections, except those of a client given to [WithHTTPClient]. Further
// asynchronous calls return [ErrClosed]; all other methods still work. If ctx is done
// first, Close returns an [*Error] with the context's error, and the calls continue.
// In a callback Close returns [ErrInvalid], because it would wait for itself.
// Publishers are closed with [Publisher.Close].
func (c *Client) Close(ctx context.Context) error {
	const op = "Close"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	if inCallback() {
		return newError(op, ErrInvalid, errors.New("called from a callback, for which Close waits"))
	}
	idle := c.async.close()
	select {
	case <-idle:
	default:
		select {
		case <-idle:
		case <-ctx.Done():
			return newError(op, nil, fmt.Errorf("asynchronous calls are still running: %w", context.Cause(ctx)))
		}
	}
	if c.transport.own != nil {
		c.transport.own.CloseIdleConnections()
	}
	return nil
}
