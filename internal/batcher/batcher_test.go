package batcher

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

// event is the item of the tests.
type event struct {
	key, text string
	group     any
}

// An errVerdict is an error that says how it is classified.
type errVerdict struct{ Verdict }

func (e errVerdict) Error() string { return fmt.Sprintf("%+v", e.Verdict) }

var (
	errFail  = errVerdict{Verdict{Action: Fail}}
	errSplit = errVerdict{Verdict{Action: Split}}
	errRetry = errVerdict{Verdict{Action: Retry, Server: Failing}}
)

func throttle(retryAfter time.Duration) error {
	return errVerdict{Verdict{Action: Retry, Server: Throttling, RetryAfter: retryAfter}}
}

// request is a batch that the server received.
type request struct {
	at    time.Duration
	texts string // of its items, joined
	err   error  // response
}

// server records requests. It is used within a synctest bubble.
type server struct {
	t       *testing.T
	respond func(batch []event) error // nil accepts everything
	latency time.Duration
	start   time.Time

	mu       sync.Mutex
	requests []request
	accepted []event
	inFlight map[string]bool // keys
	results  []Result[event]
	onResult func(context.Context, Result[event])
}

func newServer(t *testing.T, respond func([]event) error) *server {
	return &server{t: t, respond: respond, start: time.Now(), inFlight: map[string]bool{}}
}

func texts(batch []event) string {
	var words []string
	for _, e := range batch {
		words = append(words, e.text)
	}
	return strings.Join(words, " ")
}

func (s *server) send(ctx context.Context, batch []event) error {
	keys := map[string]bool{}
	for _, e := range batch {
		keys[e.key] = true
	}
	s.mu.Lock()
	at := time.Since(s.start)
	for key := range keys {
		if s.inFlight[key] {
			s.t.Errorf("key %s is in two batches in flight", key)
		}
		s.inFlight[key] = true
	}
	n := len(s.requests)
	s.requests = append(s.requests, request{at: at, texts: texts(batch)})
	s.mu.Unlock()

	var err error
	select {
	case <-time.After(s.latency):
	case <-ctx.Done():
		err = errRetry
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range keys {
		s.inFlight[key] = false
	}
	if err == nil && s.respond != nil {
		err = s.respond(batch)
	}
	s.requests[n].err = err
	if err == nil {
		s.accepted = append(s.accepted, batch...)
	}
	return err
}

func (s *server) report(ctx context.Context, r Result[event]) {
	s.mu.Lock()
	s.results = append(s.results, r)
	s.mu.Unlock()
	if s.onResult != nil {
		s.onResult(ctx, r)
	}
}

func (s *server) reported() []Result[event] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.results)
}

func (s *server) received() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *server) acceptedItems() []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted)
}

// sent returns the requests so far and their times.
func (s *server) sent() (batches []string, at []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		batches = append(batches, r.texts)
		at = append(at, r.at)
	}
	return batches, at
}

// rejections counts the requests from one time to another, and those with an error.
func (s *server) rejections(from, to time.Duration) (all, rejected int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.at >= from && r.at < to {
			all++
			if r.err != nil {
				rejected++
			}
		}
	}
	return all, rejected
}

func (s *server) resultsOf(texts ...string) []Result[event] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Result[event]
	for _, r := range s.results {
		if slices.Contains(texts, r.Item.text) {
			found = append(found, r)
		}
	}
	return found
}

// start returns a Batcher for the server that is closed at the end of the test.
func start(s *server, change func(*Config[event])) *Batcher[event] {
	cfg := Config[event]{
		Concurrency: 8,
		Capacity:    10_000,
		MaxBatch:    10,
		MaxGroup:    100,
		Timeout:     10 * time.Minute,
		BaseDelay:   100 * ms,
		MaxDelay:    2 * time.Second,
		Key:         func(e event) string { return e.key },
		Group:       func(e event) any { return e.group },
		Send:        s.send,
		Classify: func(_ []event, err error) Verdict {
			var v errVerdict
			if !errors.As(err, &v) {
				s.t.Errorf("Classify got %v", err)
			}
			return v.Verdict
		},
		OnResult: s.report,
	}
	if change != nil {
		change(&cfg)
	}
	b := New(cfg)
	s.t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			s.t.Errorf("Close = %v", err)
		}
	})
	return b
}

func push(t *testing.T, b *Batcher[event], key string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := b.Push(t.Context(), true, event{key: key, text: text}); err != nil {
			t.Fatalf("Push(%s) = %v", text, err)
		}
	}
}

func flushAll(t *testing.T, b *Batcher[event]) {
	t.Helper()
	if err := b.Flush(t.Context()); err != nil {
		t.Fatalf("Flush = %v", err)
	}
}

