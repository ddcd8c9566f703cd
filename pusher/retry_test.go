package pusher_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A try is a request as a script saw it.
type try struct {
	at        time.Time
	timestamp string
	body      string
}

// A script is a transport that fails with each of its steps in turn, the last
// one for ever. It refuses requests that are not rightly signed at their moment.
type script struct {
	t     *testing.T
	steps []step
	tries []try
}

// A step is the answer to one try: an error, or a status with a Retry-After.
type step struct {
	err        error
	status     int
	retryAfter string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := verify(req, time.Now())
	if err != nil {
		s.t.Errorf("try %d: %v", len(s.tries)+1, err)
	}
	s.tries = append(s.tries, try{time.Now(), req.URL.Query().Get("auth_timestamp"), body})
	step := s.steps[min(len(s.tries), len(s.steps))-1]
	if step.err != nil {
		return nil, step.err
	}
	header := http.Header{}
	if step.retryAfter != "" {
		header.Set("Retry-After", step.retryAfter)
	}
	return response(step.status, `{"channels":{},"occupied":true,"users":[]}`, header), nil
}

func (s *script) pauses() []time.Duration {
	var pauses []time.Duration
	for i := 1; i < len(s.tries); i++ {
		pauses = append(pauses, s.tries[i].at.Sub(s.tries[i-1].at))
	}
	return pauses
}

func (s *script) client(policy pusher.Retry) *pusher.Client {
	return newClient(s.t, over(s.RoundTrip), pusher.WithRetry(policy))
}

