package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestAFullQueuePushesBack(t *testing.T) {
	tests := []struct {
		name  string
		opts  []pusher.PublisherOption
		waits time.Duration
		cause error
	}{
		{"until the context ends", nil, time.Second, context.DeadlineExceeded},
		{"at once with RefuseWhenFull", []pusher.PublisherOption{pusher.RefuseWhenFull()}, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(nil)
				w.took = 4 * time.Second
				p := newPublisher(t, overWire(t, w), append(tt.opts, pusher.QueueSize(3))...)
				publish(t, p, "c", "1", "2", "3")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				err := p.Publish(ctx, pusher.Event{Channel: "c", Name: "e", Data: "4"})
				sameError(t, "Publish", err, pusher.Error{Op: "Publish", Kind: pusher.ErrQueueFull})
				if tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("Publish = %v, want %v", err, tt.cause)
				}
				if waited := time.Since(start); waited != tt.waits {
					t.Errorf("Publish waited %v, want %v", waited, tt.waits)
				}
				if stats := p.Stats(); stats.Dropped != 1 || stats.Queued+stats.InFlight != 3 {
					t.Errorf("Stats() = %+v, want 1 dropped and 3 queued or in flight", stats)
				}
			})
		})
	}
}

func TestPublishMultiTellsHowFarItGot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(nil)
		w.took = time.Second
		p := newPublisher(t, overWire(t, w), pusher.QueueSize(5), pusher.RefuseWhenFull())
		many := strings.Fields("a b c d e f g")
		err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e"})
		sameError(t, "PublishMulti", err, pusher.Error{Op: "PublishMulti", Kind: pusher.ErrQueueFull, Message: "5 of 7 channels were queued"})
		flush(t, p)
		if stats := p.Stats(); stats.Sent != 5 || stats.Dropped != 2 {
			t.Errorf("Stats() = %+v, want 5 sent and 2 dropped", stats)
		}
	})
}

// Many at once, each for more channels than the queue holds.
func TestPublishMultiNeverWaitsForItself(t *testing.T) {
	p := newPublisher(t, overWire(t, newWire(nil)), pusher.Linger(0), pusher.QueueSize(7))
	many := make([]string, 150)
	for i := range many {
		many[i] = fmt.Sprint("c", i)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e"}); err != nil {
				t.Errorf("PublishMulti = %v, want no error", err)
			}
		})
	}
	all.Wait()
	flush(t, p)
	if stats := p.Stats(); stats.Sent != 8*150 {
		t.Errorf("%d events were sent, want %d", stats.Sent, 8*150)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(nil)
		w.took = time.Second
		reports := &notebook{}
		p := newPublisher(t, overWire(t, w), pusher.Lanes(1), reports.option())
		for i := range 25 {
			publish(t, p, "c", fmt.Sprint(i))
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := p.Close(t.Context()); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
				if n := len(reports.all()); n != 25 {
					t.Errorf("when Close returned %d events were reported, want 25", n)
				}
			})
		}
		all.Wait()
		err := p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e"})
		sameError(t, "Publish after Close", err, pusher.Error{Op: "Publish", Kind: pusher.ErrClosed})
		err = p.PublishMulti(t.Context(), []string{"c"}, pusher.Event{Name: "e"})
		sameError(t, "PublishMulti after Close", err, pusher.Error{Op: "PublishMulti", Kind: pusher.ErrClosed, Message: "0 of 1 channels were queued"})
		if err := p.Flush(t.Context()); err != nil {
			t.Errorf("Flush after Close = %v, want no error", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Close(ended); err != nil {
			t.Errorf("Close of a closed publisher = %v, want no error", err)
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	tests := []struct {
		name string
		w    *wire
		want error // of the event under way
	}{
		{"while a request is under way", &wire{took: time.Hour}, pusher.ErrHTTP},
		{"while it pauses between two tries", &wire{answer: func(parcel) (*http.Response, error) { return nil, errDial }}, pusher.ErrHTTP},
		{"while the server wants to be left alone", &wire{answer: func(parcel) (*http.Response, error) { return status(429, "3600")() }}, pusher.ErrRateLimited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reports := &notebook{}
				client := overWire(t, tt.w, pusher.WithTimeout(2*time.Hour))
				p, err := client.NewPublisher(pusher.QueueSize(2), reports.option())
				if err != nil {
					t.Fatal(err)
				}
				publish(t, p, "c", "under way")
				synctest.Wait()
				publish(t, p, "c", "waits")
				blocked := make(chan error)
				go func() { blocked <- p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e"}) }()
				synctest.Wait()

				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err = p.Close(ctx)
				sameError(t, "Close", err, pusher.Error{Op: "Close", Kind: pusher.ErrClosed})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Close = %v, want %v", err, context.DeadlineExceeded)
				}
				sameError(t, "the Publish that waited", <-blocked, pusher.Error{Op: "Publish", Kind: pusher.ErrClosed})
				all := reports.all()
				if len(all) != 2 || !errors.Is(all[0].Err, tt.want) || !errors.Is(all[1].Err, pusher.ErrClosed) {
					t.Errorf("the reports are %+v, want errors %v and %v", all, tt.want, pusher.ErrClosed)
				}
			})
		})
	}
}

func TestFlushGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(nil)
		w.took = time.Second
		p := newPublisher(t, overWire(t, w))
		publish(t, p, "c", "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := p.Flush(ctx)
		sameError(t, "Flush", err, pusher.Error{Op: "Flush", Kind: pusher.ErrHTTP})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush = %v, want %v", err, context.DeadlineExceeded)
		}
		flush(t, p)
		if n := p.Stats().Sent; n != 1 {
			t.Errorf("%d events were sent, want 1", n)
		}
	})
}

