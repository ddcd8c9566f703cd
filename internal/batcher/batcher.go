package batcher

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Config configures a [Batcher]. All fields are required, except Linger, MaxBytes
// and Size.
type Config[T any] struct {
	Concurrency int           // maximum number of batches in flight
	Capacity    int           // maximum number of items, from Push until their result was reported
	MaxBatch    func() int    // maximum number of items in a batch, at the moment
	MaxGroup    int           // maximum number of items in a batch of one group
	Linger      time.Duration // maximum wait of an item for others while a batch is in flight
	Timeout     time.Duration // maximum time from Push until an item is accepted

	// BaseDelay is the delay before the second retry. It doubles for an item that
	// fails alone, up to MaxDelay. Up to a quarter of it is subtracted at random.
	BaseDelay, MaxDelay time.Duration

	// Key returns the key of an item. Items with the same key are sent in order.
	Key func(T) string
	// Group returns a comparable value that is the same for items that may share a
	// batch of up to MaxGroup items, or nil. A group has at most one item per key.
	Group func(T) any
	// MaxBytes limits the sizes of the items in a batch of several. Size returns how many
	// bytes an item adds to a batch, and how many if the batch has other items of its
	// group and no others. Without Size, there is no limit.
	MaxBytes int
	Size     func(T) (bytes, memberBytes int)
	// Send sends a batch. It must return soon after ctx is done.
	Send func(ctx context.Context, batch []T) error
	// Classify returns what follows from the error of a batch.
	Classify func(batch []T, err error) Verdict
	// OnResult is called once for each item, for items of one key one after the
	// other and in order. The batch counts as in flight until it returns. It must not
	// panic. Until it returns, its context marks calls of Push, Flush and Close as
	// calls from OnResult.
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
	undecided Outcome = iota // it is sent, perhaps again
	Accepted
	Failed   // the verdict was to let it fail
	TimedOut // it was not accepted within the timeout
	Canceled // the context of Close ended
)

// Errors of [Batcher.Push], [Batcher.Flush] and [Batcher.Close].
var (
	ErrFull       = errors.New("no capacity")
	ErrClosed     = errors.New("closed")
	ErrInCallback = errors.New("called with the context of OnResult: it would wait for itself")
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
	lost     int // canceled items
	inFlight int // batches, until their results have been reported
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
		cfg:     cfg,
		wake:    make(chan struct{}, 1),
		space:   make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		queues:  queues[T]{keys: map[string]*key[T]{}, maxBytes: cfg.MaxBytes},
		outage:  outage{threshold: outageFailures, baseDelay: cfg.BaseDelay, maxDelay: min(cfg.MaxDelay, maxProbeInterval)},
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
// With the context of OnResult, Push never waits: it exceeds the capacity.
func (b *Batcher[T]) Push(ctx context.Context, wait bool, values ...T) (int, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	exceed := b.inCallback(ctx)
	for queued := 0; ; {
		n, err := b.push(values[queued:], exceed)
		queued += n
		if err != nil || queued == len(values) {
			signal(b.space) // there may be capacity for another call
			return queued, err
		}
		if wait {
			select {
			case <-b.space:
				continue
			case <-b.closing:
				continue
			case <-ctx.Done():
			}
		}
		b.reject(len(values) - queued)
		return queued, ErrFull
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
		if b.cfg.Size != nil {
			it.size, it.memberSize = b.cfg.Size(value)
		}
		it.pending = b.pending.PushBack(it)
		b.queues.push(b.cfg.Key(value), it)
	}
	// Between an empty queue and a full batch, the scheduler already waits for Linger.
	if ready, full := b.queues.readyItems, b.cfg.MaxBatch(); before == 0 || before < full && ready >= full {
		signal(b.wake)
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
// the context's error. With the context of OnResult, it returns [ErrInCallback].
func (b *Batcher[T]) Flush(ctx context.Context) error {
	if b.inCallback(ctx) {
		return ErrInCallback
	}
	b.mu.Lock()
	if b.pending.Len() == 0 {
		b.mu.Unlock()
		return nil
	}
	f := flush{b.pushed, make(chan struct{})}
	b.flushes = append(b.flushes, f)
	b.mu.Unlock()
	signal(b.wake)
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushes = slices.DeleteFunc(b.flushes, func(other flush) bool { return other == f })
	return context.Cause(ctx)
}

// endFlushes ends the flushes whose items all have a result.
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
// context of Send, queued items end as [Canceled], and Close returns at most a second
// later. If items were canceled or have no reported result, it returns their number
// and the context's error. With the context of OnResult, Close returns
// [ErrInCallback] and does nothing.
func (b *Batcher[T]) Close(ctx context.Context) (lost int, err error) {
	if b.inCallback(ctx) {
		return 0, ErrInCallback
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
		return 0, nil
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if lost = b.lost + b.pending.Len(); lost == 0 {
		return 0, nil
	}
	return lost, context.Cause(ctx)
}

// Stats returns the current counters.
func (b *Batcher[T]) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	stats := b.stats
	stats.Queued = b.pending.Len() - stats.InFlight
	return stats
}

// A resultContext is the context of a call of OnResult. It is the value of its own
// callbackKey, also in contexts derived from it.
type resultContext[T any] struct {
	context.Context
	key   callbackKey[T]
	ended atomic.Bool // OnResult has returned
}

type callbackKey[T any] struct{ batcher *Batcher[T] }

func (c *resultContext[T]) Value(key any) any {
	if key == c.key {
		return c
	}
	return c.Context.Value(key)
}

// inCallback reports whether ctx belongs to a running call of OnResult, which must
// not wait: its batch counts as in flight until it returns.
func (b *Batcher[T]) inCallback(ctx context.Context) bool {
	c, ok := ctx.Value(callbackKey[T]{b}).(*resultContext[T])
	return ok && !c.ended.Load()
}

// callback calls OnResult.
func (b *Batcher[T]) callback(result Result[T]) {
	ctx := &resultContext[T]{Context: b.ctx, key: callbackKey[T]{b}}
	defer ctx.ended.Store(true)
	b.cfg.OnResult(ctx, result)
}

// signal wakes the receiver of a channel with a buffer of one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
