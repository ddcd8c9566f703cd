package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestPublisher_Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(nil)
		s.latency = time.Second
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{QueueSize: 25, OnResult: results.add})
		for i := range 25 {
			publish(t, p, "c", fmt.Sprint(i))
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := p.Close(t.Context()); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
				if n := len(results.all()); n != 25 {
					t.Errorf("%d results when Close returned, want 25", n)
				}
			})
		}
		synctest.Wait()
		// The queue is full.
		err := p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e"})
		sameError(t, "Publish after Close", err, wantError{Op: "Publish", Kind: pusher.ErrClosed})
		all.Wait()
		err = p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e"})
		sameError(t, "Publish after Close", err, wantError{Op: "Publish", Kind: pusher.ErrClosed})
		err = p.PublishMulti(t.Context(), []string{"c"}, pusher.Event{Name: "e"})
		sameError(t, "PublishMulti after Close", err, wantError{Op: "PublishMulti", Kind: pusher.ErrClosed})
		if !strings.Contains(fmt.Sprint(err), "0 of 1 events were queued") {
			t.Errorf("PublishMulti = %v, want it to state that no event was queued", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := errors.Join(p.Flush(ended), p.Close(ended)); err != nil {
			t.Errorf("Flush and Close of a closed publisher = %v, want no error", err)
		}
		idle := newPublisher(t, s.client(t), pusher.PublisherConfig{})
		if err := idle.Close(ended); err != nil {
			t.Errorf("Close of an idle publisher = %v, want no error", err)
		}
	})
}

func TestPublisher_Close_Context(t *testing.T) {
	tests := []struct {
		name    string
		latency time.Duration
		respond failure
		want    error // of the event that was sent, besides the context's
	}{
		{"request in flight", time.Hour, nil, pusher.ErrTransport},
		{"waiting for a retry", 0, withError(errReset), pusher.ErrTransport},
		{"throttled", 0, withStatus(429, "3600"), pusher.ErrRateLimited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPublishServer(func(publishRequest) (*http.Response, error) {
					if tt.respond == nil {
						return nil, nil
					}
					return tt.respond()
				})
				s.latency = tt.latency
				results := &resultLog{}
				client := s.client(t, pusher.WithTimeout(2*time.Hour))
				p, err := client.NewPublisher(pusher.PublisherConfig{QueueSize: 2, OnResult: results.add})
				if err != nil {
					t.Fatal(err)
				}
				publish(t, p, "c", "sent")
				synctest.Wait()
				publish(t, p, "c", "queued")
				blocked := make(chan error)
				go func() { blocked <- p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e"}) }()
				synctest.Wait()

				begin := time.Now()
				err = p.Close(canceledAfter(t, 30*time.Second))
				sameError(t, "Close", err, wantError{Op: "Close"})
				if !strings.Contains(fmt.Sprint(err), "2 events were not published") {
					t.Errorf("Close = %v, want the number of events", err)
				}
				if !errors.Is(err, context.DeadlineExceeded) || kindOf(err) != nil || time.Since(begin) != 30*time.Second {
					t.Errorf("Close = %v after %v, want %v after 30s", err, time.Since(begin), context.DeadlineExceeded)
				}
				sameError(t, "the waiting Publish", <-blocked, wantError{Op: "Publish", Kind: pusher.ErrClosed})
				all := results.all()
				if len(all) != 2 {
					t.Fatalf("%d results, want 2", len(all))
				}
				for i, want := range []error{tt.want, pusher.ErrClosed} {
					if err := all[i].Err; !errors.Is(err, want) || !errors.Is(err, pusher.ErrClosed) || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v has error %v, want %v and the context's error", all[i].Event.Data, err, want)
					}
				}
			})
		})
	}
}

func TestPublisher_Flush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(nil)
		s.latency = time.Second
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{})
		publish(t, p, "c", "a")
		ctx := canceledAfter(t, time.Millisecond)
		err := p.Flush(ctx)
		sameError(t, "Flush", err, wantError{Op: "Flush"})
		if !errors.Is(err, context.DeadlineExceeded) || kindOf(err) != nil {
			t.Errorf("Flush = %v, want %v", err, context.DeadlineExceeded)
		}
		flush(t, p)
		if n := p.Stats().Sent; n != 1 {
			t.Errorf("%d events were sent, want 1", n)
		}
		if err := p.Flush(ctx); err != nil {
			t.Errorf("Flush with nothing queued = %v, want no error", err)
		}
	})
}

