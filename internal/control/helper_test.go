package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/internal/control"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// timeout limits how long a test waits for something that has to happen.
const timeout = time.Minute

var testApp = pushertest.App{ID: "1", Key: "app-key", Secret: "the-secret-of-the-app"}

// A served is a server with the Pusher API and the control API, as `pusherctl serve` has.
type served struct {
	*httptest.Server
	t testing.TB
}

func serve(t testing.TB, guard control.Guard, opts ...pushertest.Option) served {
	t.Helper()
	logs := slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})
	apps := control.NewApps(logs, 0, opts...)
	if err := apps.Add(testApp); err != nil {
		t.Fatal(err)
	}
	guard.Logger = slog.New(logs)
	mux := http.NewServeMux()
	mux.Handle("/", apps)
	mux.Handle("/control/", guard.API(control.NewHandler(apps)))
	mux.Handle("/console/", guard.Page(http.NotFoundHandler()))
	s := served{httptest.NewUnstartedServer(mux), t}
	// A client that does not read blocks the server after few lines.
	s.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if err := conn.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
			t.Error(err)
		}
		return ctx
	}
	s.Start()
	t.Cleanup(func() {
		apps.Close()
		s.Close()
	})
	return s
}

func (s served) client(url string) *pusher.Client {
	s.t.Helper()
	client, err := pusher.NewFromURL(url, pusher.WithRetry(pusher.Retry{Attempts: 1}), pusher.WithTimeout(timeout))
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// pusherURL returns the PUSHER_URL of testApp.
func (s served) pusherURL() string {
	return strings.Replace(s.URL, "://", "://"+testApp.Key+":"+testApp.Secret+"@", 1) + "/apps/" + testApp.ID
}

// call sends a request to the control API, with a JSON body unless it is empty. It returns
// the status code and the body.
func (s served) call(method, path, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+"/control"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// must is like call, and fails unless the status code is 200, 201 or 204. It decodes the
// body into result, unless that is nil.
func (s served) must(method, path, body string, result any) {
	s.t.Helper()
	status, text := s.call(method, path, body)
	if status >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s = %d %s", method, path, status, text)
	}
	if result == nil {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(result); err != nil {
		s.t.Fatalf("%s %s = %s: %v", method, path, text, err)
	}
}
