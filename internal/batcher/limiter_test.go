package batcher

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// bucket is a server's token bucket.
type bucket struct {
	rate, size, tokens float64
	filled             time.Time
}

func (b *bucket) take() bool {
	now := time.Now()
	b.tokens = min(b.size, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Against a token bucket the client uses the rate and is rarely throttled.
func TestBatcher_Token_Bucket(t *testing.T) {
	tests := []struct {
		rate, size  float64
		concurrency int
		latency     time.Duration
		retryAfter  time.Duration
	}{
		{200, 200, 8, ms, 0},
		{200, 200, 8, ms, time.Second},
		{200, 20, 8, ms, 0},
		{200, 20, 8, ms, time.Second},
		{200, 2, 8, ms, time.Second},
		{200, 200, 64, 50 * ms, 0},
		{200, 20, 64, 50 * ms, time.Second},
		{20, 20, 8, ms, 0},
		{20, 5, 8, 50 * ms, time.Second},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := &bucket{rate: tt.rate, size: tt.size, tokens: tt.size, filled: time.Now()}
				s := newServer(t, func([]event) error {
					if !limit.take() {
						return throttle(tt.retryAfter)
					}
					return nil
				})
				s.latency = tt.latency
				b := start(s, func(c *Config[event]) { c.Concurrency = tt.concurrency })
				ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
				defer cancel()
				produce(ctx, b)
				all, rejected := s.rejections(2*time.Second, 7*time.Second)
				used := float64(all-rejected) / 5 / tt.rate
				share := float64(rejected) / float64(all)
				t.Logf("%.1f %% used, %.1f %% rejected", 100*used, 100*share)
				if used < 0.9 {
					t.Errorf("%.1f %% of the rate used, want at least 90 %%", 100*used)
				}
				if share > 0.1 {
					t.Errorf("%.1f %% of requests rejected, want at most 10 %%", 100*share)
				}
				_, _ = b.Close(ctx) // gives up what is queued
			})
		})
	}
}

func TestBatcher_RetryAfter(t *testing.T) {
	t.Run("others continue if they are accepted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, first(throttle(3*time.Second)))
			b := start(s, nil)
			for i, key := range []string{"a", "b", "c", "d"} {
				time.Sleep(time.Duration(i) * 100 * ms)
				push(t, b, key, key)
			}
			flushAll(t, b)
			got, at := s.sent()
			if want := []string{"a", "b", "c", "d", "a"}; !slices.Equal(got, want) {
				t.Errorf("sent %q at %v, want %q", got, at, want)
			}
			if last := at[len(at)-1]; last != 3*time.Second {
				t.Errorf("the throttled item was sent again after %v, want 3s", last)
			}
		})
	})
	for _, order := range [][]time.Duration{{2 * time.Second, 3 * time.Second}, {3 * time.Second, 2 * time.Second}} {
		t.Run(fmt.Sprint("the longer of ", order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, first(throttle(order[0]), throttle(order[1])))
				s.latency = ms
				b := start(s, nil)
				push(t, b, "a", "a")
				synctest.Wait()
				push(t, b, "b", "b")
				time.Sleep(time.Second) // and nothing was accepted
				for i := range 64 {
					push(t, b, fmt.Sprint("c", i), "c")
				}
				flushAll(t, b)
				_, at := s.sent()
				if at[0] != 0 || at[1] != 0 || at[2] < 3*time.Second || at[2] > 3*time.Second+10*ms {
					t.Errorf("sent at %v, want the third request after 3s", at)
				}
				if end := at[len(at)-1]; end > 3*time.Second+100*ms {
					t.Errorf("the last request was sent at %v, want soon after 3s", end)
				}
			})
		})
	}
	t.Run("at most MaxRetryAfter", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, first(throttle(24*time.Hour)))
			b := start(s, nil)
			push(t, b, "a", "a")
			flushAll(t, b)
			if took := time.Since(s.start); took != MaxRetryAfter {
				t.Errorf("sent again after %v, want %v", took, MaxRetryAfter)
			}
		})
	})
	t.Run("few requests while everything is throttled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			s.respond = func([]event) error {
				if time.Since(s.start) < 30*time.Second {
					return throttle(0)
				}
				return nil
			}
			s.latency = ms
			b := start(s, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 34*time.Second)
			defer cancel()
			produce(ctx, b)
			if n, _ := s.rejections(0, 30*time.Second); n > 200 {
				t.Errorf("%d requests in 30s, want at most 200", n)
			}
			if n, _ := s.rejections(33*time.Second, 34*time.Second); n < 1000 {
				t.Errorf("%d requests in a second, 3s after the end", n)
			}
		})
	})
}

// first responds with the errors, one after the other, and then accepts everything.
func first(responses ...error) func([]event) error {
	return func([]event) error {
		if len(responses) == 0 {
			return nil
		}
		next := responses[0]
		responses = responses[1:]
		return next
	}
}

// Requests that are sent late are made up for, as far as 10 ms.
func TestLimiter_Take(t *testing.T) {
	start := time.Now()
	l := limiter{rate: 200, nextAt: start}
	for _, tt := range []struct{ sent, next time.Duration }{
		{0, 5 * ms}, {7 * ms, 10 * ms}, {10 * ms, 15 * ms}, {100 * ms, 95 * ms},
	} {
		l.take(start.Add(tt.sent))
		if next := l.nextAt.Sub(start); next != tt.next {
			t.Errorf("after a request at %v the next may be sent at %v, want %v", tt.sent, next, tt.next)
		}
	}
}
