package batcher

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A Config configures a [Batcher]. All fields are required, except Linger.
type Config[T any] struct {
	Concurrency int           // maximum number of batches in flight
	Capacity    int           // maximum number of items, from Push until their result was reported
	MaxBatch    int           // maximum number of items in a batch
	MaxGroup    int           // maximum number of items in a batch of one group
	Linger      time.Duration // maximum wait of an item for others while a batch is in flight

	// Timeout is the time after which an item that was not accepted fails. An item
	// that could not be sent before because another one of its key was retried gets a
	// tenth of it more.
	Timeout time.Duration

	// BaseDelay is the delay before the second retry. It doubles for an item that
	// fails alone, up to MaxDelay. Up to a quarter of it is subtracted at random.
	BaseDelay, MaxDelay time.Duration

	// Key returns the key of an item. Items with the same key are sent in order.
	Key func(T) string
	// Group returns a comparable value that is the same for items that may share a
	// batch of up to MaxGroup items, or nil. A group has at most one item per key.
	Group func(T) any
	// Send sends a batch. It must return soon after ctx is done.
	Send func(ctx context.Context, batch []T) error
	// Classify returns what follows from the error of a batch.
	Classify func(batch []T, err error) Verdict
	// OnResult is called once for each item, for items of one key one after the
	// other and in order. The batch counts as in flight until it returns. It must not
	// panic.
	OnResult func(ctx context.Context, result Result[T])
}

// A Verdict is what follows from the error of a batch.
type Verdict struct {
	Action Action
	Server Server
	// RetryAfter is how long a server that throttles wants the client to wait.
	RetryAfter time.Duration
}

// An Action is what happens to the items of a batch that was not accepted.
type Action int

const (
	Fail  Action = iota // they fail
	Retry               // they are sent again, in smaller batches if they keep failing
	Split               // one of them is at fault: they are sent again in two halves
)

// Server is what an error reveals about the state of the server.
type Server int

const (
	Up         Server = iota // it works, and rejected this batch
	Throttling               // it wants fewer requests
	Failing                  // it failed or did not respond
)

// MaxRetryAfter is the longest time that a Retry-After is honoured for.
const MaxRetryAfter = time.Minute

// A Result is the result of an item.
type Result[T any] struct {
	Item     T
	Outcome  Outcome
	Err      error // of the last attempt; nil if the item was accepted or never sent
	Attempts int   // number of batches with the item that were sent
	Latency  time.Duration
}

// An Outcome is the reason why an item is not sent again.
type Outcome int

const (
	Accepted Outcome = iota
	Failed           // the verdict was to let it fail
	TimedOut         // it was not accepted within the timeout
	Canceled         // the context of Close ended
)

// Errors of [Batcher.Push], [Batcher.Flush] and [Batcher.Close].
var (
	ErrFull       = errors.New("no capacity")
	ErrClosed     = errors.New("closed")
	ErrInCallback = errors.New("called from OnResult: it would wait for itself")
)

// Stats are counters. Those of items are in terms of items, not batches.
type Stats struct {
	Queued   int // items that wait, or whose result is being reported
	InFlight int // items in a batch that is being sent
	Accepted int64
	Failed   int64
	Rejected int64 // items that found no capacity
	Batches  int64 // batches that were accepted
	Retries  int64 // batches with an item that had been sent before
}

// A Batcher sends items. It is safe for concurrent use.
type Batcher[T any] struct {
	cfg     Config[T]
	ctx     context.Context // of Send and OnResult
	cancel  context.CancelCauseFunc
	wake    chan struct{} // wakes the scheduler
	space   chan struct{} // wakes one Push that waits for capacity
	closing chan struct{} // closed when no item can be pushed any more
	done    chan struct{} // closed when the last result has been reported

	mu       sync.Mutex
	queues   queues[T]
	pending  list.List // of *item[T]: all items without a reported result, in order
	pushed   uint64    // number of items pushed so far
	flushes  []flush
	closed   bool
	canceled bool
	maxBatch int
	inFlight int       // batches, until their results have been reported
	expireAt time.Time // the next item's time is over, at the earliest
	limiter  limiter
	outage   outage
	stats    Stats // without Queued
}

// A flush waits for the results of all items up to number last.
type flush struct {
	last uint64
	done chan struct{}
}

// New returns a Batcher that runs until it is closed.
func New[T any](cfg Config[T]) *Batcher[T] {
	b := &Batcher[T]{
		cfg:      cfg,
		wake:     make(chan struct{}, 1),
		space:    make(chan struct{}, 1),
		closing:  make(chan struct{}),
		done:     make(chan struct{}),
		queues:   queues[T]{keys: map[string]*key[T]{}},
		maxBatch: cfg.MaxBatch,
		outage:   outage{baseDelay: cfg.BaseDelay, maxDelay: min(cfg.MaxDelay, maxProbeInterval)},
	}
	b.ctx, b.cancel = context.WithCancelCause(context.Background())
	go b.run()
	return b
}

