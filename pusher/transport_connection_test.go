package pusher_test

import (
	"bufio"
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
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// accept calls handle for every connection and counts them.
func accept(t *testing.T, handle func(net.Conn)) (addr string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer func() { _ = conn.Close() }()
				handle(conn)
			}()
		}
	}()
	return listener.Addr().String(), connections
}

// A publish is retried if the server cannot have processed it, because no connection
// to it was established. Errors that no retry can fix are not retried.
func TestTransport_RetryWithoutConnection(t *testing.T) {
	untrusted := func(t *testing.T) ([]pusher.Option, func() int64) {
		var connections atomic.Int64
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		return []pusher.Option{pusher.WithBaseURL(server.URL)}, connections.Load
	}
	raw := func(scheme string, handle func(net.Conn)) func(t *testing.T) ([]pusher.Option, func() int64) {
		return func(t *testing.T) ([]pusher.Option, func() int64) {
			addr, connections := accept(t, handle)
			return []pusher.Option{pusher.WithBaseURL(scheme + "://" + addr)}, connections.Load
		}
	}
	proxy := func(status string) func(t *testing.T) ([]pusher.Option, func() int64) {
		return func(t *testing.T) ([]pusher.Option, func() int64) {
			addr, connections := accept(t, func(conn net.Conn) {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
			})
			return []pusher.Option{pusher.WithBaseURL("https://pusher.example"), pusher.WithHTTPProxy("http://" + addr)}, connections.Load
		}
	}
	tests := []struct {
		name     string
		start    func(t *testing.T) ([]pusher.Option, func() int64)
		attempts int64
		want     error
		text     string
	}{
		{"connection closed during the TLS handshake", raw("https", func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
		}), 3, pusher.ErrTransport, ""},
		{"TLS alert", raw("https", func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return nil, errors.New("not now")
			}}).Handshake()
		}), 3, pusher.ErrTransport, ""},
		{"proxy that rejects CONNECT with 502", proxy("502 Bad Gateway"), 3, pusher.ErrTransport, "the proxy rejected CONNECT with status 502"},
		{"proxy that requires a password", proxy("407 Proxy Authentication Required"), 1, pusher.ErrTransport, "user and password, see WithHTTPProxy"},
		{"untrusted certificate", untrusted, 1, pusher.ErrTLS, "certificate is not trusted"},
		{"HTTP server instead of TLS", raw("https", func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}), 1, pusher.ErrTLS, "use an http:// URL"},
		{"connection closed after the request", raw("http", func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
		}), 1, pusher.ErrTransport, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts, attempts := tt.start(t)
			client, err := pusher.New(app, append(opts, pusher.WithRetry(pusher.Retry{BaseDelay: time.Microsecond}))...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Trigger(t.Context(), "c", "e", "d")
			if !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("Trigger = %v, want %v with %q", err, tt.want, tt.text)
			}
			if err := client.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if got := attempts(); got != tt.attempts {
				t.Errorf("%d connections, want %d", got, tt.attempts)
			}
		})
	}
}

// Laravel Reverb responds with 413 and closes the connection in the middle of an
// upload.
func TestTransport_ResponseDuringUpload(t *testing.T) {
	addr, _ := accept(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 512))
		_, _ = io.WriteString(conn, "HTTP/1.0 413 Payload Too Large\r\nConnection: close\r\n\r\nPayload too large.")
		_ = conn.(*net.TCPConn).CloseWrite()
		time.Sleep(10 * time.Millisecond) // let the client read before the reset
	})
	client, err := pusher.New(app, pusher.WithBaseURL("http://"+addr), pusher.WithMaxEventBytes(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	for range 5 {
		_, err = client.Trigger(t.Context(), "c", "e", strings.Repeat("x", 4<<20))
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
func TestTransport_IdleConnectionReset(t *testing.T) {
	addr, _ := accept(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for range 3 {
			req, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		_ = conn.(*net.TCPConn).SetLinger(0) // the deferred Close resets the connection
	})
	client, err := pusher.New(app, pusher.WithBaseURL("http://"+addr), pusher.WithRetry(pusher.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	for range 1000 {
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); errors.Is(err, io.EOF) {
			t.Fatalf("Trigger = %v, want that the request is sent on another connection", err)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
}
