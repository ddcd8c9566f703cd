package pusher_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// delays returns the times between the requests.
func delays(requests []received) (all []time.Duration) {
	for i := 1; i < len(requests); i++ {
		all = append(all, requests[i].at.Sub(requests[i-1].at))
	}
	return all
}

// signedOnTime fails the test unless each request has its own timestamp: a server
// rejects a signature that is 600 seconds old.
func signedOnTime(t *testing.T, requests []received) {
	t.Helper()
	for i, r := range requests {
		if got, want := r.URL.Query().Get("auth_timestamp"), fmt.Sprint(r.at.Unix()); got != want {
			t.Errorf("attempt %d: auth_timestamp %s, want %s", i+1, got, want)
		}
	}
}

var (
	connectionRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	unknownHost       = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api-mt1.pusher.com", IsNotFound: true}}
	proxyRefused      = &net.OpError{Op: "proxyconnect", Net: "tcp", Err: connectionRefused}
	connectionReset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

// TestRetry checks that a query is retried after every transient error, and a publish
// only if it cannot have been processed, because Pusher has no idempotency key.
func TestRetry(t *testing.T) {
	const query, publish = "Channels", "Trigger"
	status := func(code int) roundTrip { return respond(code, completeBody) }
	tests := []struct {
		name, op string
		policy   pusher.Retry
		steps    []roundTrip
		attempts int
		want     error
		cause    error
	}{
		{name: "query: connection reset, default policy", op: query, steps: []roundTrip{fail(connectionReset)}, attempts: 3, want: pusher.ErrTransport, cause: syscall.ECONNRESET},
		{name: "query: connection refused", op: query, steps: []roundTrip{fail(connectionRefused)}, attempts: 3, want: pusher.ErrTransport, cause: syscall.ECONNREFUSED},
		{name: "query: connection closed", op: query, steps: []roundTrip{fail(io.EOF)}, attempts: 3, want: pusher.ErrTransport, cause: io.EOF},
		{name: "query: status 429", op: query, steps: []roundTrip{status(429)}, attempts: 3, want: pusher.ErrRateLimited},
		{name: "query: status 500", op: query, steps: []roundTrip{status(500)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 502", op: query, steps: []roundTrip{status(502)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 503", op: query, steps: []roundTrip{status(503)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: success after 503", op: query, steps: []roundTrip{status(503), status(200)}, attempts: 2},
		{name: "query: connection reset, 429, 404", op: query, steps: []roundTrip{fail(connectionReset), status(429), status(404)}, attempts: 3, want: pusher.ErrNotFound},
		{name: "query: 5 attempts", op: query, policy: pusher.Retry{Attempts: 5}, steps: []roundTrip{status(500)}, attempts: 5, want: pusher.ErrServer},
		{name: "query: 1 attempt", op: query, policy: pusher.Retry{Attempts: 1}, steps: []roundTrip{fail(connectionRefused)}, attempts: 1, want: pusher.ErrTransport},
		{name: "query: status 400", op: query, steps: []roundTrip{status(400)}, attempts: 1, want: pusher.ErrInvalid},
		{name: "query: status 401", op: query, steps: []roundTrip{status(401)}, attempts: 1, want: pusher.ErrAuthentication},
		{name: "query: status 403", op: query, steps: []roundTrip{status(403)}, attempts: 1, want: pusher.ErrForbidden},
		{name: "query: status 408", op: query, steps: []roundTrip{status(408)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 425", op: query, steps: []roundTrip{status(425)}, attempts: 3, want: pusher.ErrServer},
		{name: "query: status 501", op: query, steps: []roundTrip{status(501)}, attempts: 1, want: pusher.ErrServer},
		{name: "query: status 505", op: query, steps: []roundTrip{status(505)}, attempts: 1, want: pusher.ErrServer},
		{name: "query: status 407", op: query, steps: []roundTrip{status(407)}, attempts: 1, want: pusher.ErrTransport},
		{name: "query: status 302", op: query, steps: []roundTrip{status(302)}, attempts: 1, want: pusher.ErrServer},

		{name: "publish: connection refused", op: publish, steps: []roundTrip{fail(connectionRefused)}, attempts: 3, want: pusher.ErrTransport, cause: syscall.ECONNREFUSED},
		{name: "publish: unknown host", op: publish, steps: []roundTrip{fail(unknownHost)}, attempts: 3, want: pusher.ErrTransport},
		{name: "publish: connection to the proxy refused", op: publish, steps: []roundTrip{fail(proxyRefused)}, attempts: 3, want: pusher.ErrTransport},
		{name: "publish: status 429", op: publish, steps: []roundTrip{status(429)}, attempts: 3, want: pusher.ErrRateLimited},
		{name: "publish: connection refused, 429, success", op: publish, steps: []roundTrip{fail(connectionRefused), status(429), status(200)}, attempts: 3},
		{name: "publish: connection closed", op: publish, steps: []roundTrip{fail(io.EOF)}, attempts: 1, want: pusher.ErrTransport, cause: io.EOF},
		{name: "publish: connection reset", op: publish, steps: []roundTrip{fail(connectionReset)}, attempts: 1, want: pusher.ErrTransport, cause: syscall.ECONNRESET},
		{name: "publish: status 500", op: publish, steps: []roundTrip{status(500)}, attempts: 1, want: pusher.ErrServer},
		{name: "publish: status 503", op: publish, steps: []roundTrip{status(503)}, attempts: 1, want: pusher.ErrServer},
		{name: "publish: 1 attempt", op: publish, policy: pusher.Retry{Attempts: 1}, steps: []roundTrip{fail(connectionRefused)}, attempts: 1, want: pusher.ErrTransport},
		{name: "Retry.Publishes: connection closed", op: publish, policy: pusher.Retry{Publishes: true}, steps: []roundTrip{fail(io.EOF)}, attempts: 3, want: pusher.ErrTransport},
		{name: "Retry.Publishes: success after 503", op: publish, policy: pusher.Retry{Publishes: true}, steps: []roundTrip{status(503), status(200)}, attempts: 2},
		{name: "publish: status 408", op: publish, steps: []roundTrip{status(408)}, attempts: 1, want: pusher.ErrServer},
		{name: "publish: status 425", op: publish, steps: []roundTrip{status(425)}, attempts: 3, want: pusher.ErrServer},
		{name: "Retry.Publishes: status 400", op: publish, policy: pusher.Retry{Publishes: true}, steps: []roundTrip{status(400)}, attempts: 1, want: pusher.ErrInvalid},
		{name: "Post is a publish", op: "Post", steps: []roundTrip{status(503)}, attempts: 1, want: pusher.ErrServer},
		{name: "TerminateUserConnections is a publish", op: "TerminateUserConnections", steps: []roundTrip{fail(io.EOF)}, attempts: 1, want: pusher.ErrTransport},
		{name: "TriggerBatch is a publish", op: "TriggerBatch", steps: []roundTrip{fail(io.EOF)}, attempts: 1, want: pusher.ErrTransport},
		{name: "POST of the generated client is a publish", op: "POST /apps/3/events", steps: []roundTrip{fail(io.EOF)}, attempts: 1, want: pusher.ErrTransport},
		{name: "GET of the generated client is a query", op: "GET /apps/3/channels", steps: []roundTrip{fail(io.EOF)}, attempts: 3, want: pusher.ErrTransport},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := operationNamed(t, tt.op)
				client, server := serve(t, inOrder(tt.steps...), pusher.WithRetry(tt.policy))
				_, err := op.call(t.Context(), client)
				attempts := server.requests()
				if !errors.Is(err, tt.want) || tt.cause != nil && !errors.Is(err, tt.cause) || len(attempts) != tt.attempts {
					t.Errorf("%s = %v after %d attempts, want %v (%v) after %d", tt.op, err, len(attempts), tt.want, tt.cause, tt.attempts)
				}
				for i, attempt := range attempts {
					if attempt.body != attempts[0].body || op.publishes != (attempt.body != "") {
						t.Errorf("%s, attempt %d: body %q, want that of the first: %q", tt.op, i+1, attempt.body, attempts[0].body)
					}
				}
				signedOnTime(t, attempts)
				if delays := delays(attempts); len(delays) > 0 && (delays[0] > 100*time.Millisecond || slices.Max(delays) > 800*time.Millisecond) {
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
			var lines logs
			opts := []pusher.Option{lines.option(), pusher.WithRetry(pusher.Retry{BaseDelay: 1}), pusher.WithBaseURL("http://127.0.0.1:1")}
			if target == "proxy" {
				opts = append(opts, pusher.WithBaseURL("http://pusher.example"), pusher.WithHTTPProxy("http://127.0.0.1:1"))
			}
			_, err := op.call(context.Background(), newClient(t, opts...))
			sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrTransport})
			if retries := lines.lines(slog.LevelWarn); len(retries) != 2 {
				t.Errorf("%s without a %s was retried %d times, want 2:\n%s", op.name, target, len(retries), retries)
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
			client, server := serve(t, respond(500, ""), pusher.WithRetry(pusher.Retry{Attempts: 6, BaseDelay: time.Second, MaxDelay: 5 * time.Second}))
			if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); !errors.Is(err, pusher.ErrServer) {
				t.Fatalf("Channels = %v, want %v", err, pusher.ErrServer)
			}
			for i, delay := range delays(server.requests()) {
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

// TestRetry_AfterHeader checks that the header is parsed with 429 and 503 only.
func TestRetry_AfterHeader(t *testing.T) {
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
					client := newClient(t, over(respond(status, "", "Retry-After", tt.header, "Date", tt.date)))
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

func TestRetry_AfterDelay(t *testing.T) {
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
					client, server := serve(t, respond(429, "", "Retry-After", tt.header), pusher.WithRetry(pusher.Retry{MaxDelay: tt.max}))
					start := time.Now()
					_, err := operationNamed(t, op).call(t.Context(), client)
					attempts := server.requests()
					if !errors.Is(err, pusher.ErrRateLimited) || len(attempts) != tt.attempts {
						t.Errorf("%s = %v after %d attempts, want %v after %d", op, err, len(attempts), pusher.ErrRateLimited, tt.attempts)
					}
					for _, delay := range delays(attempts) {
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

// TestRetry_SignsEachAttempt checks attempts that are further apart than the 600
// seconds for which a signature is valid.
func TestRetry_SignsEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := respond(429, "", "Retry-After", "900")
		client, server := serve(t, inOrder(late, late, respond(200, "{}")), pusher.WithRetry(pusher.Retry{MaxDelay: time.Hour}))
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
			t.Fatalf("Trigger = %v, want no error", err)
		}
		attempts := server.requests()
		signedOnTime(t, attempts)
		for i, attempt := range attempts {
			if want := `POST /apps/3/events {"channels":["c"],"data":"d","name":"e"}`; attempt.String() != want {
				t.Errorf("attempt %d: %s, want %s", i+1, attempt, want)
			}
		}
	})
}

// TestRetry_Context checks that a call ends with its context during a delay, or at once
// if the deadline is before the end of the delay.
func TestRetry_Context(t *testing.T) {
	busy := respond(503, "busy", "Retry-After", "60")
	tests := []struct {
		name             string
		respond          roundTrip
		cancel, deadline time.Duration // of the context
		after            time.Duration
		want             []error
	}{
		{"canceled during a delay after an error response", busy, 10 * time.Second, time.Hour, 10 * time.Second, []error{pusher.ErrServer, context.Canceled}},
		{"canceled during a delay after a connection reset", fail(connectionReset), time.Nanosecond, time.Hour, time.Nanosecond,
			[]error{pusher.ErrTransport, context.Canceled, syscall.ECONNRESET}},
		{"deadline before the end of the delay", busy, time.Hour, 30 * time.Second, 0, []error{pusher.ErrServer}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				defer time.AfterFunc(tt.cancel, cancel).Stop()
				client, server := serve(t, tt.respond, pusher.WithRetry(pusher.Retry{BaseDelay: time.Minute, MaxDelay: time.Hour}))
				start := time.Now()
				_, err := client.Channels(ctx, pusher.ChannelsParams{})
				if took, n := time.Since(start), len(server.requests()); took != tt.after || n != 1 {
					t.Errorf("Channels = %v after %v and %d attempts, want %v after 1", err, took, n, tt.after)
				}
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("Channels = %v, want an error that is %v", err, want)
					}
				}
				if errors.Is(err, pusher.ErrServer) {
					sameError(t, "Channels", err, wantError{Op: "Channels", Kind: pusher.ErrServer, Status: 503, RetryAfter: time.Minute, Message: "busy"})
				}
			})
		})
	}
}

// trace returns the hooks that net/http calls for a request.
func trace(req *http.Request) *httptrace.ClientTrace {
	return httptrace.ContextClientTrace(req.Context())
}

// TestRetry_Trace checks which publishes are sent again, by what the RoundTripper has
// reported about the connection.
func TestRetry_Trace(t *testing.T) {
	tests := []struct {
		name     string
		hooks    func(*httptrace.ClientTrace)
		err      error
		attempts int
	}{
		{"no connection", func(h *httptrace.ClientTrace) { h.GetConn("") }, io.EOF, 3},
		{"connection", func(h *httptrace.ClientTrace) { h.GetConn(""); h.GotConn(httptrace.GotConnInfo{}) }, io.EOF, 1},
		// Such a RoundTripper retries by itself: the first connection may have carried the request.
		{"connection, then a failed dial", func(h *httptrace.ClientTrace) { h.GetConn(""); h.GotConn(httptrace.GotConnInfo{}); h.GetConn("") }, connectionRefused, 1},
		{"request not written completely", func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteRequest(httptrace.WroteRequestInfo{Err: connectionReset})
		}, connectionReset, 3},
		{"handshake without an answer", func(h *httptrace.ClientTrace) { h.GetConn(""); h.TLSHandshakeStart() }, os.ErrDeadlineExceeded, 3},
		{"request written completely", func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteRequest(httptrace.WroteRequestInfo{})
		}, connectionReset, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := serve(t, func(req *http.Request) (*http.Response, error) {
					tt.hooks(trace(req))
					return nil, tt.err
				}, pusher.WithRetry(pusher.Retry{}))
				_, err := client.Trigger(t.Context(), "c", "e", "d")
				if got := len(server.requests()); !errors.Is(err, pusher.ErrTransport) || got != tt.attempts {
					t.Errorf("Trigger = %v after %d attempts, want %v after %d", err, got, pusher.ErrTransport, tt.attempts)
				}
			})
		})
	}
}

// A RoundTripper that sends a request on two connections calls the hooks concurrently.
func TestRetry_ConcurrentTrace(t *testing.T) {
	client := newClient(t, over(func(req *http.Request) (*http.Response, error) {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				hooks := trace(req)
				hooks.GetConn("")
				hooks.TLSHandshakeStart()
				hooks.TLSHandshakeDone(tls.ConnectionState{}, nil)
				hooks.GotConn(httptrace.GotConnInfo{})
				hooks.WroteRequest(httptrace.WroteRequestInfo{})
			})
		}
		both.Wait()
		return respond(200, "{}")(req)
	}))
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger = %v, want no error", err)
	}
}
