package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/openchannels/pusher-go/pusher"
)

const testMasterKey = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

func TestNewPublisher(t *testing.T) {
	client := newClient(t)
	_, err := client.NewPublisher(pusher.PublisherConfig{Concurrency: 257, QueueSize: -1, Timeout: -1, Delivery: 2, Overflow: -1})
	sameError(t, "NewPublisher", err, wantError{Op: "NewPublisher", Kind: pusher.ErrConfiguration})
	for _, want := range []string{"Concurrency", "QueueSize", "Timeout", "Delivery", "Overflow"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("NewPublisher = %v, want it to name %s", err, want)
		}
	}
	_, err = client.NewPublisher(pusher.PublisherConfig{Concurrency: -1})
	sameError(t, "NewPublisher", err, wantError{Op: "NewPublisher", Kind: pusher.ErrConfiguration})
	_, err = new(pusher.Client).NewPublisher(pusher.PublisherConfig{})
	sameError(t, "NewPublisher of the zero client", err, wantError{Op: "NewPublisher", Kind: pusher.ErrConfiguration})
	for _, config := range []pusher.PublisherConfig{{Concurrency: 256}, {Concurrency: 1, QueueSize: 1, Linger: -1, Timeout: 1}} {
		p, err := client.NewPublisher(config)
		if err != nil {
			t.Fatalf("NewPublisher(%+v) = %v", config, err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
}

// The zero value of a field means the documented default.
func TestPublisherConfig_Defaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(func(r publishRequest) (*http.Response, error) {
			if r.at > 0 {
				return withStatus(500, "")()
			}
			return nil, nil
		})
		s.latency = time.Second
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{OnResult: results.add})
		for i := range 10_000 {
			publish(t, p, fmt.Sprint("c", i), "a")
		}
		if err := p.Publish(canceledAfter(t, time.Millisecond), pusher.Event{Channel: "c", Name: "e"}); !errors.Is(err, pusher.ErrQueueFull) {
			t.Errorf("Publish of event 10,001 = %v, want %v", err, pusher.ErrQueueFull)
		}
		if n := len(s.received()); n != 8 {
			t.Errorf("%d requests in flight, want 8", n)
		}
		flush(t, p)
		if took := time.Since(s.start); took < 10*time.Minute || took > 10*time.Minute+2*time.Second {
			t.Errorf("the last events failed after %v, want 10m", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(nil)
		s.latency = time.Second
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{})
		publish(t, p, "a", "1")
		synctest.Wait()
		publish(t, p, "b", "2")
		flushed := s.start.Add(5 * time.Millisecond)
		time.Sleep(time.Until(flushed) - 1)
		synctest.Wait()
		if n := len(s.received()); n != 1 {
			t.Errorf("%d requests before 5ms, want 1", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := len(s.received()); n != 2 {
			t.Errorf("%d requests after 5ms, want 2", n)
		}
	})
}

// canceledAfter returns a context that ends after d.
func canceledAfter(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestPublisher_Linger(t *testing.T) {
	tests := []struct {
		name   string
		linger time.Duration
		flush  bool
		at     time.Duration // of the second request, behind one that takes a second
	}{
		{"default", 0, false, 5 * time.Millisecond},
		{"longer", 20 * time.Millisecond, false, 20 * time.Millisecond},
		{"disabled", -1, false, 0},
		{"Flush wakes a lingering request", time.Minute, true, time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPublishServer(nil)
				s.latency = time.Second
				p := newPublisher(t, s.client(t), pusher.PublisherConfig{Linger: tt.linger})
				publish(t, p, "a", "1")
				synctest.Wait()
				publish(t, p, "b", "2")
				time.Sleep(time.Millisecond)
				if tt.flush {
					flush(t, p)
				}
				time.Sleep(100 * time.Millisecond)
				if requests := s.received(); len(requests) != 2 || requests[1].at != tt.at {
					t.Errorf("requests %+v, want the second at %v", requests, tt.at)
				}
			})
		})
	}
}

