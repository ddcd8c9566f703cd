package batcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBatcher_Linger(t *testing.T) {
	tests := []struct {
		name    string
		latency time.Duration
		push    func(*testing.T, *Batcher[event])
		want    []string
		at      []time.Duration
	}{
		{"nothing in flight", 0, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "1")
			time.Sleep(ms)
			push(t, b, "a", "2")
		}, []string{"1", "2"}, []time.Duration{0, ms}},
		{"while a batch is in flight", time.Second, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "1")
			synctest.Wait()
			push(t, b, "b", "2")
			time.Sleep(3 * ms)
			push(t, b, "c", "3")
		}, []string{"1", "2 3"}, []time.Duration{0, 5 * ms}},
		{"a full batch does not wait", time.Second, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "x")
			synctest.Wait()
			push(t, b, "b", "0")
			synctest.Wait()
			if _, err := b.Push(t.Context(), true, batchOf("b", numbers(10)[1:]...)...); err != nil {
				t.Fatal(err)
			}
		}, []string{"x", "0 1 2 3 4 5 6 7 8 9"}, []time.Duration{0, 0}},
		{"the end of the batch in flight ends the wait", 2 * ms, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "1")
			synctest.Wait()
			push(t, b, "b", "2")
		}, []string{"1", "2"}, []time.Duration{0, 2 * ms}},
		{"items of a key in flight gather", 20 * ms, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "x")
			synctest.Wait()
			push(t, b, "a", numbers(12)...)
		}, []string{"x", "0 1 2 3 4 5 6 7 8 9", "10 11"}, []time.Duration{0, 20 * ms, 40 * ms}},
		{"Flush wakes a waiting batch", time.Second, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "1")
			synctest.Wait()
			push(t, b, "b", "2")
			time.Sleep(ms)
			flushAll(t, b)
		}, []string{"1", "2"}, []time.Duration{0, ms}},
		{"Close wakes a waiting batch", time.Second, func(t *testing.T, b *Batcher[event]) {
			push(t, b, "a", "1")
			synctest.Wait()
			push(t, b, "b", "2")
			time.Sleep(ms)
			if _, err := b.Close(t.Context()); err != nil {
				t.Errorf("Close = %v", err)
			}
		}, []string{"1", "2"}, []time.Duration{0, ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, nil)
				s.latency = tt.latency
				b := start(s, func(c *Config[event]) { c.Linger = 5 * ms })
				tt.push(t, b)
				time.Sleep(10 * time.Second)
				got, at := s.sent()
				if !slices.Equal(got, tt.want) || !slices.Equal(at, tt.at) {
					t.Errorf("sent %q at %v, want %q at %v", got, at, tt.want, tt.at)
				}
			})
		})
	}
}

func TestBatcher_Concurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = time.Second
		b := start(s, func(c *Config[event]) { c.Concurrency = 4 })
		for i := range 100 {
			push(t, b, fmt.Sprint("k", i), fmt.Sprint(i))
		}
		flushAll(t, b)
		// 10 full batches in rounds of 4, and up to 4 that were sent before more items
		// were queued.
		if took := time.Since(s.start); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("100 items took %v, want 3s or 4s", took)
		}
	})
}

func TestBatcher_Timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func([]event) error { return errRetry })
		b := start(s, func(c *Config[event]) { c.Timeout = 10 * time.Second; c.Concurrency = 1 })
		push(t, b, "a", "1")
		time.Sleep(time.Second)
		push(t, b, "a", "2")
		push(t, b, "b", "3")
		time.Sleep(time.Minute)
		if len(s.reported()) != 3 {
			t.Fatalf("%d results, want 3", len(s.reported()))
		}
		sent := map[string]int{}
		for _, r := range s.received() {
			for text := range strings.FieldsSeq(r.texts) {
				sent[text]++
			}
		}
		for _, r := range s.reported() {
			if r.Outcome != TimedOut || r.Latency != 10*time.Second || r.Attempts != sent[r.Item.text] {
				t.Errorf("result of %s: outcome %v after %v and %d attempts, want a timeout after 10s and %d attempts",
					r.Item.text, r.Outcome, r.Latency, r.Attempts, sent[r.Item.text])
			}
		}
		if stats := b.Stats(); stats.Failed != 3 || stats.Queued != 0 {
			t.Errorf("Stats() = %+v", stats)
		}
	})
}