var (
	refusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	unknownHost = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api-mt1.pusher.com", IsNotFound: true}}
	proxyGone   = &net.OpError{Op: "proxyconnect", Net: "tcp", Err: refusedDial}
	reset       = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

// TestWhatIsRepeated: a query whenever the failure may pass, a publish only when
// it cannot have been processed, because Pusher has no idempotency key.
func TestWhatIsRepeated(t *testing.T) {
	const query, publish = "Channels", "Trigger"
	status := func(code int) step { return step{status: code} }
	tests := []struct {
		name, op string
		policy   pusher.Retry
		steps    []step
		tries    int
		want     error
		cause    error
	}{
		{name: "a query is repeated three times in all by default", op: query, steps: []step{{err: reset}}, tries: 3, want: pusher.ErrHTTP, cause: syscall.ECONNRESET},
		{name: "a query whose connection is refused", op: query, steps: []step{{err: refusedDial}}, tries: 3, want: pusher.ErrHTTP, cause: syscall.ECONNREFUSED},
		{name: "a query whose connection ends", op: query, steps: []step{{err: io.EOF}}, tries: 3, want: pusher.ErrHTTP, cause: io.EOF},
		{name: "a query that is rate limited", op: query, steps: []step{status(429)}, tries: 3, want: pusher.ErrRateLimited},
		{name: "a query that breaks the server", op: query, steps: []step{status(500)}, tries: 3, want: pusher.ErrServer},
		{name: "a query through a bad gateway", op: query, steps: []step{status(502)}, tries: 3, want: pusher.ErrServer},
		{name: "a query to a server that is down", op: query, steps: []step{status(503)}, tries: 3, want: pusher.ErrServer},
		{name: "a query that succeeds the second time", op: query, steps: []step{status(503), status(200)}, tries: 2},
		{name: "a query with one failure after another", op: query, steps: []step{{err: reset}, status(429), status(404)}, tries: 3, want: pusher.ErrNotFound},
		{name: "a query with five attempts", op: query, policy: pusher.Retry{Attempts: 5}, steps: []step{status(500)}, tries: 5, want: pusher.ErrServer},
		{name: "a query with one attempt", op: query, policy: pusher.Retry{Attempts: 1}, steps: []step{{err: refusedDial}}, tries: 1, want: pusher.ErrHTTP},
		{name: "a query that is wrong", op: query, steps: []step{status(400)}, tries: 1, want: pusher.ErrInvalid},
		{name: "a query that is not signed rightly", op: query, steps: []step{status(401)}, tries: 1, want: pusher.ErrAuthentication},
		{name: "a query that is forbidden", op: query, steps: []step{status(403)}, tries: 1, want: pusher.ErrForbidden},
		{name: "a query that a proxy wants a password for", op: query, steps: []step{status(407)}, tries: 1, want: pusher.ErrHTTP},
		{name: "a query that is redirected", op: query, steps: []step{status(302)}, tries: 1, want: pusher.ErrServer},

		{name: "a publish whose connection is refused", op: publish, steps: []step{{err: refusedDial}}, tries: 3, want: pusher.ErrHTTP, cause: syscall.ECONNREFUSED},
		{name: "a publish to a host that is not known", op: publish, steps: []step{{err: unknownHost}}, tries: 3, want: pusher.ErrHTTP},
		{name: "a publish whose proxy is not there", op: publish, steps: []step{{err: proxyGone}}, tries: 3, want: pusher.ErrHTTP},
		{name: "a publish that is rate limited", op: publish, steps: []step{status(429)}, tries: 3, want: pusher.ErrRateLimited},
		{name: "a publish that gets through in the end", op: publish, steps: []step{{err: refusedDial}, status(429), status(200)}, tries: 3},
		{name: "a publish whose connection ends", op: publish, steps: []step{{err: io.EOF}}, tries: 1, want: pusher.ErrHTTP, cause: io.EOF},
		{name: "a publish whose connection is reset", op: publish, steps: []step{{err: reset}}, tries: 1, want: pusher.ErrHTTP, cause: syscall.ECONNRESET},
		{name: "a publish that breaks the server", op: publish, steps: []step{status(500)}, tries: 1, want: pusher.ErrServer},
		{name: "a publish to a server that is down", op: publish, steps: []step{status(503)}, tries: 1, want: pusher.ErrServer},
		{name: "a publish with one attempt", op: publish, policy: pusher.Retry{Attempts: 1}, steps: []step{{err: refusedDial}}, tries: 1, want: pusher.ErrHTTP},
		{name: "a publish that may arrive twice: its connection ends", op: publish, policy: pusher.Retry{Publishes: true}, steps: []step{{err: io.EOF}}, tries: 3, want: pusher.ErrHTTP},
		{name: "a publish that may arrive twice: the server is down", op: publish, policy: pusher.Retry{Publishes: true}, steps: []step{status(503), status(200)}, tries: 2},
		{name: "a publish that may arrive twice: it is wrong", op: publish, policy: pusher.Retry{Publishes: true}, steps: []step{status(400)}, tries: 1, want: pusher.ErrInvalid},
		{name: "a raw POST is a publish", op: "Post", steps: []step{status(503)}, tries: 1, want: pusher.ErrServer},
		{name: "the end of connections is a publish", op: "TerminateUserConnections", steps: []step{{err: io.EOF}}, tries: 1, want: pusher.ErrHTTP},
		{name: "a batch is a publish", op: "TriggerBatch", steps: []step{{err: io.EOF}}, tries: 1, want: pusher.ErrHTTP},
		{name: "so is one of the generated client", op: "POST /apps/3/events", steps: []step{{err: io.EOF}}, tries: 1, want: pusher.ErrHTTP},
		{name: "and its queries are queries", op: "GET /apps/3/channels", steps: []step{{err: io.EOF}}, tries: 3, want: pusher.ErrHTTP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, steps: tt.steps}
				_, err := named(t, tt.op).call(context.Background(), s.client(tt.policy))
				if !errors.Is(err, tt.want) || tt.cause != nil && !errors.Is(err, tt.cause) || len(s.tries) != tt.tries {
					t.Errorf("%s = %v after %d tries, want %v (%v) after %d", tt.op, err, len(s.tries), tt.want, tt.cause, tt.tries)
				}
				for i, try := range s.tries {
					if try.body != s.tries[0].body || named(t, tt.op).publishes != (try.body != "") {
						t.Errorf("%s, try %d: body %q, want that of the first: %q", tt.op, i+1, try.body, s.tries[0].body)
					}
				}
				if pauses := s.pauses(); len(pauses) > 0 && (pauses[0] > 100*time.Millisecond || slices.Max(pauses) > 800*time.Millisecond) {
					t.Errorf("%s paused for %v, want at most 100ms, 200ms, 400ms and 800ms", tt.op, pauses)
				}
			})
		})
	}
}

