package batcher

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestBatcher_OnResult(t *testing.T) {
	t.Run("calls with its context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			var b *Batcher[event]
			s.onResult = func(ctx context.Context, r Result[event]) {
				if r.Item.text != "1" {
					return
				}
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				if err := b.Flush(ctx); !errors.Is(err, ErrInCallback) {
					t.Errorf("Flush = %v, want %v", err, ErrInCallback)
				}
				if _, err := b.Close(ctx); !errors.Is(err, ErrInCallback) {
					t.Errorf("Close = %v, want %v", err, ErrInCallback)
				}
				// The queue is full, and Push does not wait.
				if n, err := b.Push(ctx, true, event{text: "2"}, event{text: "3"}); n != 2 || err != nil {
					t.Errorf("Push = %d, %v, want 2 and no error", n, err)
				}
			}
			b = start(s, func(c *Config[event]) { c.Capacity = 1; c.Concurrency = 1 })
			push(t, b, "a", "1")
			flushAll(t, b)
			flushAll(t, b)
			if n := b.Stats().Accepted; n != 3 {
				t.Errorf("%d items accepted, want 3", n)
			}
		})
	})
	t.Run("its context after it has returned", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			s.latency = time.Second
			var kept []context.Context
			s.onResult = func(ctx context.Context, r Result[event]) {
				kept = append(kept, ctx)
				if r.Item.text == "Goexit" {
					runtime.Goexit()
				}
			}
			b := start(s, func(c *Config[event]) { c.Capacity = 1 })
			push(t, b, "a", "1")
			push(t, b, "a", "Goexit")
			flushAll(t, b)
			for _, ctx := range kept {
				push(t, b, "a", "2")
				if n, err := b.Push(ctx, false, event{}); n != 0 || !errors.Is(err, ErrFull) {
					t.Errorf("Push into a full queue = %d, %v, want 0, %v", n, err, ErrFull)
				}
				if err := b.Flush(ctx); err != nil {
					t.Errorf("Flush = %v, want no error", err)
				}
			}
			if _, err := b.Close(kept[0]); err != nil {
				t.Errorf("Close = %v, want no error", err)
			}
		})
	})
	t.Run("the context of another Batcher", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, other := newServer(t, nil), newServer(t, nil)
			s.latency = time.Second
			b := start(s, func(c *Config[event]) { c.Capacity = 1 })
			other.onResult = func(ctx context.Context, r Result[event]) {
				push(t, b, "a", "1")
				if _, err := b.Push(ctx, false, event{}); !errors.Is(err, ErrFull) {
					t.Errorf("Push into a full queue = %v, want %v", err, ErrFull)
				}
				if err := b.Flush(ctx); err != nil {
					t.Errorf("Flush = %v, want no error", err)
				}
				if _, err := b.Close(ctx); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
			}
			o := start(other, nil)
			push(t, o, "a", "1")
			flushAll(t, o)
		})
	})
	t.Run("Goexit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			s.onResult = func(context.Context, Result[event]) { runtime.Goexit() }
			b := start(s, func(c *Config[event]) { c.Concurrency = 1; c.Capacity = 5 })
			push(t, b, "a", numbers(20)...)
			flushAll(t, b)
			if stats := b.Stats(); len(s.reported()) != 20 || stats.Accepted != 20 || stats.Queued != 0 {
				t.Errorf("%d results, Stats() = %+v", len(s.reported()), stats)
			}
		})
	})
	t.Run("a slow callback slows down", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			s.onResult = func(context.Context, Result[event]) { time.Sleep(time.Second) }
			b := start(s, func(c *Config[event]) { c.Concurrency = 2; c.Capacity = 4 })
			for i := range 8 {
				push(t, b, fmt.Sprint("k", i), fmt.Sprint(i))
				if stats := b.Stats(); stats.Queued+stats.InFlight > 4 {
					t.Errorf("Stats() = %+v, want at most 4 items", stats)
				}
			}
			flushAll(t, b)
			if took := time.Since(s.start); took < 3*time.Second {
				t.Errorf("8 callbacks of a second took %v", took)
			}
		})
	})
}

// Items whose request calls runtime.Goexit, as t.FailNow does in a fake, fail.
func TestBatcher_Send_Goexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(batch []event) error {
			if batch[0].key == "bad" {
				runtime.Goexit()
			}
			return nil
		})
		b := start(s, func(c *Config[event]) { c.Concurrency = 1; c.MaxBatch = always(1) })
		for range 10 {
			if _, err := b.Push(t.Context(), true, batchOf("bad", "1", "2")...); err != nil {
				t.Fatal(err)
			}
			push(t, b, "good", "3")
		}
		flushAll(t, b)
		for _, r := range s.reported() {
			if bad := r.Item.key == "bad"; bad != (r.Outcome == Failed) || bad != (r.Err != nil) || r.Attempts != 1 {
				t.Errorf("result %+v, want a failure after one attempt of bad items only", r)
			}
		}
		if stats := b.Stats(); len(s.reported()) != 30 || stats.Accepted != 10 || stats.Failed != 20 || stats.InFlight != 0 {
			t.Errorf("%d results, Stats() = %+v, want 30 results, 10 accepted, 20 failed", len(s.reported()), stats)
		}
	})
}
