package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

const (
	stormEvents   = 200_000
	stormChannels = 1_000
	stormKills    = 3
	stormQueue    = 2_000
)

// A storm is a server that fails in every way a server can: it answers 429 and
// 503, resets connections before and after it has taken a batch, and is killed and
// started again on the same port. It keeps, for each channel, what arrived.
type storm struct {
	t        *testing.T
	addr     string
	requests atomic.Int64
	kill     chan struct{} // the time has come
	refused  chan struct{} // a client could not connect

	mu        sync.Mutex
	server    *http.Server
	taken     int
	kills     int
	next      [stormChannels]int // the smallest number that has not arrived
	arrived   [stormChannels][stormEvents / stormChannels]uint8
	repeats   int
	misplaced int // arrived when a smaller number had not
}

func newStorm(t *testing.T) *storm {
	s := &storm{t: t, kill: make(chan struct{}, 1), refused: make(chan struct{}, 1)}
	s.start("127.0.0.1:0")
	t.Cleanup(func() { _ = s.server.Close() })
	return s
}

func (s *storm) start(addr string) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatalf("the server cannot be started again: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = listener.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(listener) }(s.server)
}

// rage kills the server whenever its time has come, and starts it again when a
// client has noticed.
func (s *storm) rage(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-s.kill:
		}
		_ = s.server.Close()
		for noticed := false; !noticed; {
			select {
			case <-s.refused: // perhaps left from the last time
			default:
				noticed = true
			}
		}
		select {
		case <-s.refused:
		case <-stop:
		}
		s.start(s.addr)
	}
}

// dial tells of refused connections.
func (s *storm) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		select {
		case s.refused <- struct{}{}:
		default:
		}
	}
	return conn, err
}

func (s *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Batch []struct{ Channel, Data string }
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed
	}
	if err := json.Unmarshal(body, &request); err != nil {
		s.t.Errorf("a request is not a batch: %v", err)
	}
	switch n := s.requests.Add(1); {
	case n%89 == 0:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case n%97 == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case n%53 == 0:
		s.reset(w)
		return
	case n%59 == 0:
		defer s.reset(w)
	default:
		defer func() { _, _ = io.WriteString(w, "{}") }()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range request.Batch {
		s.take(event.Channel, event.Data)
	}
	if s.kills < stormKills && s.taken > (s.kills+1)*stormEvents/(stormKills+1) {
		s.kills++
		s.kill <- struct{}{}
	}
}

func (s *storm) take(name, data string) {
	s.taken++
	channel, err := strconv.Atoi(name)
	number, err2 := strconv.Atoi(data)
	if err := errors.Join(err, err2); err != nil {
		s.t.Errorf("an event is not the test's: %v", err)
		return
	}
	if s.arrived[channel][number]++; s.arrived[channel][number] > 1 {
		s.repeats++
	}
	switch {
	case number == s.next[channel]:
		s.next[channel]++
	case number > s.next[channel]:
		s.misplaced++
		s.next[channel] = number + 1
	}
}

