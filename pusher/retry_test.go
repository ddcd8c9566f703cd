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

// An attempt is a request that a script received.
type attempt struct {
	at        time.Time
	timestamp string
	body      string
}

// A script is a transport that responds with its steps in order, and repeats the last
// one. It fails the test if a request is not signed with the current time.
type script struct {
	t        *testing.T
	steps    []step
	attempts []attempt
}

// A step is the result of one attempt: an error, or a status with a Retry-After header.
type step struct {
	err        error
	status     int
	retryAfter string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := verify(req, time.Now())
	if err != nil {
		s.t.Errorf("attempt %d: %v", len(s.attempts)+1, err)
	}
	s.attempts = append(s.attempts, attempt{time.Now(), req.URL.Query().Get("auth_timestamp"), body})
	step := s.steps[min(len(s.attempts), len(s.steps))-1]
	if step.err != nil {
		return nil, step.err
	}
	header := http.Header{}
	if step.retryAfter != "" {
		header.Set("Retry-After", step.retryAfter)
	}
	return response(step.status, `{"channels":{},"occupied":true,"users":[]}`, header), nil
}

func (s *script) delays() []time.Duration {
	var delays []time.Duration
	for i := 1; i < len(s.attempts); i++ {
		delays = append(delays, s.attempts[i].at.Sub(s.attempts[i-1].at))
	}
	return delays
}

func (s *script) client(policy pusher.Retry) *pusher.Client {
	return newClient(s.t, over(s.RoundTrip), pusher.WithRetry(policy))
}