// TestAConnectionThatIsRefusedIsRepeatedOverTheWire, as the network reports it:
// on port 1 nobody listens.
func TestAConnectionThatIsRefusedIsRepeatedOverTheWire(t *testing.T) {
	for _, host := range []string{"a server", "a proxy"} {
		for _, op := range operations() {
			var lines bytes.Buffer
			opts := []pusher.Option{
				pusher.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))),
				pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}), pusher.WithBaseURL("http://127.0.0.1:1"),
			}
			if host == "a proxy" {
				opts = append(opts, pusher.WithBaseURL("http://pusher.example"), pusher.WithHTTPProxy("http://127.0.0.1:1"))
			}
			_, err := op.call(context.Background(), newClient(t, opts...))
			sameError(t, op.name, err, pusher.Error{Op: op.name, Kind: pusher.ErrHTTP})
			if n := strings.Count(lines.String(), "level=WARN"); n != 2 {
				t.Errorf("%s without %s was repeated %d times, want 2:\n%s", op.name, host, n, lines.String())
			}
		}
	}
}

// TestEachPauseIsRandomBelowACeilingThatDoubles, up to MaxDelay.
func TestEachPauseIsRandomBelowACeilingThatDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ceilings := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
		long := make([]bool, len(ceilings))
		short := make([]bool, len(ceilings))
		for range 100 { // that all of 100 are in one half: 1 in 10^30
			s := &script{t: t, steps: []step{{status: 500}}}
			client := s.client(pusher.Retry{Attempts: 6, BaseDelay: time.Second, MaxDelay: 5 * time.Second})
			if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); !errors.Is(err, pusher.ErrServer) {
				t.Fatalf("Channels = %v, want %v", err, pusher.ErrServer)
			}
			for i, pause := range s.pauses() {
				if pause < 0 || pause > ceilings[i] {
					t.Errorf("pause %d = %v, want 0 to %v", i+1, pause, ceilings[i])
				}
				long[i] = long[i] || pause > ceilings[i]/2
				short[i] = short[i] || pause < ceilings[i]/2
			}
		}
		if slices.Contains(long, false) || slices.Contains(short, false) {
			t.Errorf("pauses in the upper half %v, in the lower half %v, want both of each", long, short)
		}
	})
}

// TestRetryAfter is read on 429 and 503, and on nothing else.
func TestRetryAfter(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of every synctest bubble
	date := func(d time.Duration) string { return start.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name, header, date string
		want               time.Duration
	}{
		{name: "nothing"},
		{name: "seconds", header: "7", want: 7 * time.Second},
		{name: "a fraction, as soketi sends it", header: " 0.812 ", want: 812 * time.Millisecond},
		{name: "a date", header: date(90 * time.Second), want: 90 * time.Second},
		{name: "a date by the server's own clock", header: date(90 * time.Second), date: date(30 * time.Second), want: time.Minute},
		{name: "a date that has passed", header: date(-time.Minute)},
		{name: "a date in a hundred years", header: date(100 * 365 * 24 * time.Hour), want: 24 * time.Hour},
		{name: "zero", header: "0"},
		{name: "less than nothing", header: "-5"},
		{name: "a huge number", header: "99999999999999999999", want: 24 * time.Hour},
		{name: "a number beyond floats", header: "1e999"},
		{name: "infinity", header: "+Inf", want: 24 * time.Hour},
		{name: "no number", header: "NaN"},
		{name: "garbage", header: "soon"},
		{name: "two values", header: "1, 2"},
	}
	for _, tt := range tests {
		for status, kind := range map[int]error{429: pusher.ErrRateLimited, 503: pusher.ErrServer, 500: pusher.ErrServer} {
			t.Run(fmt.Sprint(status, " with ", tt.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					header := http.Header{"Retry-After": {tt.header}}
					if tt.date != "" {
						header.Set("Date", tt.date)
					}
					client := newClient(t, over(func(*http.Request) (*http.Response, error) { return response(status, "", header), nil }))
					want := pusher.Error{Op: "Trigger", Kind: kind, Status: status, RetryAfter: tt.want}
					if status == 500 {
						want.RetryAfter = 0
					}
					_, err := client.Trigger(context.Background(), "c", "e", "d")
					sameError(t, "Trigger", err, want)
				})
			})
		}
	}
}

