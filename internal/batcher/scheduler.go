package batcher

import (
	"errors"
	"math/rand/v2"
	"time"
)

// run starts a goroutine for each batch until all items have a result after Close.
func (b *Batcher[T]) run() {
	defer b.cancel(nil)
	defer close(b.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		b.mu.Lock()
		batch, wakeAt := b.next(time.Now())
		ended := b.closed && b.pending.Len() == 0
		b.mu.Unlock()
		if batch != nil {
			go b.process(batch)
			continue
		}
		if ended {
			return
		}
		timer.Stop()
		if !wakeAt.IsZero() {
			timer.Reset(time.Until(wakeAt))
		}
		select {
		case <-b.wake:
		case <-timer.C:
		}
	}
}

// next returns the next batch to process. If there is none, it returns when to look
// again, unless something happens before; the zero time means never.
func (b *Batcher[T]) next(now time.Time) (next *batch[T], wakeAt time.Time) {
	expired, wakeAt := b.expire(now)
	if expired != nil {
		b.inFlight++
		return expired, wakeAt
	}
	wakeAt = earlier(wakeAt, b.queues.endDelays(now))
	probe := b.outage.active(now)
	if len(b.queues.ready) == 0 || b.inFlight >= b.cfg.Concurrency || probe && b.outage.probeInFlight {
		return nil, wakeAt
	}
	if at := b.sendAt(probe); at.After(now) {
		return nil, earlier(wakeAt, at)
	}
	if probe {
		b.outage.probeInFlight = true
		b.queues.chooseProbe()
	} else {
		b.limiter.take(now)
	}
	next = b.queues.take(b.outage.limit(b.cfg.MaxBatch()), b.outage.limit(b.cfg.MaxGroup))
	next.sent, next.probe = now, probe
	b.inFlight++
	b.stats.InFlight += len(next.items)
	return next, wakeAt
}

// earlier returns the earlier of two times. The zero time means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// expire returns a batch of the items whose deadline has passed, or nil, and the next
// deadline. Items whose key is in a batch wait for the end of that batch.
func (b *Batcher[T]) expire(now time.Time) (*batch[T], time.Time) {
	var expired []*item[T]
	var next time.Time
	for e := b.pending.Front(); e != nil; e = e.Next() {
		it := e.Value.(*item[T])
		if now.Before(it.deadline) && !b.canceled {
			next = it.deadline
			break // those behind it were pushed later
		}
		if it.key.taken == 0 {
			expired = append(expired, it)
		}
	}
	if len(expired) == 0 {
		return nil, next
	}
	batch := b.queues.takeAll(expired)
	batch.outcome = TimedOut
	if b.canceled {
		batch.outcome = Canceled
	}
	return batch, next
}

// sendAt returns when the next batch may be sent.
func (b *Batcher[T]) sendAt(probe bool) time.Time {
	if probe {
		return b.outage.probeAt
	}
	at := b.limiter.nextAt
	first := b.queues.ready[0].items[0]
	if b.queues.readyItems < b.cfg.MaxBatch() && b.inFlight > 0 && len(b.flushes) == 0 && !b.closed && first.attempts == 0 {
		return later(at, first.pushed.Add(b.cfg.Linger))
	}
	return at
}

// process sends a batch, unless its outcome is known, and reports the results or puts
// the items back.
func (b *Batcher[T]) process(batch *batch[T]) {
	returned := false
	defer func() {
		if returned {
			return
		}
		// Send or OnResult has called runtime.Goexit, as t.FailNow does in a fake.
		if batch.outcome == undecided {
			b.sent(batch, errGoexit, Verdict{Action: Fail, Server: Failing})
		}
		go b.process(batch)
	}()
	if batch.outcome == undecided {
		b.send(batch)
	}
	if batch.outcome != undecided {
		b.report(batch)
	}
	returned = true
}

var errGoexit = errors.New("the goroutine of the request has called runtime.Goexit")

// send sends a batch and records the response.
func (b *Batcher[T]) send(batch *batch[T]) {
	values := make([]T, len(batch.items))
	for i, it := range batch.items {
		values[i] = it.value
	}
	err := b.cfg.Send(b.ctx, values)
	var verdict Verdict
	if err != nil && b.ctx.Err() == nil {
		verdict = b.cfg.Classify(values, err)
		verdict.RetryAfter = min(verdict.RetryAfter, MaxRetryAfter)
	}
	b.sent(batch, err, verdict)
}

