package control_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/control"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// The log of a server whose terminal shows everything.
func benchLog() slog.Handler {
	return slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})
}

// BenchmarkTrigger triggers an event on a server that can be controlled, and that nobody
// controls.
func BenchmarkTrigger(b *testing.B) {
	apps := control.NewApps(benchLog(), 0)
	defer apps.Close()
	if err := apps.Add(testApp); err != nil {
		b.Fatal(err)
	}
	benchTrigger(b, apps)
	b.ReportMetric(1.1, "max-ratio")
}

// BenchmarkTriggerFloor does the same with package pushertest alone.
func BenchmarkTriggerFloor(b *testing.B) {
	server, err := pushertest.New(pushertest.WithApp(testApp), pushertest.WithLogger(slog.New(benchLog())), pushertest.WithMaxEvents(1000))
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	benchTrigger(b, server)
}

func benchTrigger(b *testing.B, handler http.Handler) {
	b.Helper()
	signer, err := signing.New(testApp.Key, testApp.Secret)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/apps/1/events", strings.NewReader(`{"name":"foo","channels":["project-3"],"data":"{}"}`))
		if err := signer.Edit(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("status %d %s", w.Code, w.Body)
		}
	}
}
