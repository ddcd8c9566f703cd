package pushertest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pushertest"
)

func fail(t testing.TB, s *pushertest.Server, f pushertest.Failure) {
	t.Helper()
	if err := s.Fail(f); err != nil {
		t.Fatalf("Fail(...) = %v, want nil", err)
	}
}

// aborted reports whether s drops r instead of responding.
func aborted(t testing.TB, s *pushertest.Server, r *http.Request) (dropped bool) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				t.Errorf("ServeHTTP panicked with %v, want http.ErrAbortHandler", p)
			}
			dropped = true
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), r)
	return false
}

func TestServer_Fail(t *testing.T) {
	s := newServer(t)
	header := http.Header{"Retry-After": {"2"}}
	fail(t, s, pushertest.Failure{Status: 429, Body: "Too many requests.\n", Header: header})
	header.Set("Retry-After", "changed")

	w := httptest.NewRecorder()
	s.ServeHTTP(w, newRequest(http.MethodPost, events, "not even signed"))
	if w.Code != 429 || w.Body.String() != "Too many requests.\n" || w.Header().Get("Retry-After") != "2" {
		t.Errorf("first request = %d %q %v, want 429, the body and the header given", w.Code, w.Body, w.Header())
	}
	if got, want := w.Header().Get("Content-Type"), "text/plain; charset=utf-8"; got != want {
		t.Errorf("Content-Type = %q, want %q", got, want)
	}
	if status, text := call(t, s, http.MethodPost, events, docsBody); status != 200 {
		t.Errorf("second request = %d %q, want 200", status, text)
	}
	checkEvents(t, s, pushertest.Event{Channel: "project-3", Name: "foo", Data: `{"some":"data"}`})
}

