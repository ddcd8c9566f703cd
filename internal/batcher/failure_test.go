package batcher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failing responds with errRetry to batches with an item whose text is "failing".
func failing(batch []event) error {
	if slices.ContainsFunc(batch, func(e event) bool { return e.text == "failing" }) {
		return errRetry
	}
	return nil
}

// Items that always fail are isolated, and delay others by little more than the
// requests that this takes.
func TestBatcher_Failing_Items(t *testing.T) {
	tests := []struct {
		name             string
		healthy, failing int
		most             time.Duration // latency of the healthy items
	}{
		// Two to three times the longest of some hundred runs: it depends on which items
		// follow each other, and on the random part of delays.
		{"1 in 100", 4000, 40, 2 * time.Second},
		{"1 in 10", 4000, 444, 8 * time.Second},
		{"1 in 5", 4000, 1000, 15 * time.Second},
		{"1 in 2", 1000, 1000, 30 * time.Second},
	}
	for _, tt := range tests {
		for _, order := range []string{"spread", "shuffled"} {
			t.Run(tt.name+" "+order, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t, failing)
					s.latency = 5 * ms
					done, waiting := make(chan struct{}), tt.healthy
					s.onResult = func(_ context.Context, r Result[event]) {
						s.mu.Lock()
						defer s.mu.Unlock()
						if r.Item.text == "failing" {
							return
						}
						if waiting--; waiting == 0 {
							close(done)
						}
					}
					b := start(s, func(c *Config[event]) { c.Linger = 5 * ms })
					all := make([]event, tt.healthy+tt.failing)
					for i := range all {
						all[i] = event{key: fmt.Sprint("k", i), text: "healthy"}
						if i*tt.failing/len(all) != (i+1)*tt.failing/len(all) {
							all[i].text = "failing"
						}
					}
					if order == "shuffled" {
						rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
					}
					if _, err := b.Push(t.Context(), true, all...); err != nil {
						t.Fatal(err)
					}
					select {
					case <-done:
					case <-time.After(tt.most):
					}
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					_, _ = b.Close(ctx)
					results := s.resultsOf("healthy")
					last := slices.MaxFunc(results, func(a, b Result[event]) int { return int(a.Latency - b.Latency) })
					failed := 0
					for _, r := range results {
						if r.Outcome != Accepted {
							failed++
						}
					}
					t.Logf("the last healthy item was accepted after %v", last.Latency)
					if failed != 0 || len(results) != tt.healthy {
						t.Errorf("%d of %d healthy items were not accepted within %v", failed, len(results), tt.most)
					}
				})
			})
		}
	}
}

// Items that always fail are retried until their timeout, with increasing delays, and
// do not delay other items that are pushed meanwhile.
func TestBatcher_Failing_Items_Later(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, failing)
		s.latency = ms
		b := start(s, func(c *Config[event]) { c.Concurrency = 1; c.Timeout = time.Minute })
		push(t, b, "bad", "failing")
		time.Sleep(time.Second)
		push(t, b, "bad", "behind it")
		for i := range 2000 {
			push(t, b, fmt.Sprint("k", i%100), fmt.Sprint(i))
			time.Sleep(ms)
		}
		flushAll(t, b)
		for _, r := range s.reported() {
			if failed := r.Outcome != Accepted; failed != (r.Item.text == "failing") {
				t.Errorf("outcome of %s is %v", r.Item.text, r.Outcome)
			}
			if r.Item.key != "bad" && r.Latency > 10*ms {
				t.Errorf("%s was accepted after %v, want at most 10ms", r.Item.text, r.Latency)
			}
		}
		result := s.resultsOf("failing")[0]
		sent := 0
		for _, r := range s.received() {
			if strings.Contains(r.texts, "failing") {
				sent++
			}
		}
		// After 0, 0.1, 0.2, 0.4, 0.8, 1.6 and then every 2 seconds, minus up to a quarter.
		if result.Outcome != TimedOut || result.Latency != time.Minute || result.Err == nil || result.Attempts != sent || sent < 34 || sent > 47 {
			t.Errorf("result %+v after %d requests with the item, want a timeout after a minute and 34 to 47 attempts", result, sent)
		}
	})
}

// The delays between attempts double from BaseDelay to MaxDelay, minus up to a quarter.
func TestBatcher_Backoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, failing)
		b := start(s, func(c *Config[event]) { c.Timeout = 10 * time.Second })
		push(t, b, "a", "failing")
		flushAll(t, b)
		_, at := s.sent()
		want := []time.Duration{0, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 2 * time.Second, 2 * time.Second}
		for i, most := range want {
			if delay := at[i+1] - at[i]; delay > most || delay < most*3/4 {
				t.Errorf("retry %d was sent after %v, want %v to %v", i+1, delay, most*3/4, most)
			}
		}
	})
}

// An isolated failure delays only its own batch, and not for long.
func TestBatcher_Isolated_Failure(t *testing.T) {
	for _, response := range []error{errRetry, throttle(0)} {
		t.Run(response.Error(), func(t *testing.T) {
			took := map[bool]time.Duration{}
			for _, faults := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					n, failed := 0, map[string]bool{}
					s := newServer(t, func(batch []event) error {
						// An item that fails twice waits, which is not what is tested here.
						again := slices.ContainsFunc(batch, func(e event) bool { return failed[e.text] })
						if n++; !faults || n%60 != 0 || again {
							return nil
						}
						for _, e := range batch {
							failed[e.text] = true
						}
						return response
					})
					s.latency = ms
					b := start(s, nil)
					for i := range 10_000 {
						push(t, b, fmt.Sprint("k", i%100), fmt.Sprint(i))
					}
					flushAll(t, b)
					took[faults] = time.Since(s.start)
				})
			}
			if limit := took[false] * 3 / 2; took[true] > limit {
				t.Errorf("10,000 items took %v, want at most %v", took[true], limit)
			}
		})
	}
}

// Delays of a few nanoseconds cannot be reduced.
func TestExponential_Smallest(t *testing.T) {
	if d := exponential(1, 1, 3); d != 1 {
		t.Errorf("the delay is %v, want 1ns", d)
	}
}
