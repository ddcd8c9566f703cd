package pushertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A webhookApp is a transport that responds to webhooks like an app. Unlike a server,
// it can be inside a synctest bubble.
type webhookApp struct {
	t       *testing.T
	start   time.Time
	respond func(at time.Duration, body string) (status int, err error)

	mu       sync.Mutex
	attempts []time.Duration // since start
	bodies   []string
	posted   []string // events of accepted deliveries, "NAME CHANNEL" or "NAME CHANNEL USER"
}

var webhookEventPattern = regexp.MustCompile(`\{"name":"(\w+)","channel":"([\w-]+)"(?:,"user_id":"(\w+)")?`)

func (a *webhookApp) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	at := time.Since(a.start)
	status, err := a.respond(at, string(body))
	a.mu.Lock()
	a.attempts, a.bodies = append(a.attempts, at), append(a.bodies, string(body))
	a.mu.Unlock()
	if errors.Is(err, context.DeadlineExceeded) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if status < 300 {
		for _, match := range webhookEventPattern.FindAllStringSubmatch(string(body), -1) {
			a.posted = append(a.posted, strings.TrimSpace(strings.Join(match[1:], " ")))
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"/elsewhere"}}, Body: http.NoBody, Request: r}, nil
}

// newWebhookApp returns a server that posts webhooks to the returned app.
func newWebhookApp(t *testing.T, respond func(at time.Duration, body string) (int, error), opts ...Option) (*Server, *webhookApp) {
	t.Helper()
	opts = append([]Option{WithWebhook("http://app.test/"), WithSubscriptionCounting(false), WithTestLog(t)}, opts...)
	s, err := New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	a := &webhookApp{t: t, start: time.Now(), respond: respond}
	s.state.webhooks.endpoints[0].client.Transport = a
	return s, a
}

func accept(time.Duration, string) (int, error) { return 200, nil }

func occupy(t *testing.T, s *Server, channel string, opts ...SubscribeOption) *Subscriber {
	t.Helper()
	sub, err := s.Subscribe(t.Context(), channel, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// expect waits until no delivery is in flight, and checks the events that the app has
// accepted.
func (a *webhookApp) expect(want ...string) {
	a.t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.posted, want) {
		a.t.Errorf("at %v the app has accepted %q, want %q", time.Since(a.start), a.posted, want)
	}
}

// reset forgets the events that the app has accepted.
func (a *webhookApp) reset() {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posted = nil
}

// attemptTimes returns when the attempts were made.
func (a *webhookApp) attemptTimes() []time.Duration {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.attempts)
}

func TestWebhookEndpoint_Retry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{500, 404, 302, 204}
		s, app := newWebhookApp(t, func(time.Duration, string) (int, error) {
			if len(statuses) == 0 {
				return 204, nil // the channel is vacated when the server is closed
			}
			status := statuses[0]
			statuses = statuses[1:]
			return status, nil
		})
		occupy(t, s, "c")
		time.Sleep(10 * time.Minute)
		app.expect("channel_occupied c")
		if want := []time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1750 * time.Millisecond}; !slices.Equal(app.attemptTimes(), want) {
			t.Errorf("attempts after %v, want %v", app.attemptTimes(), want)
		}
		if bodies := unique(app.bodies); len(bodies) != 1 { // no attempt is in flight
			t.Errorf("attempts had the bodies %q, want one", bodies)
		}
	})
}

// Source of the time: Pusher support, "Channels webhook timeouts and retries".
func TestWebhookEndpoint_RetriesFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, app := newWebhookApp(t, func(time.Duration, string) (int, error) { return 500, nil })
		occupy(t, s, "c")
		time.Sleep(10 * time.Minute)
		attempts := app.attemptTimes()
		if got, want := attempts[len(attempts)-1], 300*time.Second+750*time.Millisecond; got != want {
			t.Errorf("the last attempt was made after %v, want %v", got, want)
		}
		if got, want := len(attempts), 303; got != want { // 0, 250 and 750 ms, then every second
			t.Errorf("%d attempts, want %d", got, want)
		}
		if lost := s.state.webhooks.close(); lost != 0 {
			t.Errorf("%d events lost on closing, want 0", lost)
		}
	})
}

// Source of the timeout: Pusher Channels docs, "Webhooks".
func TestWebhookEndpoint_Timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, app := newWebhookApp(t, func(at time.Duration, _ string) (int, error) {
			if at == 0 {
				return 0, context.DeadlineExceeded
			}
			return 200, nil
		})
		occupy(t, s, "c")
		time.Sleep(time.Minute)
		app.expect("channel_occupied c")
		if want := []time.Duration{0, 4250 * time.Millisecond}; !slices.Equal(app.attemptTimes(), want) {
			t.Errorf("attempts after %v, want %v", app.attemptTimes(), want)
		}
	})
}

func TestWebhookEndpoint_RejectedDeliveryDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, app := newWebhookApp(t, func(_ time.Duration, body string) (int, error) {
			if strings.Contains(body, "rejected") {
				return 500, nil
			}
			return 200, nil
		})
		var want []string
		occupy(t, s, "rejected-1")
		app.expect()
		for _, channel := range []string{"a", "rejected-2", "b"} {
			time.Sleep(time.Second)
			occupy(t, s, channel)
			if !strings.Contains(channel, "rejected") {
				want = append(want, "channel_occupied "+channel)
			}
			app.expect(want...) // at the time of the event
		}
	})
}

func TestWebhookEndpoint_AppStartedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer // is read when no delivery is in flight
		const started = 100 * time.Second
		s, app := newWebhookApp(t, func(at time.Duration, _ string) (int, error) {
			if at < started {
				return 0, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
			}
			return 200, nil
		}, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for _, channel := range []string{"a", "b", "c"} {
			occupy(t, s, channel)
			time.Sleep(10 * time.Second)
		}
		app.expect()
		// Three first attempts, and one in each round of retries: after 250 and 750 ms,
		// then every second.
		if got, want := len(app.attemptTimes()), 3+2+29; got != want {
			t.Errorf("%d attempts in 30 seconds, want %d", got, want)
		}
		time.Sleep(started + time.Second - time.Since(app.start))
		app.expect("channel_occupied a", "channel_occupied b", "channel_occupied c")
		for _, want := range []string{"webhook failed, it will be retried", "webhook delivered after failures"} {
			if got := strings.Count(log.String(), want); got != 1 {
				t.Errorf("%q was logged %d times, want once:\n%s", want, got, &log)
			}
		}
	})
}
