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

// A clockServer verifies signatures by a clock of its own.
type clockServer struct {
	ahead    atomic.Int64 // of this machine's clock, a time.Duration
	dated    bool         // whether its answers have a Date
	requests atomic.Int32
	arrived  func() // called for each request before it is judged
}

func (s *clockServer) set(ahead time.Duration) { s.ahead.Store(int64(ahead)) }

// since counts the requests since the last time.
func (s *clockServer) since() int { return int(s.requests.Swap(0)) }

func (s *clockServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if s.arrived != nil {
		s.arrived()
	}
	now := time.Now().Add(time.Duration(s.ahead.Load()))
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

// start returns a client of the server that sends every request once.
func (s *clockServer) start(t *testing.T) *pusher.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return newClient(t, pusher.WithBaseURL(server.URL))
}

// TestAWrongClockCostsOneRequest: the first call is signed again with the
// server's time, even a publish, even with one attempt, and later calls are right
// at once. A timestamp may be less than 600 seconds off (HTTP API reference,
// "Authentication").
func TestAWrongClockCostsOneRequest(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour, 20 * 365 * 24 * time.Hour, -11 * time.Minute} {
		for _, op := range operations() {
			t.Run(fmt.Sprintf("%v ahead: %s", ahead, op.name), func(t *testing.T) {
				server := &clockServer{dated: true}
				server.set(ahead)
				client := server.start(t)
				for i, want := range []int{2, 1, 1} {
					_, err := op.call(context.Background(), client)
					if n := server.since(); err != nil || n != want {
						t.Errorf("call %d of %s = %v after %d requests, want no error after %d", i+1, op.name, err, n, want)
					}
				}
			})
		}
	}
}

func TestAClockThatChangesIsLearnedAgain(t *testing.T) {
	server := &clockServer{dated: true}
	client := server.start(t)
	for _, tt := range []struct {
		ahead time.Duration
		want  int
	}{{time.Hour, 2}, {time.Hour, 1}, {0, 2}, {0, 1}, {-time.Hour, 2}, {-time.Hour + 5*time.Minute, 1}, {time.Hour, 2}} {
		server.set(tt.ahead)
		_, err := client.Trigger(context.Background(), "c", "e", "d")
		if n := server.since(); err != nil || n != tt.want {
			t.Errorf("Trigger with the server %v ahead = %v after %d requests, want no error after %d", tt.ahead, err, n, tt.want)
		}
	}
}

// TestCallsThatMeetAWrongClockTogetherAllSucceed: one of them learns the clock
// before the others have read their refusals.
func TestCallsThatMeetAWrongClockTogetherAllSucceed(t *testing.T) {
	const calls = 16
	server := &clockServer{dated: true}
	server.set(time.Hour)
	var together sync.WaitGroup
	together.Add(calls)
	var n atomic.Int32
	server.arrived = func() {
		if n.Add(1) <= calls { // not their second requests
			together.Done()
			together.Wait()
		}
	}
	client := server.start(t)
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
				t.Errorf("Trigger beside %d others = %v, want no error", calls-1, err)
			}
		})
	}
	all.Wait()
	if n := server.since(); n != 2*calls {
		t.Errorf("%d calls took %d requests, want %d", calls, n, 2*calls)
	}
}

// TestARefusalThatIsNotTheClocks is not repeated.
func TestARefusalThatIsNotTheClocks(t *testing.T) {
	date := func(ahead time.Duration) string { return time.Now().Add(ahead).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name, date string
		status     int
		want       int
		kind       error
	}{
		{"a 401 with the right time", date(0), 401, 1, pusher.ErrAuthentication},
		{"a 401 nine minutes off, within the window", date(9 * time.Minute), 401, 1, pusher.ErrAuthentication},
		{"a 401 that tells no time", "", 401, 1, pusher.ErrAuthentication},
		{"a 401 whose time is garbage", "yesterday", 401, 1, pusher.ErrAuthentication},
		{"a 401 an hour off whatever is sent is repeated once", date(time.Hour), 401, 2, pusher.ErrAuthentication},
		{"a 400 an hour off", date(time.Hour), 400, 1, pusher.ErrInvalid},
		{"a 403 an hour off", date(time.Hour), 403, 1, pusher.ErrForbidden},
		{"a 500 an hour off", date(time.Hour), 500, 1, pusher.ErrServer},
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

// TestAClockThatRunsAwayIsFollowedOnce in a call, or the call would never end.
func TestAClockThatRunsAwayIsFollowedOnce(t *testing.T) {
	var requests atomic.Int32
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		ahead := time.Duration(requests.Add(1)) * time.Hour
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		if requests.Load() < 10 { // the test ends, whatever the client does
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	_, err := client.Trigger(context.Background(), "c", "e", "d")
	if n := requests.Load(); !errors.Is(err, pusher.ErrAuthentication) || n != 2 {
		t.Errorf("Trigger = %v after %d requests, want %v after 2", err, n, pusher.ErrAuthentication)
	}
}

// TestAnUndatedRefusalOfTheClock is the caller's to see, with the server's words.
func TestAnUndatedRefusalOfTheClock(t *testing.T) {
	server := &clockServer{}
	server.set(time.Hour)
	client := server.start(t)
	_, err := client.Trigger(context.Background(), "c", "e", "d")
	var e *pusher.Error
	if !errors.As(err, &e) || e.Kind != pusher.ErrAuthentication || e.Message == "" || server.since() != 1 {
		t.Errorf("Trigger = %v, want %v in the server's words after one request", err, pusher.ErrAuthentication)
	}
}

// TestTheClockOfOneClientIsNotAnothers.
func TestTheClockOfOneClientIsNotAnothers(t *testing.T) {
	early, late := &clockServer{dated: true}, &clockServer{dated: true}
	early.set(-2 * signing.MaxClockSkew)
	late.set(2 * signing.MaxClockSkew)
	a, b := early.start(t), late.start(t)
	for i, want := range []int{2, 1} {
		for name, client := range map[string]*pusher.Client{"early": a, "late": b} {
			if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
				t.Errorf("call %d to the %s server = %v, want no error", i+1, name, err)
			}
		}
		if e, l := early.since(), late.since(); e != want || l != want {
			t.Errorf("call %d took %d and %d requests, want %d each", i+1, e, l, want)
		}
	}
}