func TestPublisher_Concurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(nil)
		s.latency = time.Second
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 4})
		for i := range 100 {
			publish(t, p, fmt.Sprint("c", i), "a", "b")
		}
		flush(t, p)
		// 20 full requests, and up to 4 that were sent before more events were queued.
		if took := time.Since(s.start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("200 events took %v, want 5s or 6s", took)
		}
		for i := range 100 {
			if got := s.dataOf(fmt.Sprint("c", i)); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("channel c%d received %q, want a and b", i, got)
			}
		}
	})
}

func TestPublisher_Publish_CopiesTheEvent(t *testing.T) {
	s := newPublishServer(nil)
	results := &resultLog{}
	p := newPublisher(t, s.client(t), pusher.PublisherConfig{OnResult: results.add})
	data, info := []byte("as published"), []pusher.Attribute{pusher.UserCount}
	if err := p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: data, Info: info}); err != nil {
		t.Fatal(err)
	}
	copy(data, "changed later")
	info[0] = "rubbish"
	flush(t, p)
	if got := s.received()[0].data[0]; got != "as published" {
		t.Errorf("sent %q, want %q", got, "as published")
	}
	if got := results.all()[0].Event.Info[0]; got != pusher.UserCount {
		t.Errorf("the result's event requests %q, want %q", got, pusher.UserCount)
	}
}

