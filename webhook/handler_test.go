package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

func TestVerifier_Handler(t *testing.T) {
	const (
		succeeds  = "succeeds"
		fails     = "fails"
		notCalled = "is not called"
	)
	stale := delivery(docsBody)
	modified := delivery(docsBody)
	modified.Header.Set("X-Pusher-Signature", strings.Repeat("0", 64))
	unknown := delivery(docsBody)
	unknown.Header.Set("X-Pusher-Key", "unknown")
	empty := delivery(docsBody)
	empty.Body = http.NoBody
	brokenOff := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(errors.New("connection reset")))
	brokenOff.Header = signed(docsBody)
	withMethod := func(method string) *http.Request {
		r := delivery(docsBody)
		r.Method = method
		return r
	}
	tests := []struct {
		name     string
		r        *http.Request
		function string
		opts     []webhook.Option
		want     int
		logged   string // empty: no log line
	}{
		{"valid", delivery(docsBody), succeeds, nil, http.StatusOK, ""},
		{"function that fails", delivery(docsBody), fails, nil,
			http.StatusInternalServerError, "level=ERROR msg=\"webhook handler failed\" id=" + docsID + " error=\"the database is down\""},
		{"wrong signature", modified, notCalled, nil, http.StatusUnauthorized, "level=WARN msg=\"webhook rejected\" error=\"webhook: invalid signature"},
		{"unknown key", unknown, notCalled, nil, http.StatusUnauthorized, "error=\"webhook: unknown key"},
		{"missing body", empty, notCalled, nil, http.StatusUnauthorized, "error=\"webhook: invalid signature: body is empty"},
		{"too old", stale, notCalled, []webhook.Option{webhook.WithMaxAge(time.Hour)}, http.StatusUnauthorized, "error=\"webhook: too old"},
		{"malformed body", delivery("hello"), notCalled, nil, http.StatusBadRequest, "error=\"webhook: malformed body"},
		{"connection that breaks", brokenOff, notCalled, nil, http.StatusBadRequest, "connection reset"},
		{"body too large", delivery(docsBody), notCalled, []webhook.Option{webhook.WithMaxBytes(10)}, http.StatusRequestEntityTooLarge, "error=\"webhook: too large"},
		{"GET", withMethod(http.MethodGet), notCalled, nil, http.StatusMethodNotAllowed, ""},
		{"PUT", withMethod(http.MethodPut), notCalled, nil, http.StatusMethodNotAllowed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			called := false
			handler := newVerifier(t, append(tt.opts, webhook.WithLogger(textLogger(&log)))...).
				Handler(func(context.Context, *webhook.Webhook) error {
					called = true
					if tt.function == fails {
						return errors.New("the database is down")
					}
					return nil
				})
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, tt.r)

			if recorder.Code != tt.want {
				t.Errorf("status = %d, want %d", recorder.Code, tt.want)
			}
			if want := tt.function != notCalled; called != want {
				t.Errorf("function called: %t, want %t", called, want)
			}
			if got := log.String(); !strings.Contains(got, tt.logged) || (tt.logged == "") != (got == "") {
				t.Errorf("log = %q, want a line that contains %q", got, tt.logged)
			}
			wantBody := ""
			if tt.want != http.StatusOK {
				wantBody = http.StatusText(tt.want) + "\n"
			}
			if got := recorder.Body.String(); got != wantBody {
				t.Errorf("response body = %q, want %q", got, wantBody)
			}
			wantAllow := ""
			if tt.want == http.StatusMethodNotAllowed {
				wantAllow = http.MethodPost
			}
			if got := recorder.Header().Get("Allow"); got != wantAllow {
				t.Errorf("Allow = %q, want %q", got, wantAllow)
			}
		})
	}
}

