// Command publisherbench measures how a publisher behaves against a server that
// throttles, fails or is down. It prints each figure with its limit, and its exit
// status is 1 if one is exceeded. It takes about 90 seconds.
//
//	go run ./internal/cmd/publisherbench
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func main() {
	outage := flag.Duration("outage", 30*time.Second, "`duration` of the outage")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	var table table
	err := errors.Join(
		faults(&table),
		tokenBucket(&table, ""),
		tokenBucket(&table, "1"),
		serverDown(&table, *outage),
		poison(&table),
		memory(&table),
	)
	table.print(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "publisherbench:", err)
		os.Exit(1)
	}
	if table.exceeded {
		os.Exit(1)
	}
}

// table holds the figures.
type table struct {
	rows     []string
	exceeded bool
}

func (t *table) add(name string, value, limit string, ok bool) {
	mark := "ok"
	if !ok {
		mark, t.exceeded = "EXCEEDED", true
	}
	t.rows = append(t.rows, fmt.Sprintf("%-64s %12s   %-18s %s", name, value, limit, mark))
}

func (t *table) print(w io.Writer) {
	_, _ = fmt.Fprintln(w, strings.Join(t.rows, "\n"))
}

// server is an HTTP server that records when it accepted and rejected requests.
type server struct {
	*httptest.Server
	start time.Time

	mu       sync.Mutex
	respond  func(n int, body string) (status int, retryAfter string)
	accepted []time.Duration // since start
	rejected []time.Duration
}

// newServer returns a server that responds as respond does to its n-th request.
func newServer(respond func(n int, body string) (status int, retryAfter string)) *server {
	s := &server{respond: respond, start: time.Now()}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	status, retryAfter := s.respond(len(s.accepted)+len(s.rejected)+1, string(body))
	at := time.Since(s.start)
	if status == http.StatusOK {
		s.accepted = append(s.accepted, at)
	} else {
		s.rejected = append(s.rejected, at)
	}
	s.mu.Unlock()
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "{}")
}

// counts returns the numbers of requests accepted and rejected in a period.
func (s *server) counts(from, to time.Duration) (accepted, rejected int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := func(times []time.Duration) (n int) {
		for _, at := range times {
			if at >= from && at < to {
				n++
			}
		}
		return n
	}
	return count(s.accepted), count(s.rejected)
}

func (s *server) publisher(config pusher.PublisherConfig) (*pusher.Publisher, error) {
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "key", Secret: "secret"}, pusher.WithBaseURL(s.URL))
	if err != nil {
		return nil, err
	}
	return client.NewPublisher(config)
}

// publish publishes n events on 1,000 channels, or as many as it can until ctx is done.
func publish(ctx context.Context, p *pusher.Publisher, n int) {
	for i := 0; i < n; i++ {
		if p.Publish(ctx, pusher.Event{Channel: fmt.Sprint("c", i%1000), Name: "e", Data: "some data"}) != nil {
			return
		}
	}
}

const unlimited = math.MaxInt

// faults compares the time of 10,000 events with and without isolated failures.
func faults(t *table) error {
	const runs = 9
	run := func(status int) (time.Duration, error) {
		s := newServer(func(n int, _ string) (int, string) {
			if status != 0 && n%60 == 0 {
				return status, ""
			}
			return http.StatusOK, ""
		})
		defer s.Close()
		p, err := s.publisher(pusher.PublisherConfig{})
		if err != nil {
			return 0, err
		}
		start := time.Now()
		publish(context.Background(), p, 10_000)
		err = p.Close(context.Background())
		return time.Since(start), err
	}
	took := map[int][]time.Duration{}
	for range runs {
		for _, status := range []int{0, 429, 503} {
			d, err := run(status)
			if err != nil {
				return err
			}
			took[status] = append(took[status], d)
		}
	}
	median := func(status int) time.Duration {
		slices.Sort(took[status])
		return took[status][runs/2]
	}
	t.add("10,000 events without faults", fmt.Sprint(median(0).Round(time.Millisecond)), "", true)
	for _, status := range []int{429, 503} {
		ratio := median(status).Seconds() / median(0).Seconds()
		t.add(fmt.Sprintf("one %d in 60 requests: time relative to none", status), fmt.Sprintf("%.2f", ratio), "at most 1.50", ratio <= 1.5)
	}
	return nil
}

// tokenBucket measures a server that allows 200 requests per second.
func tokenBucket(t *table, retryAfter string) error {
	const rate, settle, end = 200, 2 * time.Second, 10 * time.Second
	tokens, filled := float64(rate), time.Now()
	s := newServer(func(int, string) (int, string) {
		now := time.Now()
		tokens = min(rate, tokens+rate*now.Sub(filled).Seconds())
		filled = now
		if tokens < 1 {
			return http.StatusTooManyRequests, retryAfter
		}
		tokens--
		return http.StatusOK, ""
	})
	defer s.Close()
	p, err := s.publisher(pusher.PublisherConfig{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), end)
	defer cancel()
	publish(ctx, p, unlimited)
	_ = p.Close(ctx) // gives up the queued events
	accepted, rejected := s.counts(settle, end)
	used := float64(accepted) / (end - settle).Seconds() / rate
	share := float64(rejected) / float64(accepted+rejected)
	name := "200 requests per second allowed"
	if retryAfter != "" {
		name += ", Retry-After: " + retryAfter
	}
	t.add(name+": used after 2 s", fmt.Sprintf("%.1f %%", 100*used), "at least 90 %", used >= 0.9)
	t.add(name+": rejected", fmt.Sprintf("%.1f %%", 100*share), "at most 10 %", share <= 0.1)
	return nil
}