// Every event is published once more by its report, while the queue is full of
// others that wait. None may wait for itself, and none is lost.
func TestReportsMayPublishAgainIntoAFullQueue(t *testing.T) {
	w := newWire(func(p parcel) (*http.Response, error) {
		for _, data := range p.data {
			if strings.HasPrefix(data, "first ") {
				return response(403, "no\n", nil), nil
			}
		}
		return nil, nil
	})
	var p *pusher.Publisher
	p, err := overWire(t, w).NewPublisher(pusher.Lanes(2), pusher.Linger(0), pusher.QueueSize(4), pusher.OnReport(func(ctx context.Context, r pusher.Report) {
		if r.Err == nil {
			return
		}
		again := r.Event
		again.Data = strings.TrimPrefix(fmt.Sprint(again.Data), "first ")
		if err := p.Publish(ctx, again); err != nil {
			t.Errorf("Publish in OnReport = %v, want no error", err)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
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
		flush(t, p) // what reports have published is behind it
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if stats := p.Stats(); stats.Sent != 16*50 || stats.Failed < 16*50 {
		t.Errorf("%d events were sent after %d failures, want %d after at least as many", stats.Sent, stats.Failed, 16*50)
	}
}

func TestInOnReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(nil)
		w.took = time.Second
		var publisher *pusher.Publisher
		var kept context.Context
		var errs []error
		event := pusher.Event{Channel: "c", Name: "e", Data: "again"}
		publisher = newPublisher(t, overWire(t, w), pusher.QueueSize(1), pusher.OnReport(func(ctx context.Context, r pusher.Report) {
			if r.Event.Data == "again" {
				return
			}
			kept = ctx
			derived, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			errs = []error{
				publisher.Flush(ctx),
				publisher.Close(derived),
				publisher.Publish(derived, event), // in the place of r.Event
				publisher.Publish(derived, event), // there is no second place
			}
		}))
		publish(t, publisher, "c", "a")
		flush(t, publisher)

		sameError(t, "Flush in OnReport", errs[0], pusher.Error{Op: "Flush", Kind: pusher.ErrInvalid})
		sameError(t, "Close in OnReport", errs[1], pusher.Error{Op: "Close", Kind: pusher.ErrInvalid})
		if errs[2] != nil {
			t.Errorf("Publish in OnReport = %v, want no error", errs[2])
		}
		sameError(t, "a second Publish in OnReport", errs[3], pusher.Error{Op: "Publish", Kind: pusher.ErrQueueFull})

		// Afterwards the context is like any other: the queue is full, and Publish waits.
		if err := publisher.Publish(kept, event); err != nil {
			t.Errorf("Publish with the context of a report that is over = %v, want no error", err)
		}
		flush(t, publisher)
		if stats := publisher.Stats(); stats.Sent != 3 {
			t.Errorf("%d events were sent, want 3", stats.Sent)
		}
	})
}

func TestAPanicInOnReportIsLogged(t *testing.T) {
	var lines logs
	p := newPublisher(t, overWire(t, newWire(nil), lines.option()), pusher.OnReport(func(context.Context, pusher.Report) { panic("oops") }))
	publish(t, p, "c", "a", "b")
	flush(t, p)
	if got := lines.lines(slog.LevelError); len(got) != 2 || !strings.Contains(got[0], "oops") {
		t.Errorf("logged %q, want two lines with the panic", got)
	}
	if stats := p.Stats(); stats.Sent != 2 || stats.Queued != 0 {
		t.Errorf("Stats() = %+v, want 2 sent and none queued", stats)
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(first(fails(errDial), status(403, "")))
		p := newPublisher(t, overWire(t, w), pusher.Lanes(1), pusher.Linger(0))
		publish(t, p, "c", "refused")
		flush(t, p)
		w.took = 10 * time.Millisecond
		publish(t, p, "c", "a")
		synctest.Wait()
		publish(t, p, "c", "b", "c")
		flush(t, p)

		text := expvar.Func(func() any { return p.Stats() }).String()
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		delete(got, "latency")
		want := "map[batches:2 dropped:0 failed:1 in_flight:0 queued:0 retried:1 sent:3]"
		if fmt.Sprint(got) != want {
			t.Errorf("as JSON the statistics are %v, want %v", got, want)
		}
		// Alone 10 ms, and behind it 20 ms; a bucket is at most an eighth too long.
		for q, exact := range map[float64]time.Duration{0: 10 * time.Millisecond, 0.33: 10 * time.Millisecond, 0.5: 20 * time.Millisecond, 1: 20 * time.Millisecond} {
			if d := p.Stats().Latency.Quantile(q); d < exact || d > exact+exact/8 {
				t.Errorf("Quantile(%v) = %v, want %v to %v", q, d, exact, exact+exact/8)
			}
		}
	})
}

func TestQuantile(t *testing.T) {
	h := pusher.Histogram{{UpTo: 1, Count: 50}, {UpTo: 2, Count: 40}, {UpTo: 3, Count: 9}, {UpTo: 4, Count: 1}}
	tests := []struct {
		q    float64
		want time.Duration
	}{{0, 1}, {0.5, 1}, {0.51, 2}, {0.9, 2}, {0.99, 3}, {0.999, 4}, {1, 4}}
	for _, tt := range tests {
		if got := h.Quantile(tt.q); got != tt.want {
			t.Errorf("Quantile(%v) = %d, want %d", tt.q, got, tt.want)
		}
	}
	if got := (pusher.Histogram{}).Quantile(0.5); got != 0 {
		t.Errorf("Quantile of nothing = %v, want 0", got)
	}
}
