package pusher

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
)

// A Future is the result of a call that goes on by itself. Any number of
// goroutines may wait for it and attach functions to it. The zero value is the
// result of no call and refuses everything as [ErrConfiguration].
//
// An error that nobody looks at is logged, once, at level error: when a Future
// has failed, neither [Future.Wait] has returned the error nor [Future.OnError]
// has passed it on, and the last reference to the Future is gone or
// [Client.Close] is called.
type Future[T any] struct {
	op    string
	calls *calls
	done  chan struct{} // closed when the call has ended

	mu        sync.Mutex
	ended     bool // value and err are final
	value     T
	err       error
	onSuccess []func(T)
	onError   []func(error)
	unseen    *unseen // nil unless the call has failed and nobody knows
	forget    runtime.Cleanup
}

// Done is closed when the call has ended.
func (f *Future[T]) Done() <-chan struct{} {
	if f.ready() != nil {
		return closedChannel()
	}
	return f.done
}

// Wait returns the result of the call, at once if it has ended. When ctx ends
// first, the error is [ErrHTTP] with the reason of ctx, and the call goes on.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	var none T
	if err := f.ready(); err != nil {
		return none, err
	}
	if ctx == nil {
		return none, refused(f.op, errNilContext)
	}
	select {
	case <-f.done:
	default:
		select {
		case <-f.done:
		case <-ctx.Done():
			return none, &Error{Op: f.op, Kind: ErrHTTP, Err: ctx.Err()}
		}
	}
	if f.err != nil {
		f.mu.Lock()
		f.see()
		f.mu.Unlock()
	}
	return f.value, f.err
}

// OnSuccess has fn called with the result if the call succeeds. It returns f, so
// that OnError can follow.
//
// Functions attached before the end are called one after the other, on the call's
// own goroutine; [Client.Close] waits for them. One that is attached after the end
// is called before OnSuccess returns. A panic in fn is logged and goes no further.
func (f *Future[T]) OnSuccess(fn func(T)) *Future[T] {
	f.mu.Lock()
	ended := f.ended
	if !ended {
		f.onSuccess = append(f.onSuccess, fn)
	}
	f.mu.Unlock()
	if ended && f.err == nil {
		f.contain(func() { fn(f.value) })
	}
	return f
}

// OnError has fn called with the error, an [*Error], if the call fails. All else
// is as at [Future.OnSuccess].
func (f *Future[T]) OnError(fn func(error)) *Future[T] {
	if err := f.ready(); err != nil {
		f.contain(func() { fn(err) })
		return f
	}
	f.mu.Lock()
	ended := f.ended
	if !ended {
		f.onError = append(f.onError, fn)
	}
	f.see()
	f.mu.Unlock()
	if ended && f.err != nil {
		f.contain(func() { fn(f.err) })
	}
	return f
}

func (f *Future[T]) ready() error {
	if f.done == nil {
		return &Error{Op: "Future", Kind: ErrConfiguration, Err: errors.New("the future is the result of no call")}
	}
	return nil
}

// end makes the result known, on the goroutine of the call.
func (f *Future[T]) end(value T, err error) {
	f.mu.Lock()
	f.value, f.err, f.ended = value, err, true
	onSuccess, onError := f.onSuccess, f.onError
	f.onSuccess, f.onError = nil, nil
	if err != nil && len(onError) == 0 {
		f.unseen = f.calls.remember(f.op, err)
		f.forget = runtime.AddCleanup(f, (*unseen).log, f.unseen)
	}
	f.mu.Unlock()
	close(f.done)

	if err != nil {
		for _, fn := range onError {
			f.contain(func() { fn(err) })
		}
		return
	}
	for _, fn := range onSuccess {
		f.contain(func() { fn(value) })
	}
}

// see notes that somebody knows the error. The caller holds the lock.
func (f *Future[T]) see() {
	if f.unseen != nil {
		f.forget.Stop()
		f.unseen.drop()
		f.unseen = nil
	}
}

func (f *Future[T]) contain(call func()) { contain(f.calls.log(), f.op, call) }

// contain keeps a panic of a function that was handed in from ending the program.
func contain(logger *slog.Logger, op string, call func()) {
	defer func() {
		if reason := recover(); reason != nil {
			logger.Error("pusher: a callback panicked", "op", op, "panic", reason, "stack", string(debug.Stack()))
		}
	}()
	call()
}

func closedChannel() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
