package batcher

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// While nothing is accepted, few requests are sent; then everything is at full speed.
func TestBatcher_Outage(t *testing.T) {
	const outage = 30 * time.Second
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.respond = func([]event) error {
			if since := time.Since(s.start); since > time.Second && since <= time.Second+outage {
				return errRetry
			}
			return nil
		}
		s.latency = 50 * ms
		b := start(s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 36*time.Second)
		defer cancel()
		produce(ctx, b)
		all, rejected := s.rejections(time.Second, time.Second+outage)
		if rejected > 60 || rejected < 20 {
			t.Errorf("%d of %d requests failed in the outage, want 20 to 60", rejected, all)
		}
		first := time.Duration(0)
		for _, r := range s.received() {
			if r.at > time.Second+outage-50*ms && r.err == nil {
				first = r.at
				break
			}
		}
		if first > 2*time.Second+outage {
			t.Errorf("first success %v after the outage, want at most 1s", first-time.Second-outage)
		}
		full, _ := s.rejections(0, time.Second)
		for from := first + time.Second; from < first+3*time.Second; from += time.Second {
			if n, _ := s.rejections(from, from+time.Second); n < full*95/100 {
				t.Errorf("%d requests in the second %v after the first success, %d before the outage", n, from-first, full)
			}
		}
		t.Logf("%d requests in the outage, %d in a second at full speed", rejected, full)
	})
}

// A response that shows that the server works ends an outage, whatever it is.
func TestBatcher_Outage_Ends_With_Rejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := newServer(t, func([]event) error {
			switch n++; {
			case n <= 6:
				return errRetry
			case n == 7:
				return errFail
			}
			return nil
		})
		b := start(s, func(c *Config[event]) { c.MaxBatch = always(1) })
		push(t, b, "a", numbers(50)...)
		flushAll(t, b)
		if failed := b.Stats().Failed; failed != 1 {
			t.Errorf("%d items failed, want 1", failed)
		}
	})
}

// The server counts as down after 5 failures of single items. If a probe shows that it
// was not, twice as many are needed, up to 80, until the batches have their full size.
func TestOutage_Threshold(t *testing.T) {
	o := outage{threshold: outageFailures, baseDelay: ms, maxDelay: ms}
	failures := func() (n int) {
		for ; !o.active(time.Now()); n++ {
			o.failed(time.Now(), 10, false) // does not count
			o.failed(time.Now(), 2, false)
			o.failed(time.Now(), 1, false)
			if n > 1000 {
				t.Fatal("no outage after 1000 failures")
			}
		}
		return n
	}
	for _, want := range []int{5, 10, 20, 40, 80, 80} {
		if got := failures(); got != want {
			t.Errorf("an outage after %d failures, want %d", got, want)
		}
		if got := o.limit(100); got != 1 {
			t.Errorf("batches of %d in an outage, want 1", got)
		}
		o.ended()
		o.ended()
	}
	for i, want := range []int{3, 6, 12, 25, 50, 100, 100} {
		if got := o.limit(100); got != want {
			t.Errorf("batches of %d after %d accepted requests, want %d", got, i+2, want)
		}
		o.ended()
	}
	if got := failures(); got != 5 {
		t.Errorf("an outage after %d failures, want 5 again", got)
	}
}

// The server counts as down if no request is accepted within 250 ms after one that was
// throttled. The next probe waits for the latest Retry-After.
func TestOutage_Throttled(t *testing.T) {
	o := outage{threshold: outageFailures, baseDelay: ms, maxDelay: ms}
	start := time.Now()
	o.throttled(start, 3*time.Second, false)
	o.throttled(start.Add(100*ms), 2*time.Second, false)
	if o.active(start.Add(250*ms - 1)) {
		t.Error("an outage before 250 ms")
	}
	if !o.active(start.Add(250*ms)) || !o.probeAt.Equal(start.Add(3*time.Second)) {
		t.Errorf("the probe is due %v after the first throttled request, want 3s", o.probeAt.Sub(start))
	}
	o.throttled(start.Add(3*time.Second), 4*time.Second, true)
	if !o.probeAt.Equal(start.Add(7 * time.Second)) {
		t.Errorf("the second probe is due %v after the first throttled request, want 7s", o.probeAt.Sub(start))
	}
}