// produce pushes items of many keys until ctx is done.
func produce(ctx context.Context, b *Batcher[event]) {
	for i := 0; ; i++ {
		if _, err := b.Push(ctx, true, event{key: fmt.Sprint("k", i%2000), text: fmt.Sprint(i)}); err != nil {
			return
		}
	}
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return list
}

func TestBatcher_linger(t *testing.T) {
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
			push(t, b, "b", numbers(10)...)
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
			if err := b.Close(t.Context()); err != nil {
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

// A server that fails at random in every way, with latencies that overlap: items of a
// key are accepted in order and reported in order.
func TestBatcher_orderPerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := newServer(t, func([]event) error {
			switch n++; {
			case n%7 == 0:
				return errRetry
			case n%11 == 0:
				return throttle(0)
			case n%13 == 0:
				return errSplit
			}
			return nil
		})
		s.latency = 3 * ms
		b := start(s, func(c *Config[event]) { c.MaxBatch = 4; c.Linger = ms })
		for i := range 3000 {
			push(t, b, fmt.Sprint("k", i%37), fmt.Sprintf("%05d", i))
		}
		flushAll(t, b)
		for _, list := range [][]event{s.acceptedItems(), items(s.reported())} {
			last := map[string]string{}
			for _, e := range list {
				if e.text <= last[e.key] {
					t.Errorf("key %s: %s after %s", e.key, e.text, last[e.key])
				}
				last[e.key] = e.text
			}
			if len(last) != 37 {
				t.Errorf("%d keys, want 37", len(last))
			}
		}
		if len(s.reported()) != 3000 {
			t.Errorf("%d results, want 3000", len(s.reported()))
		}
	})
}

func items(results []Result[event]) []event {
	list := make([]event, len(results))
	for i, r := range results {
		list[i] = r.Item
	}
	return list
}

func TestBatcher_concurrency(t *testing.T) {
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

func TestBatcher_groups(t *testing.T) {
	group := func(name string, from, to int) (list []event) {
		for i := from; i < to; i++ {
			list = append(list, event{key: fmt.Sprint("k", i), text: name, group: name})
		}
		return list
	}
	tests := []struct {
		name     string
		maxBatch int
		push     []event
		want     []int // sizes
	}{
		{"more than MaxGroup", 10, group("g", 0, 250), []int{100, 100, 50}},
		{"a small group shares a batch", 10, append(group("g", 0, 5), group("h", 5, 8)...), []int{8}},
		{"two groups", 10, append(group("g", 0, 20), group("h", 20, 50)...), []int{20, 30}},
		{"without batches", 1, append(group("g", 0, 5), event{key: "x"}, event{key: "y"}), []int{5, 1, 1}},
		{"a key in both", 10, append(group("g", 0, 20), group("h", 0, 20)...), []int{20, 20}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sizes []int
				s := newServer(t, func(batch []event) error { sizes = append(sizes, len(batch)); return nil })
				b := start(s, func(c *Config[event]) { c.Concurrency = 1; c.MaxBatch = tt.maxBatch })
				if n, err := b.Push(t.Context(), true, tt.push...); n != len(tt.push) || err != nil {
					t.Fatalf("Push = %d, %v", n, err)
				}
				flushAll(t, b)
				if !slices.Equal(sizes, tt.want) {
					t.Errorf("batches of %d, want %d", sizes, tt.want)
				}
			})
		})
	}
}

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
func TestBatcher_Push_waiting_calls(t *testing.T) {
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
func TestBatcher_Push_concurrently(t *testing.T) {
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
				if err := b.Close(t.Context()); err != nil {
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
		if err := errors.Join(b.Close(ended), b.Flush(ended)); err != nil {
			t.Errorf("Close and Flush of a closed Batcher = %v", err)
		}
	})
}

func TestBatcher_Close_gives_up(t *testing.T) {
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
					Concurrency: 1, Capacity: 100, MaxBatch: 10, MaxGroup: 100, Timeout: time.Hour * 10,
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
				if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
					t.Errorf("Close = %v after %v, want %v after 1s", err, time.Since(begin), context.DeadlineExceeded)
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
func TestBatcher_Close_blocked_callback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		release := make(chan struct{})
		s.onResult = func(context.Context, Result[event]) { <-release }
		b := start(s, nil)
		push(t, b, "a", "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := b.Close(ctx); err == nil || time.Since(begin) != time.Second+closeGrace {
			t.Errorf("Close = %v after %v, want an error after 2s", err, time.Since(begin))
		}
		close(release)
	})
}

