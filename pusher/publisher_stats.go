package pusher

import (
	"errors"
	"math/bits"
	"sync/atomic"
	"time"
)

// Stats is what a [Publisher] has done so far. It is made for JSON and expvar:
//
//	expvar.Publish("pusher", expvar.Func(func() any { return publisher.Stats() }))
type Stats struct {
	Queued   int64 `json:"queued"`    // events that wait now, or are being reported
	InFlight int64 `json:"in_flight"` // events whose request is under way or will be repeated
	Sent     int64 `json:"sent"`      // events that the server has accepted
	Failed   int64 `json:"failed"`    // events that were queued and not accepted
	Dropped  int64 `json:"dropped"`   // events that found the queue full and were not queued
	Batches  int64 `json:"batches"`   // requests that the server has accepted
	Retried  int64 `json:"retried"`   // requests that were repeats

	// Latency is the time from when an event was queued until the server accepted it.
	Latency Histogram `json:"latency"`
}

// Stats returns the present numbers. They are read one by one, while lanes go on.
func (p *Publisher) Stats() Stats {
	if p == nil || p.client == nil {
		return Stats{}
	}
	inFlight := p.stats.inFlight.Load()
	return Stats{
		Queued:   max(0, int64(len(p.places))-inFlight),
		InFlight: inFlight,
		Sent:     p.stats.sent.Load(),
		Failed:   p.stats.failed.Load(),
		Dropped:  p.stats.dropped.Load(),
		Batches:  p.stats.batches.Load(),
		Retried:  p.stats.retried.Load(),
		Latency:  p.stats.latency.snapshot(),
	}
}

type counters struct {
	inFlight, sent, failed, dropped, batches, retried atomic.Int64
	latency                                           latencies
}

func (c *counters) end(err error, took time.Duration) {
	if err != nil {
		c.failed.Add(1)
		return
	}
	c.sent.Add(1)
	c.latency.add(took)
}

func (c *counters) refuse(failure *Error, events int) {
	if errors.Is(failure, ErrQueueFull) {
		c.dropped.Add(int64(events))
	}
}

// A Histogram counts durations by size. As JSON it is a list of buckets with
// "up_to_ns" and "count". Histograms of several publishers can be put together by
// adding the counts of equal buckets.
type Histogram []Bucket

// A Bucket counts the durations above the one before it and up to UpTo. Only
// buckets that have counted something are listed.
type Bucket struct {
	UpTo  time.Duration `json:"up_to_ns"`
	Count int64         `json:"count"`
}

// Quantile returns a duration that the share q, 0 to 1, of all durations does not
// exceed, at most an eighth above the exact one; 0 if nothing was counted.
func (h Histogram) Quantile(q float64) time.Duration {
	var total, below int64
	for _, bucket := range h {
		total += bucket.Count
	}
	for _, bucket := range h {
		below += bucket.Count
		if float64(below) >= q*float64(total) {
			return bucket.UpTo
		}
	}
	return 0
}

// latencies has eight buckets for each power of two of nanoseconds.
type latencies [8 * 60]atomic.Int64

func (l *latencies) add(d time.Duration) { l[bucketOf(d)].Add(1) }

// bucketOf counts the powers of two, and then the eighths between two of them.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 8))
	power := bits.Len64(n) - 4 // n >> power is 8 to 15
	return 8*power + int(n>>power) - 8
}

// topOf is the largest duration of a bucket.
func topOf(bucket int) time.Duration {
	power, eighth := bucket/8, bucket%8
	return time.Duration(uint64(eighth+9)<<power - 1)
}

func (l *latencies) snapshot() Histogram {
	h := Histogram{}
	for i := range l {
		if count := l[i].Load(); count > 0 {
			h = append(h, Bucket{topOf(i), count})
		}
	}
	return h
}