var (
	connectionRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	unknownHost       = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api-mt1.pusher.com", IsNotFound: true}}
	proxyRefused      = &net.OpError{Op: "proxyconnect", Net: "tcp", Err: connectionRefused}
	reset             = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

// TestRetry checks that a query is retried after every transient error, and a publish
// only if it cannot have been processed, because Pusher has no idempotency key.
func TestRetry(t *testing.T) {
	const query, publish = "Channels", "Trigger"
	status := func(code int) step { return step{status: code} }
	tests := []struct {
		name, op string
		policy   pusher.Retry
		steps    []step
		attempts int
		want     error
		cause    error
	}{
		{name: "query: connection reset, default policy", op: query, steps: []step{{err: reset}}, attempts: 3, want: pusher.ErrTransport, cause: syscall.ECONNRESET},
		{name: "query: connection refused", op: query, steps: []step{{err: connectionRefused}}, attempts: 3, want: pusher.ErrTransport, cause: syscall.ECONNREFUSED},
		{name: "query: connection closed", op: query, steps: []step{{err: io.EOF}}, attempts: 3, want: pusher.ErrTransport, cause: io.EOF},
		{name: "query: status 429", op: query, steps: []step{status(429)}, attempts: 3, want: pusher.ErrRateLimited},
		{name: "query: status 500", op: query, steps: []step{status(500)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 502", op: query, steps: []step{status(502)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 503", op: query, steps: []step{status(503)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: success after 503", op: query, steps: []step{status(503), status(200)}, attempts: 2},
		{name: "query: connection reset, 429, 404", op: query, steps: []step{{err: reset}, status(429), status(404)}, attempts: 3, want: pusher.ErrNotFound},
		{name: "query: 5 attempts", op: query, policy: pusher.Retry{Attempts: 5}, steps: []step{status(500)}, attempts: 5, want: pusher.ErrServer},
		{name: "query: 1 attempt", op: query, policy: pusher.Retry{Attempts: 1}, steps: []step{{err: connectionRefused}}, attempts: 1, want: pusher.ErrTransport},
		{name: "query: status 400", op: query, steps: []step{status(400)}, attempts: 1, want: pusher.ErrInvalid},
		{name: "query: status 401", op: query, steps: []step{status(401)}, attempts: 1, want: pusher.ErrAuthentication},
		{name: "query: status 403", op: query, steps: []step{status(403)}, attempts: 1, want: pusher.ErrForbidden},
		{name: "query: status 408", op: query, steps: []step{status(408)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 425", op: query, steps: []step{status(425)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 501", op: query, steps: []step{status(501)}, attempts: 1, want: pusher.ErrServer},
		{name: "query: status 505", op: query, steps: []step{status(505)}, attempts: 1, want: pusher.ErrServer},
		{name: "query: status 407", op: query, steps: []step{status(407)}, attempts: 1, want: pusher.ErrTransport},
		{name: "query: status 302", op: query, steps: []step{status(302)}, attempts: 1, want: pusher.ErrServer},

		{name: "publish: connection refused", op: publish, steps: []step{{err: connectionRefused}}, attempts: 3, want: pusher.ErrTransport, cause: syscall.ECONNREFUSED},
		{name: "publish: unknown host", op: publish, steps: []step{{err: unknownHost}}, attempts: 3, want: pusher.ErrTransport},
		{name: "publish: connection to the proxy refused", op: publish, steps: []step{{err: proxyRefused}}, attempts: 3, want: pusher.ErrTransport},
		{name: "publish: status 429", op: publish, steps: []step{status(429)}, attempts: 3, want: pusher.ErrRateLimited},
		{name: "publish: connection refused, 429, success", op: publish, steps: []step{{err: connectionRefused}, status(429), status(200)}, attempts: 3},
		{name: "publish: connection closed", op: publish, steps: []step{{err: io.EOF}}, attempts: 1, want: pusher.ErrTransport, cause: io.EOF},
		{name: "publish: connection reset", op: publish, steps: []step{{err: reset}}, attempts: 1, want: pusher.ErrTransport, cause: syscall.ECONNRESET},
		{name: "publish: status 500", op: publish, steps: []step{status(500)}, attempts: 1, want: pusher.ErrServer},
		{name: "publish: status 503", op: publish, steps: []step{status(503)}, attempts: 1, want: pusher.ErrServer},
		{name: "publish: 1 attempt", op: publish, policy: pusher.Retry{Attempts: 1}, steps: []step{{err: connectionRefused}}, attempts: 1, want: pusher.ErrTransport},
		{name: "Retry.Publishes: connection closed", op: publish, policy: pusher.Retry{Publishes: true}, steps: []step{{err: io.EOF}}, attempts: 3, want: pusher.ErrTransport},
		{name: "Retry.Publishes: success after 503", op: publish, policy: pusher.Retry{Publishes: true}, steps: []step{status(503), status(200)}, attempts: 2},
		{name: "publish: status 408", op: publish, steps: []step{status(408)}, attempts: 1, want: pusher.ErrServer},
		{name: "publish: status 425", op: publish, steps: []step{status(425)}, attempts: 3, want: pusher.ErrServer},
		{name: "Retry.Publishes: status 400", op: publish, policy: pusher.Retry{Publishes: true}, steps: []step{status(400)}, attempts: 1, want: pusher.ErrInvalid},
		{name: "Post is a publish", op: "Post", steps: []step{status(503)}, attempts: 1, want: pusher.ErrServer},
		{name: "TerminateUserConnections is a publish", op: "TerminateUserConnections", steps: []step{{err: io.EOF}}, attempts: 1, want: pusher.ErrTransport},
		{name: "TriggerBatch is a publish", op: "TriggerBatch", steps: []step{{err: io.EOF}}, attempts: 1, want: pusher.ErrTransport},
		{name: "POST of the generated client is a publish", op: "POST /apps/3/events", steps: []step{{err: io.EOF}}, attempts: 1, want: pusher.ErrTransport},
		{name: "GET of the generated client is a query", op: "GET /apps/3/channels", steps: []step{{err: io.EOF}}, attempts: 3, want: pusher.ErrTransport},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, steps: tt.steps}
				_, err := operationNamed(t, tt.op).call(context.Background(), s.client(tt.policy))
				if !errors.Is(err, tt.want) || tt.cause != nil && !errors.Is(err, tt.cause) || len(s.attempts) != tt.attempts {
					t.Errorf("%s = %v after %d attempts, want %v (%v) after %d", tt.op, err, len(s.attempts), tt.want, tt.cause, tt.attempts)
				}
				for i, attempt := range s.attempts {
					if attempt.body != s.attempts[0].body || operationNamed(t, tt.op).publishes != (attempt.body != "") {
						t.Errorf("%s, attempt %d: body %q, want that of the first: %q", tt.op, i+1, attempt.body, s.attempts[0].body)
					}
				}
				if delays := s.delays(); len(delays) > 0 && (delays[0] > 100*time.Millisecond || slices.Max(delays) > 800*time.Millisecond) {
					t.Errorf("%s was delayed by %v, want at most 100ms, 200ms, 400ms and 800ms", tt.op, delays)
				}
			})
		})
	}
}