func TestServer_Fail_Order(t *testing.T) {
	s := newServer(t)
	hasBody := func(r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		return err == nil && len(body) > 0
	}
	fail(t, s, pushertest.Failure{Status: 503, Times: 2, Match: hasBody})
	fail(t, s, pushertest.Failure{Status: 500, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"error":"x"}`})

	for i, want := range []struct {
		method, body string
		status       int
	}{
		{"POST", docsBody, 503}, {"GET", "", 500}, {"GET", "", 401}, {"POST", docsBody, 503}, {"POST", docsBody, 404},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, newRequest(want.method, channels, want.body))
		if w.Code != want.status {
			t.Errorf("request %d, %s = %d, want %d", i+1, want.method, w.Code, want.status)
		}
		if want.status == 500 && w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("Content-Type = %q, want the one given", w.Header().Get("Content-Type"))
		}
	}
}

func TestServer_Fail_NoResponse(t *testing.T) {
	s := pushertest.NewServer()
	defer s.Close()
	fail(t, s, pushertest.Failure{})
	res, err := http.Get(s.URL)
	if err == nil {
		_ = res.Body.Close()
		t.Errorf("GET = %s, want an error", res.Status)
	}
}

func TestServer_Fail_Invalid(t *testing.T) {
	for _, test := range []struct {
		name    string
		failure pushertest.Failure
		want    string
	}{
		{"informational status", pushertest.Failure{Status: 100}, "200 to 999: 100"},
		{"status of four digits", pushertest.Failure{Status: 1000}, "200 to 999: 1000"},
		{"negative times", pushertest.Failure{Status: 500, Times: -1}, "times is negative"},
		{"status and close code", pushertest.Failure{Status: 500, CloseCode: 4004}, "both"},
		{"reserved close code", pushertest.Failure{CloseCode: 1006}, "1006"},
		{"close code out of range", pushertest.Failure{CloseCode: 5000}, "5000"},
		{"long reason", pushertest.Failure{CloseCode: 4004, Body: strings.Repeat("x", 124)}, "123 bytes"},
		{"reason is not UTF-8", pushertest.Failure{CloseCode: 4004, Body: "\xff"}, "UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := newServer(t).Fail(test.failure); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Fail(%+v) = %v, want an error with %q", test.failure, err, test.want)
			}
		})
	}
}

func TestServer_FailContext(t *testing.T) {
	s := newServer(t)
	expect := func(t *testing.T, statuses ...int) {
		t.Helper()
		for i, want := range statuses {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, sign(t, s, newRequest(http.MethodGet, channels, ""), time.Time{}))
			if w.Code != want {
				t.Errorf("request %d = %d, want %d", i+1, w.Code, want)
			}
		}
	}
	for _, test := range []struct {
		name  string
		times int
		want  []int
	}{
		{"without a limit", 0, []int{503, 503, 503}},
		{"twice", 2, []int{503, 503, 200}},
		{"not used up", 4, []int{503, 503, 503}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := s.FailContext(t.Context(), pushertest.Failure{Status: 503, Times: test.times}); err != nil {
				t.Fatal(err)
			}
			expect(t, test.want...)
		})
		expect(t, 200) // the subtest has ended
	}
	if err := s.FailContext(t.Context(), pushertest.Failure{Times: -1}); err == nil || !strings.Contains(err.Error(), "FailContext: number of times is negative") {
		t.Errorf("FailContext(...) = %v, want an error", err)
	}
}

func TestServer_Fail_WebSocket(t *testing.T) {
	s := newListeningServer(t)
	path := "/app/" + s.App().Key + "?protocol=7"
	fail(t, s, pushertest.Failure{CloseCode: 4004, Body: "Account over quota"})
	fail(t, s, pushertest.Failure{Status: 503, Match: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/app/") }})
	checkGet(t, s, channels, `{"channels":{}}`) // does not match
	ws, err := dial(t, s.URL, path)
	if err != nil {
		t.Fatal(err)
	}
	expectRejection(t, ws, 4004, "Account over quota")
	if _, err := dial(t, s.URL, path); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("Dial() = %v, want status 503", err)
	}
	connect(t, s).expectNothing()
}

func TestServer_Delay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for _, delay := range []time.Duration{time.Minute, 0} {
			s.Delay(delay)
			start := time.Now()
			if status, text := call(t, s, http.MethodGet, channels, ""); status != 200 {
				t.Errorf("GET = %d %q, want 200", status, text)
			}
			if took := time.Since(start); took != delay {
				t.Errorf("GET with a delay of %v took %v", delay, took)
			}
		}
	})
}

func TestServer_Delay_Ends(t *testing.T) {
	tests := []struct {
		name string
		end  func(*pushertest.Server, context.CancelFunc)
	}{
		{"request canceled", func(_ *pushertest.Server, cancel context.CancelFunc) { cancel() }},
		{"server closed", func(s *pushertest.Server, _ context.CancelFunc) { s.Close() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Delay(time.Hour)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				time.AfterFunc(time.Second, func() { test.end(s, cancel) })
				if !aborted(t, s, sign(t, s, newRequest(http.MethodPost, events, docsBody), time.Time{}).WithContext(ctx)) {
					t.Error("the server responded, want the request dropped")
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("the request was dropped after %v, want 1s", took)
				}
				checkEvents(t, s)
			})
		})
	}
}

func TestServer_DropConnections(t *testing.T) {
	s := pushertest.NewServer()
	defer s.Close()
	waiting := make(chan struct{})
	fail(t, s, pushertest.Failure{Status: 500, Match: func(r *http.Request) bool {
		close(waiting)
		<-r.Context().Done()
		return true
	}})
	go func() {
		<-waiting
		s.DropConnections()
	}()
	res, err := http.Get(s.URL)
	if err == nil {
		_ = res.Body.Close()
		t.Errorf("GET = %s, want an error", res.Status)
	}
	newServer(t).DropConnections() // has none
}

func TestServer_DropConnections_WebSocket(t *testing.T) {
	s := newListeningServer(t)
	c, sub := connect(t, s), join(t, s, "c")
	s.DropConnections()
	_, text, err := c.ws.Read(t.Context())
	if err == nil || websocket.CloseStatus(err) != -1 {
		t.Errorf("Read() = %q, %v, want an error without a close frame", text, err)
	}
	connect(t, s).expectNothing()
	trigger(t, s, `{"name":"n","channel":"c","data":"d"}`)
	checkDeliveries(t, sub, pushertest.Delivery{Channel: "c", Name: "n", Data: "d"})
}

func TestServer_CloseConnections(t *testing.T) {
	s := newListeningServer(t)
	c, sub := connect(t, s), join(t, s, "c")
	if err := s.CloseConnections(4200, "Please reconnect"); err != nil {
		t.Fatal(err)
	}
	c.expectClose(4200, "Please reconnect")
	connect(t, s).expectNothing()
	trigger(t, s, `{"name":"n","channel":"c","data":"d"}`)
	checkDeliveries(t, sub, pushertest.Delivery{Channel: "c", Name: "n", Data: "d"})
	if err := s.CloseConnections(999, ""); err == nil {
		t.Error("CloseConnections(999) = nil, want an error")
	}
}
