package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// A clockServer verifies signatures with a clock that differs from this machine's.
type clockServer struct {
	offset   atomic.Int64 // how far its clock is ahead, a time.Duration
	dated    bool         // whether responses have a Date header
	requests atomic.Int32
	arrived  func() // called for each request before it is verified; may be nil
}

func (s *clockServer) setOffset(d time.Duration) { s.offset.Store(int64(d)) }

// takeRequests returns the number of requests since the previous call.
func (s *clockServer) takeRequests() int { return int(s.requests.Swap(0)) }

func (s *clockServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if s.arrived != nil {
		s.arrived()
	}
	now := time.Now().Add(time.Duration(s.offset.Load()))
	w.Header()["Date"] = nil
	if s.dated {
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	}
	if _, err := verify(r, now); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(w, `{"channels":{},"occupied":true,"users":[]}`)
}

// start returns a client of the server that does not retry.
func (s *clockServer) start(t *testing.T) *pusher.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return newClient(t, pusher.WithBaseURL(server.URL))
}

// TestClockSkew_EveryOperation checks that the first call is signed again with the
// server's time, also for a publish and with one attempt, and that later calls need one
// request. The limit is 600 seconds (HTTP API reference, "Authentication").
func TestClockSkew_EveryOperation(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour, 20 * 365 * 24 * time.Hour, -11 * time.Minute} {
		for _, op := range operations() {
			t.Run(fmt.Sprintf("%v ahead: %s", ahead, op.name), func(t *testing.T) {
				server := &clockServer{dated: true}
				server.setOffset(ahead)
				client := server.start(t)
				for i, want := range []int{2, 1, 1} {
					_, err := op.call(context.Background(), client)
					if n := server.takeRequests(); err != nil || n != want {
						t.Errorf("call %d of %s = %v after %d requests, want no error after %d", i+1, op.name, err, n, want)
					}
				}
			})
		}
	}
}

func TestClockSkew_Changes(t *testing.T) {
	server := &clockServer{dated: true}
	client := server.start(t)
	for _, tt := range []struct {
		ahead time.Duration
		want  int
	}{{time.Hour, 2}, {time.Hour, 1}, {0, 2}, {0, 1}, {-time.Hour, 2}, {-time.Hour + 5*time.Minute, 1}, {time.Hour, 2}} {
		server.setOffset(tt.ahead)
		_, err := client.Trigger(context.Background(), "c", "e", "d")
		if n := server.takeRequests(); err != nil || n != tt.want {
			t.Errorf("Trigger with the server %v ahead = %v after %d requests, want no error after %d", tt.ahead, err, n, tt.want)
		}
	}
}

// TestClockSkew_Concurrent checks calls that are in flight when another call corrects
// the clock.
func TestClockSkew_Concurrent(t *testing.T) {
	const calls = 16
	server := &clockServer{dated: true}
	server.setOffset(time.Hour)
	var together sync.WaitGroup
	together.Add(calls)
	var n atomic.Int32
	server.arrived = func() {
		if n.Add(1) <= calls { // only first requests wait for each other
			together.Done()
			together.Wait()
		}
	}
	client := server.start(t)
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
				t.Errorf("Trigger with %d concurrent calls = %v, want no error", calls-1, err)
			}
		})
	}
	all.Wait()
	if n := server.takeRequests(); n != 2*calls {
		t.Errorf("%d calls took %d requests, want %d", calls, n, 2*calls)
	}
}

// TestClockSkew_NotTheCause checks that other errors are not retried.
func TestClockSkew_NotTheCause(t *testing.T) {
	date := func(ahead time.Duration) string { return time.Now().Add(ahead).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name, date string
		status     int
		want       int
		kind       error
	}{
		{"status 401 with the same time", date(0), 401, 1, pusher.ErrAuthentication},
		{"status 401 with 9 minutes, within the limit", date(9 * time.Minute), 401, 1, pusher.ErrAuthentication},
		{"status 401 with an invalid Date", "yesterday", 401, 1, pusher.ErrAuthentication},
		{"status 401 with 1 hour, again after the correction", date(time.Hour), 401, 2, pusher.ErrAuthentication},
		{"status 400 with 1 hour", date(time.Hour), 400, 1, pusher.ErrInvalid},
		{"status 403 with 1 hour", date(time.Hour), 403, 1, pusher.ErrForbidden},
		{"status 500 with 1 hour", date(time.Hour), 500, 1, pusher.ErrServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var requests atomic.Int32
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				w.Header()["Date"] = nil
				if tt.date != "" {
					w.Header().Set("Date", tt.date)
				}
				w.WriteHeader(tt.status)
			})
			_, err := client.Trigger(context.Background(), "c", "e", "d")
			if n := int(requests.Load()); !errors.Is(err, tt.kind) || n != tt.want {
				t.Errorf("Trigger = %v after %d requests, want %v after %d", err, n, tt.kind, tt.want)
			}
		})
	}
}

// TestClockSkew_OneCorrectionPerCall checks a server whose clock changes with every
// request.
func TestClockSkew_OneCorrectionPerCall(t *testing.T) {
	var requests atomic.Int32
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		ahead := time.Duration(requests.Add(1)) * time.Hour
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		if requests.Load() < 10 { // so that a failing test ends
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	_, err := client.Trigger(context.Background(), "c", "e", "d")
	if n := requests.Load(); !errors.Is(err, pusher.ErrAuthentication) || n != 2 {
		t.Errorf("Trigger = %v after %d requests, want %v after 2", err, n, pusher.ErrAuthentication)
	}
}

// TestClockSkew_NoDateHeader checks that the error has the text of the server.
func TestClockSkew_NoDateHeader(t *testing.T) {
	server := &clockServer{}
	server.setOffset(time.Hour)
	client := server.start(t)
	_, err := client.Trigger(context.Background(), "c", "e", "d")
	var e *pusher.Error
	if !errors.As(err, &e) || !errors.Is(e, pusher.ErrAuthentication) || e.Message == "" || server.takeRequests() != 1 {
		t.Errorf("Trigger = %v, want %v with the text of the server after one request", err, pusher.ErrAuthentication)
	}
}

// TestClockSkew_PerClient checks that clients do not share their clock offset.
func TestClockSkew_PerClient(t *testing.T) {
	early, late := &clockServer{dated: true}, &clockServer{dated: true}
	early.setOffset(-2 * signing.MaxClockSkew)
	late.setOffset(2 * signing.MaxClockSkew)
	a, b := early.start(t), late.start(t)
	for i, want := range []int{2, 1} {
		for name, client := range map[string]*pusher.Client{"early": a, "late": b} {
			if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
				t.Errorf("call %d to the %s server = %v, want no error", i+1, name, err)
			}
		}
		if e, l := early.takeRequests(), late.takeRequests(); e != want || l != want {
			t.Errorf("call %d took %d and %d requests, want %d each", i+1, e, l, want)
		}
	}
}