func (s *storm) reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return // killed
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// publish has four producers publish all events, numbered by channel, and returns
// how many were reported as accepted and as lost, and by how much the heap grew.
func (s *storm) publish(opts ...pusher.PublisherOption) (accepted, lost int64, heap uint64) {
	t := s.t
	carrier := &http.Transport{DialContext: s.dial, MaxIdleConnsPerHost: 64}
	defer carrier.CloseIdleConnections()
	client := newClient(t,
		pusher.WithBaseURL("http://"+s.addr),
		pusher.WithHTTPClient(&http.Client{Transport: carrier}),
		pusher.WithTimeout(time.Minute),
		pusher.WithRetry(pusher.Retry{BaseDelay: 200 * time.Microsecond, MaxDelay: 2 * time.Millisecond}),
	)

	before := liveHeap()
	var reports, good, bad, peak atomic.Int64
	var publisher *pusher.Publisher
	publisher, err := client.NewPublisher(append(opts, pusher.QueueSize(stormQueue), pusher.OnReport(func(_ context.Context, r pusher.Report) {
		if r.Err == nil {
			good.Add(1)
		} else {
			bad.Add(1)
		}
		if reports.Add(1)%(stormEvents/10) != 0 {
			return
		}
		peak.Store(max(peak.Load(), int64(liveHeap())))
		if stats := publisher.Stats(); stats.Queued+stats.InFlight > stormQueue {
			t.Errorf("%d events are queued and %d in flight, want at most %d together", stats.Queued, stats.InFlight, stormQueue)
		}
	}))...)
	if err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var server, producers sync.WaitGroup
	server.Go(func() { s.rage(stop) })
	const n = 4
	for first := range n {
		producers.Go(func() {
			for number := range stormEvents / stormChannels {
				for channel := first; channel < stormChannels; channel += n {
					event := pusher.Event{Channel: strconv.Itoa(channel), Name: "e", Data: strconv.Itoa(number)}
					if err := publisher.Publish(t.Context(), event); err != nil {
						t.Errorf("Publish = %v, want no error", err)
						return
					}
				}
			}
		})
	}
	producers.Wait()
	if err := publisher.Close(t.Context()); err != nil {
		t.Errorf("Close = %v, want no error", err)
	}
	close(stop)
	server.Wait()

	if reports.Load() != stormEvents {
		t.Errorf("when Close returned %d events were reported, want %d", reports.Load(), stormEvents)
	}
	if stats := publisher.Stats(); stats.Sent != good.Load() || stats.Failed != bad.Load() || stats.Queued != 0 || stats.InFlight != 0 {
		t.Errorf("Stats() = %+v, want %d sent, %d failed, none queued or in flight", stats, good.Load(), bad.Load())
	}
	if s.kills != stormKills {
		t.Errorf("the server was killed %d times, want %d", s.kills, stormKills)
	}
	return good.Load(), bad.Load(), uint64(max(0, peak.Load()-int64(before)))
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An event may arrive more than once, but whatever arrives for the first time does
// so in order and without a gap.
func TestAtLeastOnceLosesNothingInAStormAndKeepsTheOrder(t *testing.T) {
	s := newStorm(t)
	accepted, lost, heap := s.publish()
	t.Logf("%d requests, %d events arrived again, heap grew by %d KiB", s.requests.Load(), s.repeats, heap>>10)

	if accepted != stormEvents || lost != 0 {
		t.Errorf("%d events reported as accepted and %d as lost, want %d and 0", accepted, lost, stormEvents)
	}
	if s.misplaced > 0 {
		t.Errorf("%d events arrived before an earlier one of their channel, want 0", s.misplaced)
	}
	for channel, next := range s.next {
		if next != stormEvents/stormChannels {
			t.Errorf("channel %d ended with event %d, want %d", channel, next-1, stormEvents/stormChannels-1)
		}
	}
	if s.repeats == 0 {
		t.Error("no event arrived twice: the storm was none")
	}
	if heap > 32<<20 {
		t.Errorf("the heap grew by %d bytes, want at most 32 MiB", heap)
	}
}

func TestAtMostOnceRepeatsNothingInAStorm(t *testing.T) {
	s := newStorm(t)
	accepted, lost, _ := s.publish(pusher.AtMostOnce())
	t.Logf("%d requests, %d events reported as lost", s.requests.Load(), lost)

	if s.repeats > 0 {
		t.Errorf("%d events arrived twice, want 0", s.repeats)
	}
	if lost == 0 || lost > stormEvents/10 {
		t.Errorf("%d events reported as lost, want some, and less than a tenth", lost)
	}
	if arrived := int64(s.taken); arrived < accepted {
		t.Errorf("%d events arrived, want at least the %d reported as accepted", arrived, accepted)
	}
	last := fmt.Sprint(stormEvents/stormChannels - 1)
	for channel, next := range s.next {
		if next < stormEvents/stormChannels/2 {
			t.Errorf("channel %d ended with event %d, want about %s", channel, next-1, last)
		}
	}
}
