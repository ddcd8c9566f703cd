package batcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An item that the server always fails on is isolated and retried until its timeout.
// 2,000 others are accepted within two seconds, with one batch in flight at a time.
func TestBatcher_poison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(batch []event) error {
			if slices.ContainsFunc(batch, func(e event) bool { return e.text == "poison" }) {
				return errRetry
			}
			return nil
		})
		s.latency = ms
		b := start(s, func(c *Config[event]) { c.Concurrency = 1; c.Timeout = time.Minute })
		for i := range 2000 {
			if i == 5 {
				push(t, b, "bad", "poison")
			}
			push(t, b, fmt.Sprint("k", i%100), fmt.Sprint(i))
		}
		time.Sleep(time.Second)
		push(t, b, "bad", "behind it")
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		took := map[bool]time.Duration{}
		for _, r := range s.reported() {
			behind := r.Item.key == "bad"
			took[behind] = max(took[behind], r.Latency)
			if failed := r.Outcome != Accepted; failed != (r.Item.text == "poison") {
				t.Errorf("outcome of %s is %v", r.Item.text, r.Outcome)
			}
		}
		if took[false] > 2*time.Second {
			t.Errorf("items of other keys took %v, want at most 2s", took[false])
		}
		poison := s.resultsOf("poison")
		if len(poison) != 1 || poison[0].Outcome != TimedOut || poison[0].Latency.Round(time.Second) != time.Minute || poison[0].Err == nil {
			t.Fatalf("results of the item that fails: %+v, want one timeout after a minute", poison)
		}
		sent := 0
		for _, r := range s.received() {
			if strings.Contains(r.texts, "poison") {
				sent++
			}
		}
		if poison[0].Attempts != sent || sent < 10 || sent > 90 {
			t.Errorf("the item that fails was sent %d times, result says %d, want 10 to 90", sent, poison[0].Attempts)
		}
	})
}

// An isolated failure delays only its own batch, and not for long.
func TestBatcher_isolated_failure(t *testing.T) {
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
