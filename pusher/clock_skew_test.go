package pusher_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// A skewedServer verifies signatures with a clock that differs from this machine's.
type skewedServer struct {
	*fakeServer
	ahead time.Duration // its clock, relative to this machine's
}

// serveAhead returns a client of a skewedServer.
func serveAhead(t *testing.T, ahead time.Duration) (*pusher.Client, *skewedServer) {
	t.Helper()
	s := &skewedServer{ahead: ahead}
	var client *pusher.Client
	client, s.fakeServer = serve(t, func(req *http.Request) (*http.Response, error) {
		now := time.Now().Add(s.ahead)
		if _, err := verify(req, now); err != nil {
			return respond(http.StatusUnauthorized, err.Error(), "Date", now.UTC().Format(http.TimeFormat))(req)
		}
		return respond(200, completeBody)(req)
	})
	return client, s
}

// TestClockSkew checks that the first call is signed again with the server's time, also
// for a publish and with one attempt, and that later calls need one request. The limit
// is 600 seconds (HTTP API reference, "Authentication").
func TestClockSkew(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour, 20 * 365 * 24 * time.Hour, 10 * time.Minute, -10 * time.Minute} {
		for _, op := range operations() {
			t.Run(fmt.Sprintf("%v ahead: %s", ahead, op.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, server := serveAhead(t, ahead)
					for i, want := range []int{2, 1, 1} {
						_, err := op.call(t.Context(), client)
						if n := len(server.requests()); err != nil || n != want {
							t.Errorf("call %d of %s = %v after %d requests, want no error after %d", i+1, op.name, err, n, want)
						}
					}
				})
			})
		}
	}
}

// The Date of a response has whole seconds, so a difference of 600 seconds may look like
// 599.
func TestClockSkew_Limit(t *testing.T) {
	for ahead, want := range map[time.Duration]int{598 * time.Second: 1, 599 * time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			date := time.Now().Add(ahead).UTC().Format(http.TimeFormat)
			client, server := serve(t, respond(401, "Timestamp expired", "Date", date))
			_, err := client.Trigger(t.Context(), "c", "e", "d")
			if n := len(server.requests()); !errors.Is(err, pusher.ErrClockSkew) || n != want {
				t.Errorf("Trigger with the server %v ahead = %v after %d requests, want %v after %d", ahead, err, n, pusher.ErrClockSkew, want)
			}
		})
	}
}

func TestClockSkew_Changes(t *testing.T) {
	client, server := serveAhead(t, 0)
	for _, tt := range []struct {
		ahead time.Duration
		want  int
	}{{time.Hour, 2}, {time.Hour, 1}, {0, 2}, {0, 1}, {-time.Hour, 2}, {-time.Hour + 5*time.Minute, 1}, {time.Hour, 2}} {
		server.ahead = tt.ahead
		_, err := client.Trigger(t.Context(), "c", "e", "d")
		if n := len(server.requests()); err != nil || n != tt.want {
			t.Errorf("Trigger with the server %v ahead = %v after %d requests, want no error after %d", tt.ahead, err, n, tt.want)
		}
	}
}

// TestClockSkew_Concurrent checks calls that are in flight when another call corrects
// the clock.
func TestClockSkew_Concurrent(t *testing.T) {
	const calls = 16
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, server := serve(t, func(req *http.Request) (*http.Response, error) {
			now := time.Now().Add(time.Hour)
			if _, err := verify(req, now); err != nil {
				<-release
				return respond(http.StatusUnauthorized, "", "Date", now.UTC().Format(http.TimeFormat))(req)
			}
			return respond(200, "{}")(req)
		})
		var all sync.WaitGroup
		for range calls {
			all.Go(func() {
				if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
					t.Errorf("Trigger with %d concurrent calls = %v, want no error", calls-1, err)
				}
			})
		}
		synctest.Wait() // until each first request has been sent
		close(release)
		all.Wait()
		if n := len(server.requests()); n != 2*calls {
			t.Errorf("%d calls took %d requests, want %d", calls, n, 2*calls)
		}
	})
}

// TestClockSkew_Errors checks that a call is signed again at most once, and only if the
// clock can be the cause of the error.
func TestClockSkew_Errors(t *testing.T) {
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
		{"status 401 without a Date", "", 401, 1, pusher.ErrAuthentication},
		{"status 401 with 1 hour, again after the correction", date(time.Hour), 401, 2, pusher.ErrAuthentication},
		{"status 400 with 1 hour", date(time.Hour), 400, 1, pusher.ErrInvalid},
		{"status 403 with 1 hour", date(time.Hour), 403, 1, pusher.ErrForbidden},
		{"status 500 with 1 hour", date(time.Hour), 500, 1, pusher.ErrServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server := serve(t, respond(tt.status, "no", "Date", tt.date))
			_, err := client.Trigger(t.Context(), "c", "e", "d")
			sameError(t, "Trigger", err, wantError{Op: "Trigger", Kind: tt.kind, Status: tt.status, Message: "no"})
			if n := len(server.requests()); n != tt.want {
				t.Errorf("Trigger took %d requests, want %d", n, tt.want)
			}
		})
	}
	t.Run("server whose clock changes with every request", func(t *testing.T) {
		client, server := serve(t, inOrder(respond(401, "", "Date", date(time.Hour)), respond(401, "", "Date", date(2*time.Hour)), respond(200, "{}")))
		_, err := client.Trigger(t.Context(), "c", "e", "d")
		if n := len(server.requests()); !errors.Is(err, pusher.ErrAuthentication) || n != 2 {
			t.Errorf("Trigger = %v after %d requests, want %v after 2", err, n, pusher.ErrAuthentication)
		}
	})
}

// TestClockSkew_PerClient checks that clients do not share their clock offset.
func TestClockSkew_PerClient(t *testing.T) {
	a, early := serveAhead(t, -2*signing.MaxClockSkew)
	b, late := serveAhead(t, 2*signing.MaxClockSkew)
	for i, want := range []int{2, 1} {
		err := errors.Join(errorOf(a.Trigger(t.Context(), "c", "e", "d")), errorOf(b.Trigger(t.Context(), "c", "e", "d")))
		if e, l := len(early.requests()), len(late.requests()); err != nil || e != want || l != want {
			t.Errorf("call %d = %v after %d and %d requests, want no error after %d each", i+1, err, e, l, want)
		}
	}
}