// TestRetry_ConnectionRefused checks real connection errors: port 1 is never in use.
func TestRetry_ConnectionRefused(t *testing.T) {
	for _, target := range []string{"server", "proxy"} {
		for _, op := range operations() {
			var lines bytes.Buffer
			opts := []pusher.Option{
				pusher.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))),
				pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}), pusher.WithBaseURL("http://127.0.0.1:1"),
			}
			if target == "proxy" {
				opts = append(opts, pusher.WithBaseURL("http://pusher.example"), pusher.WithHTTPProxy("http://127.0.0.1:1"))
			}
			_, err := op.call(context.Background(), newClient(t, opts...))
			sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrTransport})
			if n := strings.Count(lines.String(), "level=WARN"); n != 2 {
				t.Errorf("%s without a %s was retried %d times, want 2:\n%s", op.name, target, n, lines.String())
			}
		}
	}
}

// TestRetry_Backoff checks that delays are random up to a limit that doubles up to
// MaxDelay.
func TestRetry_Backoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
		upper := make([]bool, len(limits))
		lower := make([]bool, len(limits))
		for range 100 { // the probability that all 100 are in one half is 10^-30
			s := &script{t: t, steps: []step{{status: 500}}}
			client := s.client(pusher.Retry{Attempts: 6, BaseDelay: time.Second, MaxDelay: 5 * time.Second})
			if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); !errors.Is(err, pusher.ErrServer) {
				t.Fatalf("Channels = %v, want %v", err, pusher.ErrServer)
			}
			for i, delay := range s.delays() {
				if delay < 0 || delay > limits[i] {
					t.Errorf("delay %d = %v, want 0 to %v", i+1, delay, limits[i])
				}
				upper[i] = upper[i] || delay > limits[i]/2
				lower[i] = lower[i] || delay < limits[i]/2
			}
		}
		if slices.Contains(upper, false) || slices.Contains(lower, false) {
			t.Errorf("delays in the upper half %v, in the lower half %v, want both", upper, lower)
		}
	})
}

// TestRetry_RetryAfterHeader checks that the header is parsed with 429 and 503 only.
func TestRetry_RetryAfterHeader(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the time at which every synctest bubble starts
	date := func(d time.Duration) string { return start.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name, header, date string
		want               time.Duration
	}{
		{name: "no header"},
		{name: "seconds", header: "7", want: 7 * time.Second},
		{name: "fraction (soketi)", header: " 0.812 ", want: 812 * time.Millisecond},
		{name: "date", header: date(90 * time.Second), want: 90 * time.Second},
		{name: "date relative to the server's Date", header: date(90 * time.Second), date: date(30 * time.Second), want: time.Minute},
		{name: "past date", header: date(-time.Minute)},
		{name: "date in 100 years", header: date(100 * 365 * 24 * time.Hour), want: 24 * time.Hour},
		{name: "zero", header: "0"},
		{name: "negative number", header: "-5"},
		{name: "large number", header: "99999999999999999999", want: 24 * time.Hour},
		{name: "number out of range", header: "1e999"},
		{name: "infinity", header: "+Inf", want: 24 * time.Hour},
		{name: "NaN", header: "NaN"},
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
					want := wantError{Op: "Trigger", Kind: kind, Status: status, RetryAfter: tt.want}
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

func TestRetry_RetryAfterDelay(t *testing.T) {
	tests := []struct {
		name, header string
		max          time.Duration
		attempts     int
		minDelay     time.Duration
	}{
		{"within MaxDelay", "1.5", 2 * time.Second, 3, 1500 * time.Millisecond},
		{"equal to MaxDelay", "2", 2 * time.Second, 3, 2 * time.Second},
		{"longer than MaxDelay", "2.1", 2 * time.Second, 1, 0},
		{"longer than the default of MaxDelay", "30", time.Minute, 3, 30 * time.Second},
		{"extreme value", "1e9", time.Minute, 1, 0},
	}
	for _, tt := range tests {
		for _, op := range []string{"Channels", "Trigger"} {
			t.Run(tt.name+": "+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{t: t, steps: []step{{status: 429, retryAfter: tt.header}}}
					start := time.Now()
					_, err := operationNamed(t, op).call(context.Background(), s.client(pusher.Retry{MaxDelay: tt.max}))
					if !errors.Is(err, pusher.ErrRateLimited) || len(s.attempts) != tt.attempts {
						t.Errorf("%s = %v after %d attempts, want %v after %d", op, err, len(s.attempts), pusher.ErrRateLimited, tt.attempts)
					}
					for _, delay := range s.delays() {
						if delay < tt.minDelay || delay > tt.max {
							t.Errorf("%s was delayed by %v, want %v to %v", op, delay, tt.minDelay, tt.max)
						}
					}
					if tt.attempts == 1 && time.Since(start) != 0 {
						t.Errorf("%s gave up after %v, want no delay", op, time.Since(start))
					}
				})
			})
		}
	}
}