// Push queues items, in order, and returns how many of them were queued. If there is
// no capacity for all, it waits until there is or ctx is done; without wait it
// returns at once. The error is then [ErrFull], after Close [ErrClosed]; if ctx is
// done from the start, it is the context's error.
//
// In OnResult, Push never waits: it exceeds the capacity.
func (b *Batcher[T]) Push(ctx context.Context, wait bool, values ...T) (int, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	exceed := false
	for queued := 0; ; {
		n, err := b.push(values[queued:], exceed)
		queued += n
		switch {
		case err != nil || queued == len(values):
			return queued, err
		case inCallback():
			exceed = true
			continue
		case !wait:
			b.reject(len(values) - queued)
			return queued, ErrFull
		}
		select {
		case <-b.space:
		case <-b.closing:
		case <-ctx.Done():
			b.reject(len(values) - queued)
			return queued, ErrFull
		}
	}
}

// push queues as many items as there is capacity for.
func (b *Batcher[T]) push(values []T, exceed bool) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, ErrClosed
	}
	n := len(values)
	if !exceed {
		n = min(n, max(0, b.cfg.Capacity-b.pending.Len()))
	}
	before := b.queues.readyItems
	now := time.Now()
	for _, value := range values[:n] {
		b.pushed++
		it := &item[T]{value: value, number: b.pushed, pushed: now, deadline: now.Add(b.cfg.Timeout), group: b.cfg.Group(value)}
		it.pending = b.pending.PushBack(it)
		b.queues.push(b.cfg.Key(value), it)
	}
	if ready := b.queues.readyItems; ready > before && (before == 0 || ready >= b.maxBatch) && b.inFlight < b.cfg.Concurrency {
		signal(b.wake)
	}
	if b.pending.Len() < b.cfg.Capacity {
		signal(b.space) // for the next one that waits
	}
	return n, nil
}

func (b *Batcher[T]) reject(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Rejected += int64(n)
}

// Flush sends queued items without lingering, and returns when the results of all
// items that were pushed before have been reported. If ctx is done first, it returns
// the context's error. In OnResult, it returns [ErrInCallback].
func (b *Batcher[T]) Flush(ctx context.Context) error {
	if inCallback() {
		return ErrInCallback
	}
	b.mu.Lock()
	f := flush{b.pushed, make(chan struct{})}
	b.flushes = append(b.flushes, f)
	b.endFlushes()
	b.mu.Unlock()
	signal(b.wake)
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.flushes {
		if b.flushes[i].done == f.done {
			b.flushes = append(b.flushes[:i], b.flushes[i+1:]...)
			return context.Cause(ctx)
		}
	}
	return nil // it has completed meanwhile
}

// endFlushes ends those whose items all have a result.
func (b *Batcher[T]) endFlushes() {
	for len(b.flushes) > 0 {
		if first := b.pending.Front(); first != nil && first.Value.(*item[T]).number <= b.flushes[0].last {
			return
		}
		close(b.flushes[0].done)
		b.flushes = b.flushes[1:]
	}
}

// closeGrace is how long Close waits for Send and OnResult after its context ended.
const closeGrace = time.Second

// Close accepts no more items, sends those that are queued without lingering, and
// returns when all results have been reported. If ctx is done first, it cancels the
// context of Send, queued items end as [Canceled], and Close returns the context's
// error, at most a second later. In OnResult, Close returns [ErrInCallback]
// and does nothing.
func (b *Batcher[T]) Close(ctx context.Context) error {
	if inCallback() {
		return ErrInCallback
	}
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.closing)
	}
	b.mu.Unlock()
	signal(b.wake)
	select {
	case <-b.done:
		return nil
	default:
	}
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
	}
	b.cancel(context.Cause(ctx))
	b.mu.Lock()
	b.canceled = true
	b.mu.Unlock()
	signal(b.wake)
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-b.done:
	case <-grace.C:
	}
	return context.Cause(ctx)
}

// SetMaxBatch changes the maximum number of items in a batch without a common group.
func (b *Batcher[T]) SetMaxBatch(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.maxBatch = n
}

// Stats returns the current counters.
func (b *Batcher[T]) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	stats := b.stats
	stats.Queued = b.pending.Len() - stats.InFlight
	return stats
}

// report calls OnResult for the items of a batch and removes them.
func (b *Batcher[T]) report(batch *batch[T]) {
	b.reportFrom(batch, 0)
}

// reportFrom continues with item i. A callback may call runtime.Goexit, as t.FailNow
// does: then another goroutine continues.
func (b *Batcher[T]) reportFrom(batch *batch[T], i int) {
	defer func() {
		if i < len(batch.items) {
			go b.reportFrom(batch, i)
			return
		}
		b.remove(batch)
	}()
	for i < len(batch.items) {
		it := batch.items[i]
		i++
		result := Result[T]{Item: it.value, Outcome: batch.outcome, Err: it.err, Attempts: it.attempts, Latency: time.Since(it.pushed)}
		if batch.outcome == Accepted {
			result.Err = nil
		}
		b.cfg.OnResult(b.ctx, result)
	}
}

// inCallback reports whether OnResult is on the stack of this goroutine, where it must
// not wait: the batch counts as in flight until OnResult returns.
func inCallback() bool {
	var stack [256]uintptr
	frames := runtime.CallersFrames(stack[:runtime.Callers(0, stack[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, ".reportFrom") && strings.Contains(frame.Function, "/batcher.") {
			return true
		}
		if !more {
			return false
		}
	}
}

// signal wakes the receiver of a channel with a buffer of one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