// Publish races with Close: each event that was queued has a result.
func TestPublisher_Publish_RacesWithClose(t *testing.T) {
	for range 50 {
		results := &resultLog{}
		p := newPublisher(t, newPublishServer(nil).client(t), pusher.PublisherConfig{QueueSize: 2, OnResult: results.add})
		var all sync.WaitGroup
		var mu sync.Mutex
		queued := 0
		for i := range 4 {
			all.Go(func() {
				for p.Publish(t.Context(), pusher.Event{Channel: fmt.Sprint("c", i), Name: "e"}) == nil {
					mu.Lock()
					queued++
					mu.Unlock()
				}
			})
		}
		runtime.Gosched()
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		all.Wait()
		if n := len(results.all()); n != queued || p.Stats().Queued != 0 {
			t.Errorf("%d events were queued, %d have a result, Stats() = %+v", queued, n, p.Stats())
		}
	}
}

func TestPublisher_OnResult(t *testing.T) {
	t.Run("calls of the publisher", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(nil)
			s.latency = time.Second
			var p *pusher.Publisher
			var errs []error
			again := pusher.Event{Channel: "c", Name: "e", Data: "again"}
			p = newPublisher(t, s.client(t), pusher.PublisherConfig{QueueSize: 1, Concurrency: 1, OnResult: func(ctx context.Context, r pusher.PublishResult) {
				if r.Event.Data == "again" {
					return
				}
				errs = []error{p.Flush(ctx), p.Close(ctx), p.Publish(ctx, again), p.Publish(ctx, again)}
			}})
			publish(t, p, "c", "a")
			flush(t, p)
			sameError(t, "Flush", errs[0], wantError{Op: "Flush", Kind: pusher.ErrInvalid})
			sameError(t, "Close", errs[1], wantError{Op: "Close", Kind: pusher.ErrInvalid})
			if err := errors.Join(errs[2:]...); err != nil {
				t.Errorf("Publish into a full queue = %v, want no error", err)
			}
			flush(t, p)
			if n := p.Stats().Sent; n != 3 {
				t.Errorf("%d events were sent, want 3", n)
			}
		})
	})
	// Every event is published once more by its result, while others wait for a slot.
	t.Run("publishes into a full queue", func(t *testing.T) {
		s := newPublishServer(func(r publishRequest) (*http.Response, error) {
			for _, data := range r.data {
				if strings.HasPrefix(data, "first ") {
					return status(403, "", "no\n")
				}
			}
			return nil, nil
		})
		var p *pusher.Publisher
		p = newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 2, QueueSize: 4, OnResult: func(ctx context.Context, r pusher.PublishResult) {
			if r.Err == nil {
				return
			}
			again := r.Event
			again.Data = strings.TrimPrefix(fmt.Sprint(again.Data), "first ")
			if err := p.Publish(ctx, again); err != nil {
				t.Errorf("Publish = %v, want no error", err)
			}
		}})
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for j := range 50 {
					publish(t, p, fmt.Sprint("c", i), fmt.Sprint("first ", j))
				}
			})
		}
		all.Wait()
		for stats := p.Stats(); stats.Queued+stats.InFlight > 0; stats = p.Stats() {
			flush(t, p)
		}
		if n := p.Stats().Sent; n != 16*50 {
			t.Errorf("%d events were sent, want %d", n, 16*50)
		}
	})
	t.Run("panic", func(t *testing.T) {
		var lines logs
		p := newPublisher(t, newPublishServer(nil).client(t, lines.option()), pusher.PublisherConfig{
			OnResult: func(context.Context, pusher.PublishResult) { panic("oops") },
		})
		publish(t, p, "c", "a", "b")
		flush(t, p)
		if got := lines.lines(slog.LevelError); len(got) != 2 || !strings.Contains(got[0], "oops") {
			t.Errorf("logged %q, want two lines with the panic", got)
		}
		if stats := p.Stats(); stats.Sent != 2 || stats.Queued != 0 {
			t.Errorf("Stats() = %+v, want 2 sent and none queued", stats)
		}
	})
	t.Run("Goexit", func(t *testing.T) {
		p := newPublisher(t, newPublishServer(nil).client(t), pusher.PublisherConfig{
			Concurrency: 1, QueueSize: 3,
			OnResult: func(context.Context, pusher.PublishResult) { runtime.Goexit() },
		})
		for i := range 20 {
			publish(t, p, "c", fmt.Sprint(i))
		}
		flush(t, p)
		if n := p.Stats().Sent; n != 20 {
			t.Errorf("%d events were sent, want 20", n)
		}
	})
}

// Closing the client in OnResult waits for nothing that waits for OnResult.
func TestPublisher_OnResult_ClientClose(t *testing.T) {
	client := newPublishServer(nil).client(t)
	closed := make(chan error, 1)
	p := newPublisher(t, client, pusher.PublisherConfig{OnResult: func(ctx context.Context, _ pusher.PublishResult) { closed <- client.Close(ctx) }})
	publish(t, p, "c", "d")
	if err := <-closed; err != nil {
		t.Errorf("Client.Close in OnResult = %v, want no error", err)
	}
}