// TestRetry_SignsEachAttempt checks that each attempt has its own timestamp: a server
// rejects a signature that is 600 seconds old.
func TestRetry_SignsEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, steps: []step{{status: 429, retryAfter: "900"}, {status: 429, retryAfter: "900"}, {status: 200}}}
		client := s.client(pusher.Retry{MaxDelay: time.Hour})
		if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
			t.Fatalf("Trigger = %v, want no error", err)
		}
		for i, attempt := range s.attempts {
			if want := fmt.Sprint(attempt.at.Unix()); attempt.timestamp != want {
				t.Errorf("attempt %d: auth_timestamp %s, want %s", i+1, attempt.timestamp, want)
			}
			if want := `{"channels":["c"],"data":"d","name":"e"}`; attempt.body != want {
				t.Errorf("attempt %d: body %s, want %s", i+1, attempt.body, want)
			}
		}
	})
}

func TestRetry_Context(t *testing.T) {
	t.Run("canceled during a delay after an error response", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(10*time.Second, cancel)
			s := &script{t: t, steps: []step{{status: 503, retryAfter: "60"}}}
			start := time.Now()
			_, err := s.client(pusher.Retry{MaxDelay: time.Hour}).Channels(ctx, pusher.ChannelsParams{})
			sameError(t, "Channels", err, wantError{
				Op: "Channels", Kind: pusher.ErrServer, Status: 503, RetryAfter: time.Minute, Message: `{"channels":{},"occupied":true,"users":[]}`,
			})
			if took := time.Since(start); !errors.Is(err, context.Canceled) || took != 10*time.Second || len(s.attempts) != 1 {
				t.Errorf("Channels = %v after %v and %d tries, want an error that is %v after 10s and 1 attempt", err, took, len(s.attempts), context.Canceled)
			}
		})
	})
	t.Run("canceled during a delay after a connection reset", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			s := &script{t: t, steps: []step{{err: reset}}}
			client := newClient(t, pusher.WithRetry(pusher.Retry{}), over(func(req *http.Request) (*http.Response, error) {
				time.AfterFunc(time.Nanosecond, cancel)
				return s.RoundTrip(req)
			}))
			_, err := client.Channels(ctx, pusher.ChannelsParams{})
			if !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, context.Canceled) || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("Channels = %v, want %v, %v and %v", err, pusher.ErrTransport, context.Canceled, syscall.ECONNRESET)
			}
		})
	})
	t.Run("deadline before the end of the delay", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			s := &script{t: t, steps: []step{{status: 503, retryAfter: "60"}}}
			start := time.Now()
			_, err := s.client(pusher.Retry{MaxDelay: time.Hour}).Channels(ctx, pusher.ChannelsParams{})
			if took := time.Since(start); !errors.Is(err, pusher.ErrServer) || took != 0 || len(s.attempts) != 1 {
				t.Errorf("Channels = %v after %v and %d tries, want %v without delay after 1 attempt", err, took, len(s.attempts), pusher.ErrServer)
			}
		})
	})
}
