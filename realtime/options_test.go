package realtime_test

import (
	"bytes"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWithHTTPClient(t *testing.T) {
	handler, err := pushertest.New()
	noError(t, "pushertest.New", err)
	t.Cleanup(handler.Close)
	path := "/app/" + handler.App().Key

	t.Run("TLS", func(t *testing.T) {
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = stdlog.New(io.Discard, "", 0) // of the rejected certificate
		server.EnableHTTP2 = true                              // which has no handshake for WebSockets in net/http
		server.StartTLS()
		t.Cleanup(server.Close)
		conn := connect(t, "wss"+strings.TrimPrefix(server.URL, "https")+path, realtime.WithHTTPClient(server.Client()))
		subscribe(t, conn, "news")
		_, err := realtime.Connect(t.Context(), server.URL+path, quiet)
		if wantError(t, err, realtime.ErrDisconnected); !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v for a certificate that is not trusted", err)
		}
	})
	t.Run("proxy", func(t *testing.T) {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		var requests atomic.Int32
		forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) { requests.Add(1) }}
		proxy := httptest.NewServer(forward)
		t.Cleanup(proxy.Close)
		proxyURL, err := url.Parse(proxy.URL)
		noError(t, "parse URL", err)
		conn := connect(t, server.URL+path, realtime.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxyURL)}}))
		subscribe(t, conn, "news")
		if requests.Load() != 1 {
			t.Errorf("%d requests through the proxy, want 1", requests.Load())
		}
		noError(t, "Close", conn.Close())
	})
	t.Run("password of a proxy", func(t *testing.T) {
		proxyURL, err := url.Parse("http://user:hunter2@127.0.0.1:1")
		noError(t, "parse URL", err)
		_, err = realtime.Connect(t.Context(), "ws://example.com"+path, realtime.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxyURL)}}))
		if wantError(t, err, realtime.ErrDisconnected); strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has the password: %v", err)
		}
	})
}

// Neither secrets nor the data of events are logged.
func TestWithLogger(t *testing.T) {
	var log lockedBuffer
	server := newServer(t)
	conn := server.connect(t, realtime.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	channel := subscribe(t, conn, "private-encrypted-x")
	server.trigger(t, "private-encrypted-x", "e", "secret data")
	next(t, channel, realtime.KindMessage)
	_, err := conn.SignIn(t.Context(), auth.User{ID: "7"})
	noError(t, "SignIn", err)
	wrong, err := auth.New(server.App().Key, "another-secret")
	noError(t, "auth.New", err)
	rejected := server.connect(t, realtime.WithAuthorizer(wrong), realtime.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	_, err = rejected.Subscribe(t.Context(), "private-y")
	wantError(t, err, realtime.ErrRejected)
	server.DropConnections()
	next(t, channel, realtime.KindGap)
	noError(t, "Close", conn.Close())
	noError(t, "Close", rejected.Close())

	text := log.String() + err.Error()
	for _, want := range []string{"realtime: connected", "realtime: disconnected", "realtime: subscribed", "[REDACTED]"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not contain %q:\n%s", want, text)
		}
	}
	for _, secret := range []string{server.App().Secret, "another-secret", "secret data", masterKey} {
		if strings.Contains(text, secret) {
			t.Errorf("the log contains %q:\n%s", secret, text)
		}
	}
}

// A lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