// Push and Close at the same time: each item that was accepted has a result, and no
// capacity is lost.
func TestBatcher_Close_races_with_Push(t *testing.T) {
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
				if err := b.Close(t.Context()); err != nil {
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

func TestBatcher_split(t *testing.T) {
	tests := []struct {
		bad  string
		most int // requests
	}{{"3", 9}, {"0", 9}, {"9", 9}, {"0 1", 9}, {"4 5 9", 17}, {"0 1 2 3 4 5 6 7 8 9", 19}}
	for _, tt := range tests {
		t.Run(tt.bad, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := strings.Fields(tt.bad)
				s := newServer(t, func(batch []event) error {
					if slices.ContainsFunc(batch, func(e event) bool { return slices.Contains(bad, e.text) }) {
						return errSplit
					}
					return nil
				})
				b := start(s, func(c *Config[event]) { c.Concurrency = 1 })
				if _, err := b.Push(t.Context(), true, batchOf("a", numbers(10)...)...); err != nil {
					t.Fatal(err)
				}
				flushAll(t, b)
				want := strings.Join(slices.DeleteFunc(numbers(10), func(s string) bool { return slices.Contains(bad, s) }), " ")
				if got := texts(s.acceptedItems()); got != want {
					t.Errorf("accepted %q, want %q", got, want)
				}
				for _, r := range s.reported() {
					if failed := r.Outcome == Failed; failed != slices.Contains(bad, r.Item.text) {
						t.Errorf("outcome of %s is %v", r.Item.text, r.Outcome)
					}
				}
				if n := len(s.received()); n > tt.most || time.Since(s.start) != 0 {
					t.Errorf("%d requests in %v, want at most %d at once", n, time.Since(s.start), tt.most)
				}
			})
		})
	}
}

// Items that share no batch with the one at fault are sent once.
func TestBatcher_split_apart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(batch []event) error {
			if slices.ContainsFunc(batch, func(e event) bool { return e.text == "9" }) {
				return errSplit
			}
			return nil
		})
		s.latency = ms
		b := start(s, func(c *Config[event]) { c.Concurrency = 1 })
		for i, text := range numbers(10) {
			push(t, b, fmt.Sprint("k", i), text)
		}
		time.Sleep(3 * ms / 2) // the batch of 1 to 9 is in flight
		for i := range 50 {
			push(t, b, fmt.Sprint("other", i), "a", "b")
			time.Sleep(ms)
		}
		flushAll(t, b)
		for _, r := range s.reported() {
			if strings.HasPrefix(r.Item.key, "other") && r.Attempts != 1 {
				t.Errorf("item of %s had %d attempts, want 1", r.Item.key, r.Attempts)
			}
		}
	})
}

func batchOf(key string, texts ...string) []event {
	list := make([]event, len(texts))
	for i, text := range texts {
		list[i] = event{key: key, text: text}
	}
	return list
}

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
				push(t, b, "k1", "poison")
			}
			push(t, b, fmt.Sprint("k", i%100), fmt.Sprint(i))
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		took := map[bool]time.Duration{}
		for _, r := range s.reported() {
			behind := r.Item.key == "k1" // waits behind it
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

// While nothing is accepted, few requests are sent; then everything is at full speed.
func TestBatcher_outage(t *testing.T) {
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
func TestBatcher_outage_ends_with_rejection(t *testing.T) {
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
		b := start(s, func(c *Config[event]) { c.MaxBatch = 1 })
		push(t, b, "a", numbers(50)...)
		flushAll(t, b)
		if failed := b.Stats().Failed; failed != 1 {
			t.Errorf("%d items failed, want 1", failed)
		}
	})
}

func TestBatcher_timeout(t *testing.T) {
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
func TestBatcher_timeout_in_flight(t *testing.T) {
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

func TestBatcher_OnResult(t *testing.T) {
	t.Run("push, flush and close", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, nil)
			var b *Batcher[event]
			s.onResult = func(_ context.Context, r Result[event]) {
				if r.Item.text != "1" {
					return
				}
				ctx := context.Background()
				if err := b.Flush(ctx); !errors.Is(err, ErrInCallback) {
					t.Errorf("Flush = %v, want %v", err, ErrInCallback)
				}
				if err := b.Close(ctx); !errors.Is(err, ErrInCallback) {
					t.Errorf("Close = %v, want %v", err, ErrInCallback)
				}
				// The queue is full, and Push does not wait.
				if _, err := b.Push(ctx, true, event{text: "2"}, event{text: "3"}); err != nil {
					t.Errorf("Push = %v", err)
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

// Keys without items take no memory.
func TestBatcher_keys_are_removed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(newServer(t, nil), nil)
		for i := range 1000 {
			push(t, b, fmt.Sprint("k", i), "1", "2")
		}
		flushAll(t, b)
		if n := len(b.queues.keys); n != 0 || b.queues.readyItems != 0 || len(b.queues.ready) != 0 {
			t.Errorf("%d keys, %d ready items, want none", n, b.queues.readyItems)
		}
	})
}
