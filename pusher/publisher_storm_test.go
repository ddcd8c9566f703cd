package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
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
	stormEvents   = 50_000
	stormChannels = 1_000
	stormKills    = 3
	stormQueue    = 2_000
)

// stormServer fails in every way a server can: it responds with 429 and 503, resets
// connections before and after it has accepted a batch, and is killed and restarted
// on the same port. It records, for each channel, which events it accepted.
type stormServer struct {
	t        *testing.T
	addr     string
	requests atomic.Int64
	kill     chan struct{} // it is time to kill the server
	noticed  chan struct{} // a client could not connect

	mu         sync.Mutex
	server     *http.Server
	accepted   int
	kills      int
	next       [stormChannels]int // smallest number that was not accepted
	counts     [stormChannels][stormEvents / stormChannels]uint8
	duplicates int
	outOfOrder int // accepted when a smaller number was not
}

func newStormServer(t *testing.T) *stormServer {
	s := &stormServer{t: t, kill: make(chan struct{}, 1), noticed: make(chan struct{}, 1)}
	s.start("127.0.0.1:0")
	t.Cleanup(func() { _ = s.server.Close() })
	return s
}

func (s *stormServer) start(addr string) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatalf("the server cannot be restarted: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = listener.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(listener) }(s.server)
}

// restart kills the server whenever it is time, and starts it again when a client
// has noticed.
func (s *stormServer) restart(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-s.kill:
		}
		_ = s.server.Close()
		select {
		case <-s.noticed: // perhaps of the last time
		default:
		}
		select {
		case <-s.noticed:
		case <-stop:
		}
		s.start(s.addr)
	}
}

// dial reports failures to connect.
func (s *stormServer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		select {
		case s.noticed <- struct{}{}:
		default:
		}
	}
	return conn, err
}

func (s *stormServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	type event struct{ Channel, Data string }
	var request struct {
		Channels []string
		Data     string
		Batch    []event
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed
	}
	if err := json.Unmarshal(body, &request); err != nil {
		s.t.Errorf("invalid request: %v", err)
	}
	for _, channel := range request.Channels {
		request.Batch = append(request.Batch, event{channel, request.Data})
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
		s.accept(event.Channel, event.Data)
	}
	if s.kills < stormKills && s.accepted > (s.kills+1)*stormEvents/(stormKills+1) {
		s.kills++
		s.kill <- struct{}{}
	}
}

func (s *stormServer) accept(name, data string) {
	s.accepted++
	channel, err := strconv.Atoi(name)
	number, err2 := strconv.Atoi(data)
	if err := errors.Join(err, err2); err != nil {
		s.t.Errorf("unknown event: %v", err)
		return
	}
	if s.counts[channel][number]++; s.counts[channel][number] > 1 {
		s.duplicates++
	}
	switch {
	case number == s.next[channel]:
		s.next[channel]++
	case number > s.next[channel]:
		s.outOfOrder++
		s.next[channel] = number + 1
	}
}

func (s *stormServer) reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return // killed
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// publish publishes all events with four producers, numbered by channel, and returns
// how many succeeded and failed, and by how much the heap grew.
func (s *stormServer) publish(delivery pusher.Delivery) (sent, failed int64, heap uint64) {
	t := s.t
	transport := &http.Transport{DialContext: s.dial, MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	client := newClient(t,
		pusher.WithBaseURL("http://"+s.addr),
		pusher.WithHTTPClient(&http.Client{Transport: transport}),
		pusher.WithTimeout(time.Minute),
		pusher.WithRetry(pusher.Retry{BaseDelay: 200 * time.Microsecond, MaxDelay: 2 * time.Millisecond}),
	)

	before := liveHeap()
	var results, successes, failures, peak atomic.Int64
	var publisher *pusher.Publisher
	publisher, err := client.NewPublisher(pusher.PublisherConfig{
		QueueSize: stormQueue,
		Delivery:  delivery,
		OnResult: func(_ context.Context, r pusher.PublishResult) {
			if r.Err == nil {
				successes.Add(1)
			} else {
				failures.Add(1)
			}
			if results.Add(1)%(stormEvents/10) != 0 {
				return
			}
			peak.Store(max(peak.Load(), int64(liveHeap())))
			if stats := publisher.Stats(); stats.Queued+stats.InFlight > stormQueue {
				t.Errorf("%d events are queued and %d in flight, want at most %d together", stats.Queued, stats.InFlight, stormQueue)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	stop := make(chan struct{})
	var server, producers sync.WaitGroup
	server.Go(func() { s.restart(stop) })
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

	if results.Load() != stormEvents {
		t.Errorf("%d results when Close returned, want %d", results.Load(), stormEvents)
	}
	if stats := publisher.Stats(); stats.Sent != successes.Load() || stats.Failed != failures.Load() || stats.Queued != 0 || stats.InFlight != 0 {
		t.Errorf("Stats() = %+v, want %d sent, %d failed, none queued or in flight", stats, successes.Load(), failures.Load())
	}
	if s.kills != stormKills {
		t.Errorf("the server was killed %d times, want %d", s.kills, stormKills)
	}
	return successes.Load(), failures.Load(), uint64(max(0, peak.Load()-int64(before)))
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An event may be accepted more than once, but events are accepted for the first
// time in order and without a gap.
func TestPublisher_Storm(t *testing.T) {
	t.Run("AtLeastOnce", func(t *testing.T) {
		s := newStormServer(t)
		sent, failed, heap := s.publish(pusher.AtLeastOnce)
		t.Logf("%d requests, %d duplicates, heap grew by %d KiB", s.requests.Load(), s.duplicates, heap>>10)

		if sent != stormEvents || failed != 0 {
			t.Errorf("%d events succeeded and %d failed, want %d and 0", sent, failed, stormEvents)
		}
		if s.outOfOrder > 0 {
			t.Errorf("%d events were accepted before an earlier one of their channel, want 0", s.outOfOrder)
		}
		for channel, next := range s.next {
			if next != stormEvents/stormChannels {
				t.Errorf("channel %d ended with event %d, want %d", channel, next-1, stormEvents/stormChannels-1)
			}
		}
		if s.duplicates == 0 {
			t.Error("no event was accepted twice: the server did not fail as it should")
		}
		if heap > 32<<20 {
			t.Errorf("the heap grew by %d bytes, want at most 32 MiB", heap)
		}
	})
	t.Run("AtMostOnce", func(t *testing.T) {
		s := newStormServer(t)
		sent, failed, _ := s.publish(pusher.AtMostOnce)
		t.Logf("%d requests, %d events failed", s.requests.Load(), failed)

		if s.duplicates > 0 {
			t.Errorf("%d events were accepted twice, want 0", s.duplicates)
		}
		if failed == 0 || failed > stormEvents/10 {
			t.Errorf("%d events failed, want some, and less than a tenth", failed)
		}
		if accepted := int64(s.accepted); accepted < sent {
			t.Errorf("%d events were accepted, want at least the %d that succeeded", accepted, sent)
		}
		for channel, next := range s.next {
			if next < stormEvents/stormChannels/2 {
				t.Errorf("channel %d ended with event %d, want about %d", channel, next-1, stormEvents/stormChannels-1)
			}
		}
	})
}
