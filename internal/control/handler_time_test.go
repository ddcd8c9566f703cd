package control_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/internal/control"
)

// A local calls the handler without a network, so that its time can be simulated.
type local struct {
	http.Handler
	t *testing.T
}

// inBubble runs a test with simulated time, on a server whose requests are delayed by
// 100 ms and whose log has the level warn.
func inBubble(t *testing.T, test func(t *testing.T, l local)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		apps := control.NewApps(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}), 100*time.Millisecond)
		defer apps.Close()
		if err := apps.Add(testApp); err != nil {
			t.Fatal(err)
		}
		test(t, local{control.NewHandler(apps), t})
	})
}

// call sends a request and returns the body, and how long it took.
func (l local) call(method, path, body string) (string, time.Duration) {
	l.t.Helper()
	r := httptest.NewRequest(method, "https://localhost/control"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	start := time.Now()
	l.ServeHTTP(w, r)
	if w.Code >= http.StatusMultipleChoices {
		l.t.Fatalf("%s %s = %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String(), time.Since(start)
}

const newsEvent = `{"name":"changed","channels":["news"],"data":""}`

func TestHandler_Events_Wait(t *testing.T) {
	inBubble(t, func(t *testing.T, l local) {
		type response struct {
			events int
			took   time.Duration
		}
		responses := make(chan response)
		go func() {
			body, took := l.call("GET", "/apps/1/events?channel=news&count=2&wait=30", "")
			responses <- response{strings.Count(body, `"name":"changed"`), took}
		}()
		l.call("PUT", "/apps/1/delay", `{"milliseconds":0}`)
		for range 2 {
			time.Sleep(time.Second)
			l.call("POST", "/apps/1/events", `{"name":"changed","channels":["blog"],"data":""}`)
			l.call("POST", "/apps/1/events", newsEvent)
		}
		if got, want := <-responses, (response{2, 2 * time.Second}); got != want {
			t.Errorf("waiting for 2 events = %+v, want %+v", got, want)
		}
		for query, want := range map[string]response{
			"?channel=news&count=2&wait=30":   {2, 0},
			"?channel=news&count=3&wait=1.5":  {2, 1500 * time.Millisecond},
			"?channel=news&count=3":           {2, 0},
			"?channel=unknown&count=1&wait=1": {0, time.Second},
		} {
			body, took := l.call("GET", "/apps/1/events"+query, "")
			if got := (response{strings.Count(body, `"name":"changed"`), took}); got != want {
				t.Errorf("GET events%s = %+v, want %+v", query, got, want)
			}
		}
	})
}

func TestHandler_Delay(t *testing.T) {
	inBubble(t, func(t *testing.T, l local) {
		check := func(when string, want time.Duration) {
			t.Helper()
			if _, took := l.call("POST", "/apps/1/events", newsEvent); took != want {
				t.Errorf("POST events %s took %v, want %v", when, took, want)
			}
		}
		check("at the start", 100*time.Millisecond)
		l.call("PUT", "/apps/1/delay", `{"milliseconds":2500}`)
		check("after PUT delay", 2500*time.Millisecond)
		l.call("PUT", "/apps/1/delay", `{"milliseconds":0}`)
		check("after PUT delay with 0", 0)
		l.call("POST", "/apps/1/reset", "")
		check("after reset", 100*time.Millisecond)
	})
}

// pusher_url has the scheme with which the client reaches the server.
func TestHandler_Apps_TLS(t *testing.T) {
	inBubble(t, func(t *testing.T, l local) {
		if body, _ := l.call("POST", "/apps", `{"id":"7","key":"k7","secret":"s7"}`); !strings.Contains(body, `"pusher_url":"https://k7:s7@localhost/apps/7"`) {
			t.Errorf("POST /apps = %s, want a pusher_url with https", body)
		}
	})
}

// stream returns what a stream sends in 31 seconds.
func (l local) stream() string {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	w := httptest.NewRecorder()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/control/apps/1/stream", nil))
	}()
	time.Sleep(30 * time.Second)
	l.call("POST", "/apps/1/events", newsEvent)
	time.Sleep(time.Second)
	cancel()
	<-ended
	return w.Body.String()
}

// Empty lines keep a connection open through a proxy. Lines of level debug are produced
// only while a stream is open.
func TestStream_KeepAliveAndLevel(t *testing.T) {
	inBubble(t, func(t *testing.T, l local) {
		first := l.stream()
		if !strings.HasPrefix(first, "\n\n\n{") {
			t.Errorf("the stream sent %q, want an empty line at once and every 15 s, and then events", first)
		}
		if n := strings.Count(first, `"message":"event triggered"`); n != 1 {
			t.Errorf("the stream has %d log lines about the event, want 1:\n%s", n, first)
		}
		l.call("POST", "/apps/1/events", newsEvent)
		if n := strings.Count(l.stream(), `"message":"event triggered"`); n != 2 {
			t.Errorf("the second stream has %d log lines about events, want those of both streams and none in between", n)
		}
	})
}