// An item that is in flight when its time is over counts as accepted if it is.
func TestBatcher_Timeout_In_Flight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = 3 * time.Second
		b := start(s, func(c *Config[event]) { c.Timeout = 2 * time.Second })
		push(t, b, "a", "1")
		synctest.Wait()
		push(t, b, "a", "2")
		time.Sleep(time.Minute)
		if len(s.reported()) != 2 || s.reported()[0].Outcome != Accepted || s.reported()[1].Outcome != TimedOut {
			t.Errorf("results %+v, want one accepted and one timed out", s.reported())
		}
	})
}

// A Batcher without items does not wake up.
func TestBatcher_Idle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(newServer(t, nil), func(c *Config[event]) { c.Timeout = ms })
		push(t, b, "a", "1")
		flushAll(t, b)
		b.mu.Lock()
		defer b.mu.Unlock()
		if batch, wakeAt := b.next(time.Now()); batch != nil || !wakeAt.IsZero() {
			t.Errorf("it wakes up at %v, want never", wakeAt)
		}
	})
}

// Items whose deadline has passed fail while their key waits for a retry. There is one
// queue per key, and at most Concurrency requests are in flight.
func TestBatcher_Timeout_Of_A_Delayed_Key(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.respond = func(batch []event) error {
			if time.Since(s.start) < 11*time.Second {
				return errRetry
			}
			return nil
		}
		s.latency = 300 * ms
		b := start(s, func(c *Config[event]) {
			c.Concurrency = 2
			c.Timeout = 10 * time.Second
			c.BaseDelay, c.MaxDelay = 4*time.Second, 4*time.Second
		})
		for i := range 4 {
			push(t, b, fmt.Sprint("k", i), "first")
		}
		time.Sleep(9 * time.Second)
		for i := range 4 {
			push(t, b, fmt.Sprint("k", i), "second", "third")
		}
		flushAll(t, b)
		b.mu.Lock()
		if len(b.queues.keys) != 0 || b.queues.readyItems != 0 || len(b.queues.ready)+len(b.queues.delayed) != 0 || b.inFlight != 0 {
			t.Errorf("queues %+v and %d batches are left, want none", b.queues, b.inFlight)
		}
		b.mu.Unlock()
		for _, r := range s.reported() {
			if r.Item.text == "first" && (r.Outcome != TimedOut || r.Latency < 10*time.Second || r.Latency > 10*time.Second+300*ms) {
				t.Errorf("%s: outcome %v after %v, want a timeout after 10s", r.Item.key, r.Outcome, r.Latency)
			}
			if r.Item.text != "first" && r.Outcome != Accepted {
				t.Errorf("%s %s: outcome %v, want it accepted", r.Item.key, r.Item.text, r.Outcome)
			}
		}
		// Later there are still at most 2 requests in flight.
		s.latency = time.Second
		before := len(s.received())
		for i := range 8 {
			push(t, b, fmt.Sprint("late", i), "late")
			synctest.Wait()
			time.Sleep(ms)
		}
		if n := len(s.received()) - before; n != 2 {
			t.Errorf("%d requests in flight, want 2", n)
		}
	})
}

// Only the keys of items that have timed out leave the queue.
func TestBatcher_Timeout_Of_One_Key(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = 6 * time.Second
		b := start(s, func(c *Config[event]) { c.Timeout = 5 * time.Second; c.Concurrency = 1 })
		push(t, b, "busy", "1")
		synctest.Wait()
		push(t, b, "a", "2")
		time.Sleep(3 * time.Second)
		push(t, b, "b", "3")
		push(t, b, "a", "4")
		flushAll(t, b)
		for text, want := range map[string]Outcome{"1": Accepted, "2": TimedOut, "3": Accepted, "4": Accepted} {
			if r := s.resultsOf(text); len(r) != 1 || r[0].Outcome != want {
				t.Errorf("results of %s: %+v, want outcome %v", text, r, want)
			}
		}
	})
}