func TestRetryAfterIsTheShortestPause(t *testing.T) {
	tests := []struct {
		name, header string
		max          time.Duration
		tries        int
		atLeast      time.Duration
	}{
		{"what the server asks for is waited", "1.5", 2 * time.Second, 3, 1500 * time.Millisecond},
		{"exactly the longest pause is waited", "2", 2 * time.Second, 3, 2 * time.Second},
		{"longer than the longest pause is not waited", "2.1", 2 * time.Second, 1, 0},
		{"unless the policy allows it", "30", time.Minute, 3, 30 * time.Second},
		{"a huge pause gives up at once", "1e9", time.Minute, 1, 0},
	}
	for _, tt := range tests {
		for _, op := range []string{"Channels", "Trigger"} {
			t.Run(tt.name+": "+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{t: t, steps: []step{{status: 429, retryAfter: tt.header}}}
					start := time.Now()
					_, err := named(t, op).call(context.Background(), s.client(pusher.Retry{MaxDelay: tt.max}))
					if !errors.Is(err, pusher.ErrRateLimited) || len(s.tries) != tt.tries {
						t.Errorf("%s = %v after %d tries, want %v after %d", op, err, len(s.tries), pusher.ErrRateLimited, tt.tries)
					}
					for _, pause := range s.pauses() {
						if pause < tt.atLeast || pause > tt.max {
							t.Errorf("%s paused for %v, want %v to %v", op, pause, tt.atLeast, tt.max)
						}
					}
					if tt.tries == 1 && time.Since(start) != 0 {
						t.Errorf("%s gave up after %v, want at once", op, time.Since(start))
					}
				})
			})
		}
	}
}

// TestEveryRepeatIsSignedAnew: the timestamp is that of the try, or a server
// would refuse a request that has waited.
func TestEveryRepeatIsSignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, steps: []step{{status: 429, retryAfter: "900"}, {status: 429, retryAfter: "900"}, {status: 200}}}
		client := s.client(pusher.Retry{MaxDelay: time.Hour})
		if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
			t.Fatalf("Trigger = %v, want no error", err)
		}
		for i, try := range s.tries {
			if want := fmt.Sprint(try.at.Unix()); try.timestamp != want {
				t.Errorf("try %d: auth_timestamp %s, want %s", i+1, try.timestamp, want)
			}
			if want := `{"channels":["c"],"data":"d","name":"e"}`; try.body != want {
				t.Errorf("try %d: body %s, want %s", i+1, try.body, want)
			}
		}
	})
}

func TestAContextEndsTheRepeating(t *testing.T) {
	t.Run("cancelled in a pause, it ends the call at once and keeps the last failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(10*time.Second, cancel)
			s := &script{t: t, steps: []step{{status: 503, retryAfter: "60"}}}
			start := time.Now()
			_, err := s.client(pusher.Retry{MaxDelay: time.Hour}).Channels(ctx, pusher.ChannelsParams{})
			sameError(t, "Channels", err, pusher.Error{
				Op: "Channels", Kind: pusher.ErrServer, Status: 503, RetryAfter: time.Minute, Message: `{"channels":{},"occupied":true,"users":[]}`,
			})
			if took := time.Since(start); !errors.Is(err, context.Canceled) || took != 10*time.Second || len(s.tries) != 1 {
				t.Errorf("Channels = %v after %v and %d tries, want one that is %v after 10s and 1", err, took, len(s.tries), context.Canceled)
			}
		})
	})
	t.Run("cancelled in a pause after a broken connection, it tells both", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			s := &script{t: t, steps: []step{{err: reset}}}
			client := newClient(t, pusher.WithRetry(pusher.Retry{}), over(func(req *http.Request) (*http.Response, error) {
				time.AfterFunc(time.Nanosecond, cancel)
				return s.RoundTrip(req)
			}))
			_, err := client.Channels(ctx, pusher.ChannelsParams{})
			if !errors.Is(err, pusher.ErrHTTP) || !errors.Is(err, context.Canceled) || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("Channels = %v, want %v that is %v and %v", err, pusher.ErrHTTP, context.Canceled, syscall.ECONNRESET)
			}
		})
	})
	t.Run("a deadline before the end of the pause is not waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			s := &script{t: t, steps: []step{{status: 503, retryAfter: "60"}}}
			start := time.Now()
			_, err := s.client(pusher.Retry{MaxDelay: time.Hour}).Channels(ctx, pusher.ChannelsParams{})
			if took := time.Since(start); !errors.Is(err, pusher.ErrServer) || took != 0 || len(s.tries) != 1 {
				t.Errorf("Channels = %v after %v and %d tries, want %v at once after 1", err, took, len(s.tries), pusher.ErrServer)
			}
		})
	})
}