func TestVerifier_Handler_Arguments(t *testing.T) {
	type contextKey struct{}
	want := []webhook.Event{webhook.ChannelOccupied{Channel: "my-channel"}}
	handler := newVerifier(t).Handler(func(ctx context.Context, got *webhook.Webhook) error {
		if !reflect.DeepEqual(got.Events, want) || got.Time != docsTime {
			t.Errorf("the function received %#v, want %#v", got, want)
		}
		if got := ctx.Value(contextKey{}); got != "value" {
			t.Errorf("the context has the value %v, want the value of the request's context", got)
		}
		return nil
	})
	r := delivery(docsBody)
	handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), contextKey{}, "value")))
}

func TestVerifier_Handler_HostileLogText(t *testing.T) {
	text := "line 1\nline 2\x1b[31m\x00 \xff " + docsSignature + " " + strings.Repeat("x", 1<<20)
	const wantStart, wantEnd = "line 1 line 2 [31m \uFFFD [REDACTED] xxx", "x…"
	tests := []struct {
		name string
		read error // of the body
		fail error // of the function
	}{
		{"error of the body", errors.New(text), nil},
		{"error of the function", nil, errors.New(text)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := delivery(docsBody)
			if tt.read != nil {
				r.Body = io.NopCloser(iotest.ErrReader(tt.read))
			}
			var log bytes.Buffer
			logger := slog.New(slog.NewJSONHandler(&log, nil))
			newVerifier(t, webhook.WithLogger(logger)).
				Handler(func(context.Context, *webhook.Webhook) error { return tt.fail }).
				ServeHTTP(httptest.NewRecorder(), r)

			var line struct{ Error string }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("log = %.1000q, want one line of JSON: %v", log.String(), err)
			}
			got := strings.TrimPrefix(line.Error, "webhook: reading the body: ")
			if !strings.HasPrefix(got, wantStart) || !strings.HasSuffix(got, wantEnd) || len(line.Error) > 500 {
				t.Errorf("logged error = %.1000q (%d bytes), want %q ... %q of at most 500 bytes", got, len(line.Error), wantStart, wantEnd)
			}
		})
	}
}

func TestVerifier_Handler_DefaultLogger(t *testing.T) {
	handler := newVerifier(t).Handler(func(context.Context, *webhook.Webhook) error { return nil })
	defer slog.SetDefault(slog.Default())
	var log bytes.Buffer
	slog.SetDefault(textLogger(&log))
	handler.ServeHTTP(httptest.NewRecorder(), delivery("{}"))
	if !strings.Contains(log.String(), "webhook rejected") {
		t.Errorf("log = %s, want that the logger set after New is used", &log)
	}
}

func TestVerifier_Handler_ClosesConnection(t *testing.T) {
	handler := newVerifier(t, webhook.WithMaxBytes(1000), webhook.WithLogger(textLogger(new(bytes.Buffer)))).
		Handler(func(context.Context, *webhook.Webhook) error { return nil })
	server := httptest.NewServer(handler)
	defer server.Close()

	r, err := http.NewRequest(http.MethodPost, server.URL, unannounced{strings.NewReader(strings.Repeat(" ", 2000))})
	if err != nil {
		t.Fatal(err)
	}
	r.Header = signed(docsBody)
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
		t.Errorf("status = %d, connection closed: %t, want %d and a closed connection",
			response.StatusCode, response.Close, http.StatusRequestEntityTooLarge)
	}
}

func TestVerifier_Handler_Panic(t *testing.T) {
	handler := newVerifier(t).Handler(func(context.Context, *webhook.Webhook) error { panic("handler") })
	defer func() {
		if got := recover(); got != "handler" {
			t.Errorf("ServeHTTP panicked with %v, want the panic of the function", got)
		}
	}()
	handler.ServeHTTP(httptest.NewRecorder(), delivery(docsBody))
}

func TestVerifier_Handler_Nil(t *testing.T) {
	verifier := newVerifier(t)
	defer func() {
		if recover() == nil {
			t.Error("Handler(nil) returned, want a panic")
		}
	}()
	verifier.Handler(nil)
}
