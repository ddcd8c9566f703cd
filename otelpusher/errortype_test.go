package otelpusher_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// The error.type of an operation that fails in each of the ways that the package
// comment lists.
func TestErrorType(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		prepare func(*httptest.Server) // before the call
		cancel  bool
		want    string
	}{
		{name: "error response", want: "429", handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }},
		{name: "redirect", want: "301", handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusMovedPermanently) }},
		{name: "error under status 200", want: "404", handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"error":"unknown app","code":404}`)
		}},
		{name: "canceled by the caller", want: "canceled", cancel: true},
		{name: "no response in time", want: "timeout", handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{name: "connection refused", want: "no_response", prepare: func(s *httptest.Server) { s.Close() }},
		{name: "plain HTTP instead of TLS", want: "tls", prepare: func(s *httptest.Server) { s.URL = "https" + s.URL[len("http"):] }},
		{name: "response of another service", want: "invalid_response", handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html><title>Welcome</title></html>")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			recorded := newTelemetry()
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			if tt.prepare != nil {
				tt.prepare(server)
			}
			client := newClient(t, server, recorded.observer(),
				pusher.WithRetry(pusher.Retry{Attempts: 1}), pusher.WithTimeout(50*time.Millisecond))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if tt.cancel {
				cancel()
			}
			if _, err := client.Channels(ctx, pusher.ChannelsParams{}); err == nil {
				t.Fatal("Channels returned no error")
			}
			checkErrorTypes(t, recorded, tt.want)
		})
	}
}

func TestErrorType_Hook(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"invalid request", pusher.ErrInvalid, "invalid_request"},
		{"unknown error", errors.New("something else"), "_OTHER"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			recorded := newTelemetry()
			batch(recorded.observer(), nil, tt.err)
			checkErrorTypes(t, recorded, tt.want)
		})
	}
}

func checkErrorTypes(t *testing.T, recorded telemetry, want string) {
	t.Helper()
	for _, span := range recorded.spans.Ended() {
		got := ""
		for _, attr := range span.Attributes() {
			if attr.Key == "error.type" {
				got = attr.Value.AsString()
			}
		}
		if got != want {
			t.Errorf("error.type of span %q is %q, want %q", span.Name(), got, want)
		}
	}
}