func TestPublisher_Invalid(t *testing.T) {
	p := newPublisher(t, newPublishServer(nil).client(t), pusher.PublisherConfig{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	good := pusher.Event{Channel: "c", Name: "e", Data: "d"}
	many := []string{"c", "d"}
	multi := func(channels []string, event pusher.Event) error { return p.PublishMulti(t.Context(), channels, event) }
	tests := []struct {
		name string
		err  error
		want wantError
		is   error
	}{
		{"channel", p.Publish(t.Context(), pusher.Event{Channel: "a b", Name: "e"}), wantError{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"event name", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "pusher:e"}), wantError{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"socket ID", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", SocketID: "1"}), wantError{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"data", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: func() {}}), wantError{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"too large", p.Publish(t.Context(), pusher.Event{Channel: "c", Name: "e", Data: strings.Repeat("a", 10_241)}), wantError{Op: "Publish", Kind: pusher.ErrTooLarge}, pusher.ErrInvalid},
		{"encrypted without a key", p.Publish(t.Context(), pusher.Event{Channel: "private-encrypted-c", Name: "e"}), wantError{Op: "Publish", Kind: pusher.ErrConfiguration}, nil},
		{"nil context", p.Publish(noContext, good), wantError{Op: "Publish", Kind: pusher.ErrInvalid}, nil},
		{"canceled context", p.Publish(ended, good), wantError{Op: "Publish"}, context.Canceled},
		{"zero value", new(pusher.Publisher).Publish(t.Context(), good), wantError{Op: "Publish", Kind: pusher.ErrConfiguration}, nil},
		{"nil publisher", (*pusher.Publisher)(nil).Publish(t.Context(), good), wantError{Op: "Publish", Kind: pusher.ErrConfiguration}, nil},

		{"PublishMulti/a channel in the event", multi(many, good), wantError{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"PublishMulti/no channels", multi(nil, pusher.Event{Name: "e"}), wantError{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"PublishMulti/channel", multi([]string{"c", "a b"}, pusher.Event{Name: "e"}), wantError{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"PublishMulti/encrypted without a key", multi([]string{"c", "private-encrypted-c"}, pusher.Event{Name: "e"}), wantError{Op: "PublishMulti", Kind: pusher.ErrConfiguration}, nil},
		{"PublishMulti/data", multi(many, pusher.Event{Name: "e", Data: func() {}}), wantError{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"PublishMulti/nil context", p.PublishMulti(noContext, many, pusher.Event{Name: "e"}), wantError{Op: "PublishMulti", Kind: pusher.ErrInvalid}, nil},
		{"PublishMulti/canceled context", p.PublishMulti(ended, many, pusher.Event{Name: "e"}), wantError{Op: "PublishMulti"}, context.Canceled},
		{"PublishMulti/zero value", new(pusher.Publisher).PublishMulti(t.Context(), many, pusher.Event{Name: "e"}), wantError{Op: "PublishMulti", Kind: pusher.ErrConfiguration}, nil},

		{"Flush/zero value", new(pusher.Publisher).Flush(t.Context()), wantError{Op: "Flush", Kind: pusher.ErrConfiguration}, nil},
		{"Flush/nil context", p.Flush(noContext), wantError{Op: "Flush", Kind: pusher.ErrInvalid}, nil},
		{"Close/zero value", new(pusher.Publisher).Close(t.Context()), wantError{Op: "Close", Kind: pusher.ErrConfiguration}, nil},
		{"Close/nil context", p.Close(noContext), wantError{Op: "Close", Kind: pusher.ErrInvalid}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sameError(t, "the call", tt.err, tt.want)
			if tt.is != nil && !errors.Is(tt.err, tt.is) {
				t.Errorf("the call = %v, want %v", tt.err, tt.is)
			}
			if tt.want.Kind == nil && kindOf(tt.err) != nil {
				t.Errorf("the call = %v, want no sentinel but the context's error", tt.err)
			}
		})
	}
	flush(t, p)
	if stats := p.Stats(); stats != (pusher.Stats{}) {
		t.Errorf("Stats() = %+v, want zeros", stats)
	}
	if stats := new(pusher.Publisher).Stats(); stats != (pusher.Stats{}) {
		t.Errorf("Stats() of the zero value = %+v", stats)
	}
}

func TestPublisher_QueueSize(t *testing.T) {
	tests := []struct {
		name     string
		overflow pusher.Overflow
		waits    time.Duration
		cause    error
	}{
		{"Block", pusher.Block, time.Second, context.DeadlineExceeded},
		{"Reject", pusher.Reject, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPublishServer(nil)
				s.latency = 4 * time.Second
				p := newPublisher(t, s.client(t), pusher.PublisherConfig{QueueSize: 3, Overflow: tt.overflow})
				publish(t, p, "c", "1", "2", "3")
				start := time.Now()
				err := p.Publish(canceledAfter(t, time.Second), pusher.Event{Channel: "c", Name: "e", Data: "4"})
				sameError(t, "Publish", err, wantError{Op: "Publish", Kind: pusher.ErrQueueFull})
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

func TestPublisher_PublishMulti(t *testing.T) {
	channels := func(n int) []string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprint("c", i)
		}
		return names
	}
	tests := []struct {
		name     string
		channels []string
		want     []string // resource and number of channels of each request
	}{
		{"more than 100", channels(250), []string{"events 100", "events 100", "events 50"}},
		{"few", channels(5), []string{"events 5"}},
		{"one", channels(1), []string{"events 1"}},
		{"encrypted", append(channels(20), "private-encrypted-c"), []string{"events 20", "events 1"}},
		{"duplicates", append(channels(12), "c0", "c3"), []string{"events 12"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPublishServer(nil)
				results := &resultLog{}
				p := newPublisher(t, s.client(t, pusher.WithEncryptionMasterKey(testMasterKey)), pusher.PublisherConfig{Concurrency: 1, OnResult: results.add})
				if err := p.PublishMulti(t.Context(), tt.channels, pusher.Event{Name: "e", Data: map[string]int{"a": 1}}); err != nil {
					t.Fatal(err)
				}
				flush(t, p)
				unique := slices.Clone(tt.channels)
				if tt.name == "duplicates" {
					unique = unique[:12]
				}
				var got, reached []string
				for _, r := range s.received() {
					got = append(got, fmt.Sprint(r.resource, " ", len(r.channels)))
					reached = append(reached, r.channels...)
					for i, channel := range r.channels {
						plain := r.data[i] == `{"a":1}`
						if encrypted := strings.HasPrefix(channel, "private-encrypted-"); plain == encrypted {
							t.Errorf("channel %s received %s, want it encrypted on the encrypted channel only", channel, r.data[i])
						}
					}
				}
				if !slices.Equal(got, tt.want) || !slices.Equal(reached, unique) {
					t.Errorf("sent %q to %q, want %q to %q", got, reached, tt.want, unique)
				}
				all := results.all()
				if len(all) != len(unique) {
					t.Fatalf("%d results, want %d", len(all), len(unique))
				}
				for i, r := range all {
					if r.Err != nil || r.Event.Channel != unique[i] || fmt.Sprint(r.Event.Data) != "map[a:1]" {
						t.Errorf("result %d = %+v, want success for %s", i, r, unique[i])
					}
				}
			})
		})
	}

	t.Run("shares a batch with other events", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(nil)
			s.latency = time.Second
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1})
			publish(t, p, "x", "first")
			synctest.Wait()
			publish(t, p, "y", "other")
			if err := p.PublishMulti(t.Context(), channels(3), pusher.Event{Name: "e"}); err != nil {
				t.Fatal(err)
			}
			flush(t, p)
			if r := s.received(); len(r) != 2 || r[1].resource != "batch_events" || len(r[1].channels) != 4 {
				t.Errorf("requests %+v, want the second with 4 events", r)
			}
		})
	})

	t.Run("order", func(t *testing.T) {
		s := newPublishServer(nil)
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 3})
		for i := range 5 {
			publish(t, p, "c7", fmt.Sprint(3*i))
			if err := p.PublishMulti(t.Context(), channels(60), pusher.Event{Name: "e", Data: fmt.Sprint(3*i + 1)}); err != nil {
				t.Fatal(err)
			}
			publish(t, p, "c7", fmt.Sprint(3*i+2))
		}
		flush(t, p)
		if got, want := s.dataOf("c7"), strings.Fields("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14"); !slices.Equal(got, want) {
			t.Errorf("channel c7 received %q, want %q", got, want)
		}
	})

	t.Run("a full queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newPublishServer(nil)
			s.latency = time.Second
			p := newPublisher(t, s.client(t), pusher.PublisherConfig{QueueSize: 5, Overflow: pusher.Reject})
			err := p.PublishMulti(t.Context(), channels(7), pusher.Event{Name: "e"})
			sameError(t, "PublishMulti", err, wantError{Op: "PublishMulti", Kind: pusher.ErrQueueFull})
			if !strings.Contains(fmt.Sprint(err), "5 of 7 events were queued") {
				t.Errorf("PublishMulti = %v, want it to state that 5 of 7 events were queued", err)
			}
			flush(t, p)
			if stats := p.Stats(); stats.Sent != 5 || stats.Dropped != 2 {
				t.Errorf("Stats() = %+v, want 5 sent and 2 dropped", stats)
			}
		})
	})

	t.Run("more than the queue holds", func(t *testing.T) {
		p := newPublisher(t, newPublishServer(nil).client(t), pusher.PublisherConfig{QueueSize: 7})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := p.PublishMulti(t.Context(), channels(150), pusher.Event{Name: "e"}); err != nil {
					t.Errorf("PublishMulti = %v, want no error", err)
				}
			})
		}
		all.Wait()
		flush(t, p)
		if stats := p.Stats(); stats.Sent != 8*150 {
			t.Errorf("%d events were sent, want %d", stats.Sent, 8*150)
		}
	})
}

