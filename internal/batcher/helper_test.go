package batcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
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
		MaxBatch:    always(10),
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
		if _, err := b.Close(context.Background()); err != nil {
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

func items(results []Result[event]) []event {
	list := make([]event, len(results))
	for i, r := range results {
		list[i] = r.Item
	}
	return list
}

func batchOf(key string, texts ...string) []event {
	list := make([]event, len(texts))
	for i, text := range texts {
		list[i] = event{key: key, text: text}
	}
	return list
}

func always(n int) func() int { return func() int { return n } }
