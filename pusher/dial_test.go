package pusher_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// countingServer starts a server for the handler, with TLS for scheme "https". It returns
// the number of connections so far.
func countingServer(t *testing.T, scheme string, handler http.HandlerFunc) (server *httptest.Server, connections *atomic.Int64) {
	t.Helper()
	server, connections = httptest.NewUnstartedServer(handler), new(atomic.Int64)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // logs failed handshakes
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	start := map[string]func(){"http": server.Start, "https": server.StartTLS}[scheme]
	start()
	t.Cleanup(server.Close)
	return server, connections
}

// write returns a handler that always sends the same response.
func write(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestDial_ProxyCredentials(t *testing.T) {
	var authorization, host string
	proxy := listen(t, func(w http.ResponseWriter, r *http.Request) {
		authorization, host = r.Header.Get("Proxy-Authorization"), r.URL.Host
		write(200, "{}")(w, r)
	})
	client := newClient(t, pusher.WithBaseURL("http://pusher.example"), pusher.WithHTTPProxy(strings.Replace(proxy, "//", "//user:password@", 1)))
	if _, err := client.Trigger(t.Context(), "c", "e", ""); err != nil {
		t.Fatalf("Trigger through a proxy: %v", err)
	}
	// Base64 of user:password (RFC 7617).
	if want := "Basic dXNlcjpwYXNzd29yZA=="; authorization != want || host != "pusher.example" {
		t.Errorf("the proxy received %q for host %q, want %q for pusher.example", authorization, host, want)
	}
}

// TestDial_ProxyFromEnvironment runs itself in another process, because net/http reads
// the environment once.
func TestDial_ProxyFromEnvironment(t *testing.T) {
	if os.Getenv("PUSHER_TEST_PROXY") != "" {
		client := newClient(t, pusher.WithBaseURL("http://pusher.test"))
		_, err := client.Trigger(t.Context(), "c", "e", "d")
		if err := errors.Join(err, client.Close(t.Context())); err != nil {
			t.Errorf("Trigger and Close = %v, want no error", err)
		}
		return
	}

	var host atomic.Value
	proxy := listen(t, func(w http.ResponseWriter, r *http.Request) {
		host.Store(r.URL.Host)
		write(200, "{}")(w, r)
	})
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), executable, "-test.run=^TestDial_ProxyFromEnvironment$")
	// An empty NO_PROXY, or the environment of the test could bypass the proxy.
	command.Env = append(os.Environ(), "PUSHER_TEST_PROXY=1", "HTTP_PROXY="+proxy, "http_proxy=", "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("test in a process with HTTP_PROXY: %v\n%s", err, output)
	}
	if got := host.Load(); got != "pusher.test" {
		t.Errorf("the proxy received a request for host %v, want pusher.test", got)
	}
}

func TestDial_HTTPClient(t *testing.T) {
	server, _ := countingServer(t, "https", write(200, "{}"))
	hc := server.Client()
	hc.Timeout = 30 * time.Second
	if _, err := newClient(t, pusher.WithBaseURL(server.URL), pusher.WithHTTPClient(hc)).Trigger(t.Context(), "c", "e", ""); err != nil {
		t.Errorf("Trigger with a client that trusts the certificate = %v, want no error", err)
	}
	if hc.Timeout != 30*time.Second || hc.CheckRedirect != nil {
		t.Errorf("the HTTP client was changed: timeout %v, redirects %v", hc.Timeout, hc.CheckRedirect != nil)
	}
	if _, err := newClient(t, pusher.WithBaseURL(server.URL)).Trigger(t.Context(), "c", "e", ""); !errors.Is(err, pusher.ErrTransport) {
		t.Errorf("Trigger with an untrusted certificate = %v, want %v", err, pusher.ErrTransport)
	}
}

// TestDial_ConnectionReuse checks that rejected responses are drained and closed, so
// that the next request uses the same connection.
func TestDial_ConnectionReuse(t *testing.T) {
	large := "<" + strings.Repeat("x", 6<<10)
	tests := []struct {
		name   string
		status int
		body   string
	}{
		{"status 400", 400, "<xxxxxxxxxxxxxxxxxxxx"},
		{"status 400 with 6 KiB", 400, large},
		{"status 401", 401, "<xxxxxxxxxxxxxxxxxxxx"},
		{"status 404 without a body", 404, ""},
		{"status 500 with 6 KiB", 500, large},
		{"redirect with 6 KiB", 302, large},
		{"HTML page under status 200", 200, large},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, connections := countingServer(t, "http", write(tt.status, tt.body))
			client := newClient(t, pusher.WithBaseURL(server.URL))
			for range 5 {
				if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); err == nil {
					t.Error("Channels = no error, want one")
				}
			}
			if err := client.Close(t.Context()); err != nil || connections.Load() != 1 {
				t.Errorf("5 rejected requests used %d connections, and Close = %v, want 1 and no error", connections.Load(), err)
			}
		})
	}
}

