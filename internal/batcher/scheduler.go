package batcher

import (
	"math/rand/v2"
	"time"
)

// run starts a goroutine for each batch until all items have a result after Close.
func (b *Batcher[T]) run() {
	defer close(b.done)
	defer b.cancel(nil)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		b.mu.Lock()
		batch, wake := b.next(time.Now())
		ended := b.closed && b.pending.Len() == 0
		b.mu.Unlock()
		switch {
		case batch != nil:
			go b.send(batch)
		case ended:
			return
		default:
			timer.Reset(time.Until(wake))
			select {
			case <-b.wake:
			case <-timer.C:
			}
		}
	}
}

// next returns the batch that is to be sent now. If there is none, it returns when
// to look again, unless something happens before.
func (b *Batcher[T]) next(now time.Time) (next *batch[T], wake time.Time) {
	wake = earlier(b.expire(now), b.queues.endDelays(now))
	if len(b.queues.ready) == 0 || b.inFlight >= b.cfg.Concurrency {
		return nil, wake
	}
	probe := b.outage.active(now)
	if at := b.sendAt(now, probe); at.After(now) {
		return nil, earlier(wake, at)
	}
	next = b.queues.take(b.maxBatch, b.cfg.MaxGroup)
	next.sent, next.probe = now, probe
	if probe {
		b.outage.probeInFlight = true
	} else {
		b.limiter.take()
	}
	b.inFlight++
	b.stats.InFlight += len(next.items)
	return next, now
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// sendAt returns when the next batch may be sent.
func (b *Batcher[T]) sendAt(now time.Time, probe bool) time.Time {
	if probe {
		return b.outage.nextProbe(now)
	}
	at := b.limiter.sendAt(now)
	first := b.queues.ready[0].items[0]
	if b.queues.readyItems < b.maxBatch && b.inFlight > 0 && len(b.flushes) == 0 && !b.closed && first.attempts == 0 {
		if lingered := first.pushed.Add(b.cfg.Linger); lingered.After(at) {
			return lingered
		}
	}
	return at
}

// expire reports the items whose time is over, except those in flight. It returns
// when the next one's time is over.
func (b *Batcher[T]) expire(now time.Time) (next time.Time) {
	if now.Before(b.expireAt) && !b.canceled {
		return b.expireAt
	}
	next = now.Add(b.cfg.Timeout)
	again := false // look at the same items again the next time
	var expired []*item[T]
	ofKey := map[*key[T]]int{} // number of expired items
	for e := b.pending.Front(); e != nil; e = e.Next() {
		it := e.Value.(*item[T])
		k := it.key
		if now.Before(it.deadline) && !b.canceled {
			next = earlier(next, it.deadline)
			if it.extended {
				continue
			}
			break // those behind it were pushed later
		}
		switch first := k.items[0]; {
		case k.taken > 0:
			again = true // it is in flight, or behind one that is
		case it != first && first.attempts > 0 && !it.extended && !b.canceled:
			it.extended, it.deadline = true, now.Add(b.cfg.Timeout/10)
			next = earlier(next, it.deadline)
		case it == k.items[ofKey[k]]:
			ofKey[k]++
			expired = append(expired, it)
		}
	}
	b.expireAt = next
	if again {
		b.expireAt = now
	}
	if len(expired) > 0 {
		batch := b.queues.takeAll(expired)
		batch.outcome = TimedOut
		if b.canceled {
			batch.outcome = Canceled
		}
		go b.report(batch)
	}
	return next
}

// send sends a batch, and reports the results or puts the items back.
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
	if b.sent(batch, err, verdict) {
		b.report(batch)
	}
}

// sent records the response to a batch. It reports whether the result is final.
func (b *Batcher[T]) sent(batch *batch[T], err error, verdict Verdict) (final bool) {
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

	switch verdict.Server {
	case Up:
		if !batch.probe {
			b.limiter.accepted(batch.sent, now)
		}
		b.outage.ended()
	case Throttling:
		if !batch.probe {
			b.limiter.throttled(batch.sent, now)
		}
		b.outage.throttled(now, verdict.RetryAfter, batch.probe)
	case Failing:
		b.outage.failed(now, batch.probe)
	}

	if err == nil {
		b.stats.Batches++
		return true
	}
	if b.ctx.Err() != nil {
		batch.outcome = Canceled
		return true
	}
	batch.outcome = Failed
	half := (len(batch.items) + 1) / 2
	var retryAt time.Time
	switch {
	case verdict.Action == Fail, verdict.Action == Split && len(batch.items) == 1:
		return true
	case verdict.Action == Split:
		for _, it := range batch.items {
			it.limit = half
		}
	default:
		for _, it := range batch.items {
			it.failures++
			if verdict.Server == Failing && it.failures > 1 {
				it.limit = half
			}
		}
		delay := verdict.RetryAfter
		if !b.outage.probing { // otherwise the interval of the probes is the delay
			delay = max(delay, b.backoff(batch))
		}
		if delay > 0 {
			retryAt = now.Add(delay)
		}
	}
	b.inFlight--
	for _, k := range batch.keys {
		b.queues.put(k, retryAt)
	}
	signal(b.wake)
	return false
}

// backoff returns how long the keys of a batch that failed wait.
func (b *Batcher[T]) backoff(batch *batch[T]) time.Duration {
	failures := batch.items[0].failures
	switch {
	case failures == 1:
		return 0
	case len(batch.items) > 1:
		failures = 2 // find the item that makes the batch fail soon
	}
	return exponential(b.cfg.BaseDelay, b.cfg.MaxDelay, failures-1)
}

// exponential returns the n-th of the delays that double from base to most, reduced by
// up to a quarter at random.
func exponential(base, most time.Duration, n int) time.Duration {
	d := base
	for range n - 1 {
		if d >= most {
			break
		}
		d *= 2
	}
	d = min(d, most)
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
	if !batch.sent.IsZero() {
		b.inFlight--
	}
	for _, k := range batch.keys {
		k.drop()
		b.queues.put(k, time.Time{})
	}
	b.endFlushes()
	signal(b.wake)
	signal(b.space)
}