func TestPublishResult_Counts(t *testing.T) {
	s := newPublishServer(func(r publishRequest) (*http.Response, error) {
		if r.resource == "events" {
			var counts []string
			for i, channel := range r.channels {
				counts = append(counts, fmt.Sprintf(`%q:{"user_count":%d}`, channel, i))
			}
			return status(200, "", `{"channels":{`+strings.Join(counts, ",")+`}}`)
		}
		return status(200, "", `{"batch":[{"subscription_count":7},{}]}`)
	})
	results := &resultLog{}
	p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1, OnResult: results.add})
	info := []pusher.Attribute{pusher.UserCount, pusher.SubscriptionCount}
	many := make([]string, 12)
	for i := range many {
		many[i] = fmt.Sprint("presence-", i)
	}
	if err := p.PublishMulti(t.Context(), many, pusher.Event{Name: "e", Info: info}); err != nil {
		t.Fatal(err)
	}
	flush(t, p)
	for i, r := range results.all() {
		if n := r.Counts.UserCount; n == nil || *n != i {
			t.Errorf("%s has %+v, want %d users", r.Event.Channel, r.Counts, i)
		}
	}

	synctest.Test(t, func(t *testing.T) {
		results := &resultLog{}
		s := newPublishServer(s.respond)
		s.latency = time.Second
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1, OnResult: results.add})
		publish(t, p, "x", "first")
		synctest.Wait()
		for _, channel := range []string{"a", "b"} {
			if err := p.Publish(t.Context(), pusher.Event{Channel: channel, Name: "e", Info: info}); err != nil {
				t.Fatal(err)
			}
		}
		flush(t, p)
		all := results.all()
		if n := all[1].Counts.SubscriptionCount; n == nil || *n != 7 || all[1].Counts.UserCount != nil {
			t.Errorf("%s has %+v, want 7 subscriptions and no users", all[1].Event.Channel, all[1].Counts)
		}
		if all[2].Counts != (pusher.ChannelCounts{}) {
			t.Errorf("%s has %+v, want no counts", all[2].Event.Channel, all[2].Counts)
		}
	})
}