// TestDial_Retry checks that a publish is retried if the server cannot have processed
// it, because no connection to it was established. Errors that no retry can fix are not
// retried.
func TestDial_Retry(t *testing.T) {
	type target func(t *testing.T) (opts []pusher.Option, connections func() int64)
	untrusted := func(t *testing.T) ([]pusher.Option, func() int64) {
		server, connections := countingServer(t, "https", http.NotFound)
		return []pusher.Option{pusher.WithBaseURL(server.URL)}, connections.Load
	}
	raw := func(option func(addr string) []pusher.Option, f fault) target {
		return func(t *testing.T) ([]pusher.Option, func() int64) {
			server := newFaultServer(t, tcpNetwork{}, f)
			t.Cleanup(server.shutDown)
			return option(server.listener.Addr().String()), server.connectionCount
		}
	}
	plain := func(addr string) []pusher.Option { return []pusher.Option{pusher.WithBaseURL("http://" + addr)} }
	secure := func(addr string) []pusher.Option { return []pusher.Option{pusher.WithBaseURL("https://" + addr)} }
	proxy := func(addr string) []pusher.Option {
		return []pusher.Option{pusher.WithBaseURL("https://pusher.example"), pusher.WithHTTPProxy("http://" + addr)}
	}
	tests := []struct {
		name     string
		start    target
		attempts int64
		want     error
		text     string
	}{
		{"connection closed during the TLS handshake", raw(secure, func(x *faultConn) { _, _ = x.in.ReadByte() }), 3, pusher.ErrTransport, ""},
		{"TLS alert", raw(secure, func(x *faultConn) {
			_ = tls.Server(x.Conn, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return nil, errors.New("not now")
			}}).Handshake()
		}), 3, pusher.ErrTransport, ""},
		{"proxy that rejects CONNECT with 502", raw(proxy, sendRaw("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")), 3,
			pusher.ErrTransport, "the proxy rejected CONNECT with status 502"},
		{"proxy that requires a password", raw(proxy, sendRaw("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")), 1,
			pusher.ErrTransport, "user and password, see WithHTTPProxy"},
		{"untrusted certificate", untrusted, 1, pusher.ErrTLS, "certificate is not trusted"},
		{"HTTP server instead of TLS", raw(secure, func(x *faultConn) {
			_, _ = x.in.ReadByte()
			x.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			x.waitForClose()
		}), 1, pusher.ErrTLS, "use an http:// URL"},
		{"connection closed after the request", raw(plain, sendRaw("")), 1, pusher.ErrTransport, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts, connections := tt.start(t)
			client := newClient(t, append(opts, pusher.WithRetry(pusher.Retry{BaseDelay: time.Microsecond}))...)
			_, err := client.Trigger(t.Context(), "c", "e", "d")
			if !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("Trigger = %v, want %v with %q", err, tt.want, tt.text)
			}
			if err := client.Close(context.Background()); err != nil || connections() != tt.attempts {
				t.Errorf("%d connections, and Close = %v, want %d and no error", connections(), err, tt.attempts)
			}
		})
	}
}

// Laravel Reverb responds with 413 and closes the connection in the middle of an
// upload.
func TestDial_ResponseDuringUpload(t *testing.T) {
	server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
		_, _ = x.Read(make([]byte, 512))
		x.send("HTTP/1.0 413 Payload Too Large\r\nConnection: close\r\n\r\nPayload too large.")
		_ = x.Conn.(*net.TCPConn).CloseWrite()
		time.Sleep(10 * time.Millisecond) // let the client read before the reset
	})
	defer server.shutDown()
	client := server.client(pusher.WithMaxEventBytes(64 << 20))
	for range 5 {
		_, err := client.Trigger(t.Context(), "c", "e", strings.Repeat("x", 4<<20))
		var e *pusher.Error
		if !errors.As(err, &e) || e.Status != http.StatusRequestEntityTooLarge || !errors.Is(err, pusher.ErrTooLarge) || !errors.Is(err, pusher.ErrInvalid) {
			t.Fatalf("Trigger = %v, want %v with status 413", err, pusher.ErrTooLarge)
		}
		if !strings.Contains(err.Error(), "the request as a whole is too large") {
			t.Errorf("Trigger = %v, want an error about the request", err)
		}
	}
}

// If the first write on an idle connection fails because the server has reset it,
// net/http must learn of it: it then sends the request on another connection. When the
// server has received nothing, a lost response (EOF) must not be reported.
func TestDial_IdleConnectionReset(t *testing.T) {
	server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
		for range 3 {
			x.readRequest()
			x.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		x.reset()
	})
	defer server.shutDown()
	client := server.client()
	for range 1000 {
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); errors.Is(err, io.EOF) {
			t.Fatalf("Trigger = %v, want that the request is sent on another connection", err)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
}
