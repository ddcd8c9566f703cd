package pushertest_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/openchannels/pusher-go/pushertest"
)

// A closeRecorder records that a listener was closed. Connecting to its port would not
// show it: another process can listen there by then.
type closeRecorder struct {
	net.Listener
	closed atomic.Bool
}

func (l *closeRecorder) Close() error {
	l.closed.Store(true)
	return l.Listener.Close()
}

func TestServer_Serve(t *testing.T) {
	s := newServer(t)
	listener := &closeRecorder{Listener: must(net.Listen("tcp", "127.0.0.1:0"))}
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	res, err := http.Get("http://" + listener.Addr().String() + "/apps/3/channels")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("GET = %s, want 401", res.Status)
	}
	ws, err := dial(t, "http://"+listener.Addr().String(), "/app/"+s.App().Key+"?protocol=7")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	go s.Close()
	expectClose(t, ws, 1001, "The server is closed")
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve() = %v, want http.ErrServerClosed", err)
	}
	if !listener.closed.Load() {
		t.Error("the listener is open after Close")
	}
	if err := s.Serve(must(net.Listen("tcp", "127.0.0.1:0"))); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve() after Close = %v, want http.ErrServerClosed", err)
	}
}

func TestServer_Serve_ListenerError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		network := make(pipeListener)
		close(network)
		if err := newServer(t).Serve(network); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve() = %v, want the error of the listener", err)
		}
	})
}

func TestServer_TlsHandshake(t *testing.T) {
	var log logBuffer
	s := newListeningServer(t, pushertest.WithTestLog(&log))
	connect(t, s).expectNothing()
	if strings.Contains(log.String(), "TLS") {
		t.Errorf("log of connections without TLS = %s", log.String())
	}
	res, err := http.Get(strings.Replace(s.URL, "http:", "https:", 1))
	if err == nil {
		_ = res.Body.Close()
		t.Fatal("GET with https succeeded")
	}
	if want := `level=WARN msg="pushertest: TLS handshake on a server without TLS, use http and ws instead of https and wss (forceTLS: false in pusher-js)" remote=127.0.0.1:`; !strings.Contains(log.String(), want) {
		t.Errorf("log = %s, want\n%s", log.String(), want)
	}
}