func TestPublisher_Stats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(failFirst(withError(errReset), withStatus(403, "")))
		results := &resultLog{}
		p := newPublisher(t, s.client(t), pusher.PublisherConfig{Concurrency: 1, OnResult: results.add})
		publish(t, p, "c", "rejected")
		flush(t, p)
		s.latency = 10 * time.Millisecond
		publish(t, p, "c", "a")
		synctest.Wait()
		publish(t, p, "c", "b", "c")
		if stats := p.Stats(); stats.Queued != 2 || stats.InFlight != 1 {
			t.Errorf("Stats() = %+v, want 2 queued and 1 in flight", stats)
		}
		flush(t, p)

		text := expvar.Func(func() any { return p.Stats() }).String()
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if want := "map[dropped:0 failed:1 in_flight:0 queued:0 requests:2 retries:1 sent:3]"; fmt.Sprint(got) != want {
			t.Errorf("as JSON the counters are %v, want %v", got, want)
		}
		for data, want := range map[string]time.Duration{"a": 10 * time.Millisecond, "c": 20 * time.Millisecond} {
			if r := results.of(data)[0]; r.Latency != want || r.Attempts != 1 {
				t.Errorf("%s has latency %v and %d attempts, want %v and 1", data, r.Latency, r.Attempts, want)
			}
		}
		if r := results.of("rejected")[0]; r.Attempts != 2 {
			t.Errorf("the rejected event has %d attempts, want 2", r.Attempts)
		}
	})
}

func TestPublisher_Observer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var starts []pusher.OperationStart
		observe := func(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
			mu.Lock()
			defer mu.Unlock()
			if start.Attempt == 0 {
				starts = append(starts, start)
			}
			return ctx, nil
		}
		s := newPublishServer(nil)
		s.latency = time.Second
		p := newPublisher(t, s.client(t, pusher.WithObserver(observe)), pusher.PublisherConfig{Concurrency: 1})
		publish(t, p, "x", "first")
		synctest.Wait()
		type key struct{}
		for i, channel := range []string{"a", "b"} {
			ctx := context.WithValue(t.Context(), key{}, i)
			if err := p.Publish(ctx, pusher.Event{Channel: channel, Name: "e"}); err != nil {
				t.Fatal(err)
			}
		}
		flush(t, p)
		mu.Lock()
		defer mu.Unlock()
		if len(starts) != 2 || starts[1].Operation != "Publish" || starts[1].Events != 2 || starts[1].Channels != 2 || len(starts[1].Queued) != 2 {
			t.Fatalf("observed %+v, want two operations Publish, the second with 2 events", starts)
		}
		for i, queued := range starts[1].Queued {
			if queued.Context.Value(key{}) != i || queued.Wait != time.Second || queued.Attempt != 1 {
				t.Errorf("event %d waited %v with value %v, want 1s and its own context", i, queued.Wait, queued.Context.Value(key{}))
			}
		}
	})
}

