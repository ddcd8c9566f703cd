package batcher

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBatcher_Push(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = 10 * time.Second
		b := start(s, func(c *Config[event]) { c.Capacity = 3 })
		push(t, b, "a", "1", "2")

		n, err := b.Push(t.Context(), false, event{text: "3"}, event{text: "4"})
		if n != 1 || !errors.Is(err, ErrFull) {
			t.Errorf("Push of 2 items = %d, %v, want 1, %v", n, err, ErrFull)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if n, err = b.Push(ctx, true, event{text: "4"}); n != 0 || !errors.Is(err, ErrFull) || time.Since(begin) != time.Second {
			t.Errorf("Push = %d, %v after %v, want 0, %v after 1s", n, err, time.Since(begin), ErrFull)
		}
		if n, err = b.Push(ctx, true, event{text: "4"}); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Push with a context that has ended = %d, %v", n, err)
		}
		if stats := b.Stats(); stats.Rejected != 2 || stats.Queued+stats.InFlight != 3 {
			t.Errorf("Stats() = %+v, want 2 rejected, 3 queued or in flight", stats)
		}
		// Waits for capacity, several times.
		if n, err = b.Push(t.Context(), true, make([]event, 10)...); n != 10 || err != nil {
			t.Errorf("Push of 10 items = %d, %v", n, err)
		}
	})
}

// All calls that wait continue when a batch frees enough capacity.
func TestBatcher_Push_Waiting_Calls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = time.Second
		b := start(s, func(c *Config[event]) { c.Capacity = 10; c.Concurrency = 1 })
		if _, err := b.Push(t.Context(), true, batchOf("a", numbers(10)...)...); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { push(t, b, "b", "x") })
		}
		all.Wait()
		if took := time.Since(s.start); took != time.Second {
			t.Errorf("10 waiting calls returned after %v, want 1s", took)
		}
	})
}

// Many callers push more items at once than there is capacity for.
func TestBatcher_Push_Concurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = ms
		b := start(s, func(c *Config[event]) { c.Capacity = 7 })
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if n, err := b.Push(t.Context(), true, make([]event, 150)...); n != 150 || err != nil {
					t.Errorf("Push = %d, %v", n, err)
				}
			})
		}
		all.Wait()
		flushAll(t, b)
		if stats := b.Stats(); stats.Accepted != 8*150 || stats.Queued != 0 || stats.InFlight != 0 {
			t.Errorf("Stats() = %+v", stats)
		}
	})
}

func TestBatcher_Flush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = time.Second
		b := start(s, nil)
		flushAll(t, b) // nothing is queued
		push(t, b, "a", "1")
		ctx, cancel := context.WithTimeout(t.Context(), ms)
		defer cancel()
		if err := b.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush = %v, want %v", err, context.DeadlineExceeded)
		}
		go func() {
			time.Sleep(500 * ms)
			push(t, b, "b", "2") // later than Flush
		}()
		flushAll(t, b)
		if took := time.Since(s.start); took != time.Second {
			t.Errorf("Flush returned after %v, want 1s", took)
		}
		// Everything has been reported: a success, whatever the context.
		time.Sleep(time.Minute)
		if err := b.Flush(ctx); err != nil {
			t.Errorf("Flush = %v, want no error", err)
		}
	})
}

// A Flush waits for exactly the items that were pushed before, also if another one ends.
func TestBatcher_Flush_Concurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.respond = func(batch []event) error {
			if batch[0].key == "slow" && time.Since(s.start) < 2*time.Second {
				return errRetry
			}
			return nil
		}
		b := start(s, func(c *Config[event]) { c.Linger = time.Minute })
		push(t, b, "slow", "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if err := b.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(s.start) != time.Second {
				t.Errorf("Flush = %v after %v, want %v after 1s", err, time.Since(s.start), context.DeadlineExceeded)
			}
		})
		all.Go(func() {
			if err := b.Flush(t.Context()); err != nil || time.Since(s.start) < 2*time.Second || time.Since(s.start) > 5*time.Second {
				t.Errorf("Flush = %v after %v, want success after 2s to 5s", err, time.Since(s.start))
			}
		})
		synctest.Wait()
		push(t, b, "fast", "2")
		all.Wait()
	})
}

func TestBatcher_Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.latency = time.Second
		b := start(s, func(c *Config[event]) { c.Capacity = 25 })
		push(t, b, "a", numbers(25)...)
		blocked := make(chan error)
		go func() { _, err := b.Push(t.Context(), true, event{}); blocked <- err }()
		synctest.Wait()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := b.Close(t.Context()); err != nil {
					t.Errorf("Close = %v", err)
				}
				if n := b.Stats().Accepted; n != 25 {
					t.Errorf("%d items accepted when Close returned, want 25", n)
				}
			})
		}
		if err := <-blocked; !errors.Is(err, ErrClosed) {
			t.Errorf("waiting Push = %v, want %v", err, ErrClosed)
		}
		// The queue is still full.
		for _, wait := range []bool{true, false} {
			if _, err := b.Push(t.Context(), wait, event{}); !errors.Is(err, ErrClosed) {
				t.Errorf("Push after Close = %v, want %v", err, ErrClosed)
			}
		}
		all.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if lost, err := b.Close(ended); lost != 0 || err != nil || b.Flush(ended) != nil {
			t.Errorf("Close and Flush of a closed Batcher = %v", err)
		}
	})
}