// report calls OnResult for the items of a batch and removes them.
func (b *Batcher[T]) report(batch *batch[T]) {
	for batch.reported < len(batch.items) {
		it := batch.items[batch.reported]
		batch.reported++
		result := Result[T]{Item: it.value, Outcome: batch.outcome, Err: it.err, Attempts: it.attempts, Latency: time.Since(it.pushed)}
		if batch.outcome == Accepted {
			result.Err = nil
		}
		b.callback(result)
	}
	b.remove(batch)
}

// sent records the response to a batch: it sets the outcome, or puts the items back.
func (b *Batcher[T]) sent(batch *batch[T], err error, verdict Verdict) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.InFlight -= len(batch.items)
	retried := false
	for _, it := range batch.items {
		retried = retried || it.attempts > 0
		it.attempts++
		it.err = err
	}
	if retried {
		b.stats.Retries++
	}
	b.observe(batch, verdict, now)
	if err == nil {
		batch.outcome = Accepted
		b.stats.Batches++
	} else if b.ctx.Err() != nil {
		batch.outcome = Canceled
	} else if verdict.Action == Fail || verdict.Action == Split && len(batch.items) == 1 {
		batch.outcome = Failed
	} else {
		b.retry(batch, verdict, now)
	}
}

// observe adjusts the rate and the state of the server.
func (b *Batcher[T]) observe(batch *batch[T], verdict Verdict, now time.Time) {
	switch verdict.Server {
	case Up:
		b.limiter.accepted(batch.sent, now)
		b.outage.ended()
	case Throttling:
		if !batch.probe { // a probe reveals nothing about the rate
			b.limiter.throttled(batch.sent, now)
		}
		b.outage.throttled(now, verdict.RetryAfter, batch.probe)
	case Failing:
		if batch.probe || !batch.items[0].suspect {
			b.outage.failed(now, len(batch.items), batch.probe)
		}
	}
}

// retry puts the items of a batch back.
func (b *Batcher[T]) retry(batch *batch[T], verdict Verdict, now time.Time) {
	alone := len(batch.items) == 1
	half := (len(batch.items) + 1) / 2
	var retryAt time.Time
	if verdict.Action == Split {
		for _, it := range batch.items {
			it.limit = half
		}
	} else {
		for _, it := range batch.items {
			it.failures++
			if verdict.Server == Failing {
				it.limit, it.suspect = half, alone
			}
		}
		retryAt = now.Add(max(verdict.RetryAfter, b.backoff(batch)))
	}
	b.inFlight--
	for _, k := range batch.keys {
		b.queues.put(k, retryAt)
	}
	signal(b.wake)
}

// backoff returns how long the keys of a batch that failed wait.
func (b *Batcher[T]) backoff(batch *batch[T]) time.Duration {
	failures := batch.items[0].failures
	if failures == 1 {
		return 0
	}
	if len(batch.items) > 1 {
		failures = 2 // find the item that makes the batch fail soon
	}
	return exponential(b.cfg.BaseDelay, b.cfg.MaxDelay, failures-1)
}

// exponential returns the n-th of the delays that double from base to most, reduced by
// up to a quarter at random.
func exponential(base, most time.Duration, n int) time.Duration {
	d := min(base, most)
	for range n - 1 {
		d = min(2*d, most)
	}
	return d - rand.N(d/4+1)
}

// remove removes the items of a batch whose results have been reported.
func (b *Batcher[T]) remove(batch *batch[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range batch.items {
		b.pending.Remove(it.pending)
	}
	if batch.outcome == Accepted {
		b.stats.Accepted += int64(len(batch.items))
	} else {
		b.stats.Failed += int64(len(batch.items))
	}
	if batch.outcome == Canceled {
		b.lost += len(batch.items)
	}
	b.inFlight--
	for _, k := range batch.keys {
		k.drop()
		b.queues.put(k, time.Time{})
	}
	b.endFlushes()
	signal(b.wake)
	signal(b.space)
}
