package pusher

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// A Future is the result of an asynchronous call, such as [Client.TriggerAsync]. It is
// safe for concurrent use. A failed call is logged once, at level warn.
type Future[T any] struct {
	op     string
	logger *slog.Logger
	done   chan struct{} // closed when value and err are final
	value  T
	err    error

	mu    sync.Mutex
	ended bool
	then  []func(T, error)
}

// Done returns a channel that is closed when the call has ended.
func (f *Future[T]) Done() <-chan struct{} { return f.done }

// Wait returns the result when the call has ended. If ctx is done first, it returns
// an [*Error] with the context's error, and the call continues.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	if ctx == nil {
		var none T
		return none, newError(f.op, ErrInvalid, errors.New("the context is nil"))
	}
	if err := wait(ctx, f.done); err != nil {
		var none T
		return none, newError(f.op, nil, err)
	}
	return f.value, f.err
}

// Then registers a function that is called with the result of the call: its value, or
// an [*Error]. It returns f.
//
// Functions that are registered before the call ends are called one after the other
// in the goroutine of the call. [Client.Close] waits for them, so they must not call
// it. A function that is registered later is called before Then returns. A panic in fn
// is logged.
func (f *Future[T]) Then(fn func(T, error)) *Future[T] {
	f.mu.Lock()
	ended := f.ended
	if !ended {
		f.then = append(f.then, fn)
	}
	f.mu.Unlock()
	if ended {
		protect(f.logger, f.op, func() { fn(f.value, f.err) })
	}
	return f
}

// end makes the result of the call final.
func (f *Future[T]) end(value T, err error) {
	if err != nil {
		f.logger.Warn("pusher: asynchronous call failed", "op", f.op, "error", err)
	}
	f.mu.Lock()
	f.value, f.err, f.ended = value, err, true
	f.mu.Unlock()
	close(f.done)
	for _, fn := range f.then {
		protect(f.logger, f.op, func() { fn(value, err) })
	}
}