func TestBatcher_Close_Gives_Up(t *testing.T) {
	tests := []struct {
		name    string
		latency time.Duration
		respond func([]event) error
	}{
		{"in flight", time.Hour, nil},
		{"waiting for a retry", 0, func([]event) error { return errRetry }},
		{"throttled", 0, func([]event) error { return throttle(time.Hour) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, tt.respond)
				s.latency = tt.latency
				b := New(Config[event]{
					Concurrency: 1, Capacity: 100, MaxBatch: always(10), MaxGroup: 100, Timeout: time.Hour * 10,
					BaseDelay: time.Minute, MaxDelay: time.Minute,
					Key: func(e event) string { return e.key }, Group: func(event) any { return nil },
					Send: s.send, Classify: func(_ []event, err error) Verdict { return err.(errVerdict).Verdict }, OnResult: s.report,
				})
				push(t, b, "a", "1")
				synctest.Wait()
				push(t, b, "a", "2")
				push(t, b, "b", "3")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begin := time.Now()
				if lost, err := b.Close(ctx); lost != 3 || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
					t.Errorf("Close = %d, %v after %v, want 3, %v after 1s", lost, err, time.Since(begin), context.DeadlineExceeded)
				}
				if len(s.reported()) != 3 {
					t.Fatalf("%d results, want 3", len(s.reported()))
				}
				for _, r := range s.reported() {
					if r.Outcome != Canceled {
						t.Errorf("outcome of %s is %v, want Canceled", r.Item.text, r.Outcome)
					}
				}
				if r := s.resultsOf("1")[0]; r.Attempts == 0 || r.Err == nil {
					t.Errorf("the item that was sent has %d attempts and error %v", r.Attempts, r.Err)
				}
				if r := s.resultsOf("2")[0]; r.Attempts != 0 || r.Err != nil {
					t.Errorf("the item that was not sent has %d attempts and error %v", r.Attempts, r.Err)
				}
			})
		})
	}
}

// A callback that never returns does not keep Close from returning.
func TestBatcher_Close_Blocked_Callback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		release := make(chan struct{})
		s.onResult = func(context.Context, Result[event]) { <-release }
		b := start(s, nil)
		push(t, b, "a", "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if lost, err := b.Close(ctx); lost != 1 || err == nil || time.Since(begin) != time.Second+closeGrace {
			t.Errorf("Close = %v after %v, want an error after 2s", err, time.Since(begin))
		}
		close(release)
	})
}

// Push and Close at the same time: each item that was accepted has a result, and no
// capacity is lost.
func TestBatcher_Close_Races_With_Push(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			b := start(s, func(c *Config[event]) { c.Capacity = 4 })
			var mu sync.Mutex
			queued := 0
			for range 8 {
				go func() {
					for {
						n, err := b.Push(t.Context(), true, make([]event, 3)...)
						mu.Lock()
						queued += n
						mu.Unlock()
						if err != nil {
							return
						}
						runtime.Gosched()
					}
				}()
			}
			go func() {
				if _, err := b.Close(t.Context()); err != nil {
					t.Errorf("Close = %v", err)
				}
			}()
			synctest.Wait()
			if stats := b.Stats(); len(s.reported()) != queued || stats.Queued != 0 || stats.InFlight != 0 || stats.Accepted != int64(queued) {
				t.Errorf("%d items were queued, %d have results, Stats() = %+v", queued, len(s.reported()), stats)
			}
		})
	}
}

func TestBatcher_Stats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := newServer(t, func([]event) error {
			switch n++; n {
			case 1:
				return errRetry
			case 2:
				return errFail
			}
			return nil
		})
		s.latency = ms
		b := start(s, func(c *Config[event]) { c.Concurrency = 1 })
		push(t, b, "a", "1")
		flushAll(t, b)
		push(t, b, "a", "2")
		synctest.Wait()
		push(t, b, "a", "3", "4")
		if got, want := b.Stats(), (Stats{Queued: 2, InFlight: 1, Failed: 1, Retries: 1}); got != want {
			t.Errorf("Stats() = %+v, want %+v", got, want)
		}
		flushAll(t, b)
		if got, want := b.Stats(), (Stats{Accepted: 3, Failed: 1, Batches: 2, Retries: 1}); got != want {
			t.Errorf("Stats() = %+v, want %+v", got, want)
		}
	})
}