// serverDown measures a server that fails for some time.
func serverDown(t *table, outage time.Duration) error {
	const before, after = 3 * time.Second, 8 * time.Second
	start := time.Now()
	s := newServer(func(int, string) (int, string) {
		if at := time.Since(start); at > before && at < before+outage {
			return http.StatusInternalServerError, ""
		}
		return http.StatusOK, ""
	})
	defer s.Close()
	s.start = start
	p, err := s.publisher(pusher.PublisherConfig{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), before+outage+after)
	defer cancel()
	publish(ctx, p, unlimited)
	_ = p.Close(ctx) // gives up the queued events
	_, probes := s.counts(before, before+outage)
	first := slices.IndexFunc(s.accepted, func(at time.Duration) bool { return at >= before+outage })
	if first < 0 {
		return errors.New("no request was accepted after the outage")
	}
	firstAt := s.accepted[first]
	again, _ := s.counts(firstAt+time.Second, firstAt+3*time.Second)
	// Other programs may slow down this machine meanwhile, so the slower of two
	// periods is full speed: one before the outage and one later.
	full, _ := s.counts(before-2*time.Second, before)
	later, _ := s.counts(firstAt+4*time.Second, firstAt+6*time.Second)
	full = min(full, later)
	most := 30 + int(outage.Seconds()*1.4)
	t.add(fmt.Sprintf("outage of %v: requests during it", outage), fmt.Sprint(probes), fmt.Sprint("at most ", most), probes <= most)
	t.add("outage: first success after its end", fmt.Sprint((firstAt - before - outage).Round(time.Millisecond)), "at most 1.1s", firstAt-before-outage < 1100*time.Millisecond)
	speed := float64(again) / float64(full)
	t.add("outage: speed from one second after the first success on", fmt.Sprintf("%.0f %%", 100*speed), "at least 75 %", speed >= 0.75)
	return nil
}

// poison measures an event that the server always fails on, with one worker.
func poison(t *table) error {
	s := newServer(func(_ int, body string) (int, string) {
		if strings.Contains(body, "poison") {
			return http.StatusInternalServerError, ""
		}
		return http.StatusOK, ""
	})
	defer s.Close()
	var mu sync.Mutex
	var last time.Duration // of the other events
	var failed pusher.PublishResult
	p, err := s.publisher(pusher.PublisherConfig{Concurrency: 1, Timeout: 5 * time.Second, OnResult: func(_ context.Context, r pusher.PublishResult) {
		mu.Lock()
		defer mu.Unlock()
		if r.Err != nil {
			failed = r
			return
		}
		last = max(last, r.Latency)
	}})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := p.Publish(ctx, pusher.Event{Channel: "poisoned", Name: "e", Data: "poison"}); err != nil {
		return err
	}
	publish(ctx, p, 2000)
	start := time.Now()
	if err := p.Close(ctx); err != nil {
		return err
	}
	stats := p.Stats()
	t.add("poison event, one worker: other events delivered", fmt.Sprint(stats.Sent), "2000", stats.Sent == 2000)
	t.add("poison event: the last other event after", fmt.Sprint(last.Round(time.Millisecond)), "at most 2s", last <= 2*time.Second)
	t.add(fmt.Sprintf("poison event: fails once, after %d attempts; Close returns after", failed.Attempts), fmt.Sprint(time.Since(start).Round(time.Millisecond)), "about 5s", stats.Failed == 1 && time.Since(start) < 6*time.Second)
	return nil
}

// memory publishes a million events to a server that fails in several ways.
func memory(t *table) error {
	const events = 1_000_000
	s := newServer(func(n int, _ string) (int, string) {
		switch {
		case n%89 == 0:
			return http.StatusTooManyRequests, ""
		case n%97 == 0:
			return http.StatusServiceUnavailable, ""
		case n%53 == 0:
			return http.StatusInternalServerError, ""
		}
		return http.StatusOK, ""
	})
	defer s.Close()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	p, err := s.publisher(pusher.PublisherConfig{})
	if err != nil {
		return err
	}
	ctx, start := context.Background(), time.Now()
	publish(ctx, p, events/10)
	early := heap()
	late := early
	for range 9 {
		publish(ctx, p, events/10)
		late = max(late, heap())
	}
	if err := p.Close(ctx); err != nil {
		return err
	}
	took := time.Since(start)
	stats := p.Stats()
	t.add("1,000,000 events with faults: published", fmt.Sprint(stats.Sent), fmt.Sprint(events), stats.Sent == events && stats.Failed == 0)
	t.add("1,000,000 events with faults: events per second", fmt.Sprintf("%.0f", events/took.Seconds()), "", true)
	// The server records 16 bytes per request, in slices that double.
	growth := float64(late-early) / (1 << 20)
	t.add("1,000,000 events with faults: heap growth after the first tenth", fmt.Sprintf("%.1f MiB", growth), "at most 8 MiB", growth <= 8)
	return nil
}
