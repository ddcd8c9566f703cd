package pushertest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// newServer returns a server without a listener.
func newServer(t testing.TB, opts ...pushertest.Option) *pushertest.Server {
	t.Helper()
	s, err := pushertest.New(opts...)
	if err != nil {
		t.Fatalf("New(...) = %v, want nil", err)
	}
	t.Cleanup(s.Close)
	return s
}

// newListeningServer starts a server that does not count subscriptions, so that clients
// receive no messages unrelated to the test.
func newListeningServer(t testing.TB, opts ...pushertest.Option) *pushertest.Server {
	t.Helper()
	s := pushertest.NewServer(slices.Concat([]pushertest.Option{pushertest.WithSubscriptionCounting(false), pushertest.WithTestLog(t)}, opts)...)
	t.Cleanup(s.Close)
	return s
}

// newRequest returns an unsigned request as a server receives it.
func newRequest(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// sign signs r for the app of s, with the current time unless at is not zero.
func sign(t testing.TB, s *pushertest.Server, r *http.Request, at time.Time) *http.Request {
	t.Helper()
	var opts []signing.Option
	if !at.IsZero() {
		opts = append(opts, signing.WithClock(func() time.Time { return at }))
	}
	if err := newSigner(t, s, opts...).Edit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	return r
}

func newSigner(t testing.TB, s *pushertest.Server, opts ...signing.Option) *signing.Signer {
	t.Helper()
	signer, err := signing.New(s.App().Key, s.App().Secret, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// call signs and sends a request, and returns the status and body of the response.
func call(t testing.TB, s *pushertest.Server, method, target, body string) (int, string) {
	t.Helper()
	return send(t, s, sign(t, s, newRequest(method, target, body), time.Time{}))
}

// send sends r and validates request and response against the OpenAPI document.
func send(t testing.TB, s *pushertest.Server, r *http.Request) (int, string) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	r.Body = io.NopCloser(bytes.NewReader(body))
	checkExchange(t, r, w)
	return w.Code, w.Body.String()
}

// trigger triggers the event in the body, and returns the body of the response.
func trigger(t testing.TB, s *pushertest.Server, body string) string {
	t.Helper()
	status, text := call(t, s, http.MethodPost, events, body)
	if status != http.StatusOK {
		t.Fatalf("POST %s %s = %d %q, want 200", events, body, status, text)
	}
	return text
}

// checkGet checks the response to a query.
func checkGet(t testing.TB, s *pushertest.Server, target, want string) {
	t.Helper()
	if status, text := call(t, s, http.MethodGet, target, ""); status != http.StatusOK || text != want+"\n" {
		t.Errorf("GET %s = %d %q, want 200 %q", target, status, text, want)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// A clock has a constant time until it is set.
type clock struct{ now atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) set(at time.Time) { c.now.Store(at.UnixNano()) }

func (c *clock) add(d time.Duration) { c.now.Add(int64(d)) }

func (c *clock) Now() time.Time { return time.Unix(0, c.now.Load()) }

// A logBuffer is the log of a test. It can be read.
type logBuffer struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logBuffer) Logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(&l.lines, format+"\n", args...)
}

// Write makes l the destination of a slog handler.
func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

// wait waits until the log contains the text.
func (l *logBuffer) wait(t testing.TB, text string) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log has no\n%s\nbut\n%s", text, l.String())
		}
	}
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

const (
	events   = "/apps/3/events"
	batch    = "/apps/3/batch_events"
	channels = "/apps/3/channels"
)

// The timestamp, body and signature of the worked example in Pusher's documentation,
// HTTP API reference, "Authentication". The default app of a server is that of the
// example.
const (
	docsTimestamp = 1353088179
	docsBody      = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	docsAuth      = "?auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"
	docsSignature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
)

func setChannel(t testing.TB, s *pushertest.Server, name string, to pushertest.ChannelState) {
	t.Helper()
	if err := s.SetChannel(name, to); err != nil {
		t.Fatalf("SetChannel(%q, %+v) = %v, want nil", name, to, err)
	}
}

// join returns a subscriber that is closed at the end of the test.
func join(t testing.TB, s *pushertest.Server, channel string, opts ...pushertest.SubscribeOption) *pushertest.Subscriber {
	t.Helper()
	sub, err := s.Subscribe(t.Context(), channel, opts...)
	if err != nil {
		t.Fatalf("Subscribe(%q) = %v, want nil", channel, err)
	}
	return sub
}

func checkDeliveries(t testing.TB, sub *pushertest.Subscriber, want ...pushertest.Delivery) {
	t.Helper()
	if got := sub.Events(); !slices.Equal(got, want) {
		t.Errorf("Events() =\n%.1000v, want\n%.1000v", got, want)
	}
}