// Without an observer, the context of Publish and its values are not kept.
func TestPublisher_Publish_Context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPublishServer(nil)
		s.latency = time.Minute
		p := newPublisher(t, s.client(t, pusher.WithTimeout(time.Hour)), pusher.PublisherConfig{Concurrency: 1})
		type key struct{}
		value := new([1 << 10]byte)
		kept := weak.Make(value)
		ctx := context.WithValue(t.Context(), key{}, value)
		if err := p.Publish(ctx, pusher.Event{Channel: "c", Name: "e"}); err != nil {
			t.Fatal(err)
		}
		if err := p.PublishMulti(ctx, []string{"c", "d"}, pusher.Event{Name: "e"}); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		if kept.Value() != nil {
			t.Error("the value of the context is in memory while the event waits")
		}
	})
}

// The clock offset that the client has learned is also the publisher's.
func TestPublisher_ClockSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const offset = time.Hour
		rejected := 0
		client := newClient(t, pusher.WithHTTPClient(&http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			server := time.Now().Add(offset)
			if _, err := verify(req, server); err != nil {
				rejected++
				resp, err := status(401, "", "Timestamp expired\n")
				resp.Header.Set("Date", server.UTC().Format(http.TimeFormat))
				return resp, err
			}
			return status(200, "", "{}")
		})}))
		p := newPublisher(t, client, pusher.PublisherConfig{})
		publish(t, p, "c", "a") // the publisher teaches the client
		flush(t, p)
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil || rejected != 1 || p.Stats().Sent != 1 {
			t.Errorf("Trigger = %v after %d rejected requests, %d events were sent, want success after 1 and 1", err, rejected, p.Stats().Sent)
		}
		publish(t, p, "c", "b") // and the other way around
		flush(t, p)
		if rejected != 1 || p.Stats().Sent != 2 {
			t.Errorf("%d rejected requests and %d events sent, want 1 and 2", rejected, p.Stats().Sent)
		}
	})
}

func TestPublisher_Log(t *testing.T) {
	t.Run("an event that fails without OnResult", func(t *testing.T) {
		var lines logs
		s := newPublishServer(failFirst(withStatus(403, "")))
		p := newPublisher(t, s.client(t, lines.option()), pusher.PublisherConfig{})
		publish(t, p, "c", "private words")
		flush(t, p)
		got := lines.lines(slog.LevelError)
		if len(got) != 1 || !strings.Contains(got[0], "channel=c") || !strings.Contains(got[0], "status 403") || strings.Contains(got[0], "private words") {
			t.Errorf("logged %q, want one line with the channel and the status, and without the data", got)
		}
	})
	for name, fault := range map[string]failure{"failures": withError(errReset), "throttled": withStatus(429, "")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines logs
				var respond func(publishRequest) (*http.Response, error)
				s := newPublishServer(func(r publishRequest) (*http.Response, error) { return respond(r) })
				p := newPublisher(t, s.client(t, lines.option()), pusher.PublisherConfig{})
				for outage := range 2 {
					respond = failFirst(slices.Repeat([]failure{fault}, 20)...)
					publish(t, p, "c", "a", "b")
					flush(t, p)
					warnings := lines.lines(slog.LevelWarn)[5*outage:]
					if len(warnings) != 5 || !strings.Contains(warnings[0], "requests=1 ") || !strings.Contains(warnings[4], "requests=16 ") || len(lines.lines(slog.LevelError)) != 0 {
						t.Errorf("20 failures were logged as %q, want a line for 1, 2, 4, 8 and 16", warnings)
					}
					time.Sleep(10 * time.Second)
				}
			})
		})
	}
}
