package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

func TestHandlerAnswers(t *testing.T) {
	const (
		accepts = "accepts"
		fails   = "fails"
		unasked = "is not asked"
	)
	stale := delivery(docsBody)
	forged := delivery(docsBody)
	forged.Header.Set("X-Pusher-Signature", strings.Repeat("0", 64))
	stranger := delivery(docsBody)
	stranger.Header.Set("X-Pusher-Key", "stranger")
	broken := delivery(docsBody)
	broken.Body = http.NoBody
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
		receiver string
		opts     []webhook.Option
		want     int
		logged   string // nothing when empty
	}{
		{"a genuine delivery", delivery(docsBody), accepts, nil, http.StatusOK, ""},
		{"a receiver that fails, so that Pusher sends it again", delivery(docsBody), fails, nil,
			http.StatusInternalServerError, "level=ERROR msg=\"webhook failed\" reason=\"the database is away\""},
		{"a forged signature", forged, unasked, nil, http.StatusUnauthorized, "level=WARN msg=\"webhook refused\" reason=\"webhook: bad signature"},
		{"an unknown key", stranger, unasked, nil, http.StatusUnauthorized, "reason=\"webhook: unknown key"},
		{"a body that is missing", broken, unasked, nil, http.StatusUnauthorized, "reason=\"webhook: bad signature"},
		{"a webhook that is too old", stale, unasked, []webhook.Option{webhook.WithMaxAge(time.Hour)}, http.StatusUnauthorized, "reason=\"webhook: too old"},
		{"a body that is no webhook", delivery("hello"), unasked, nil, http.StatusBadRequest, "reason=\"webhook: malformed body"},
		{"a body that breaks off", brokenOff, unasked, nil, http.StatusBadRequest, "connection reset"},
		{"a body that is too large", delivery(docsBody), unasked, []webhook.Option{webhook.WithMaxBytes(10)}, http.StatusRequestEntityTooLarge, "reason=\"webhook: body too large"},
		{"GET", withMethod(http.MethodGet), unasked, nil, http.StatusMethodNotAllowed, ""},
		{"PUT", withMethod(http.MethodPut), unasked, nil, http.StatusMethodNotAllowed, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			asked := false
			handler := newVerifier(t, append(test.opts, webhook.WithLogger(textLogger(&log)))...).
				Handler(func(context.Context, *webhook.Webhook) error {
					asked = true
					if test.receiver == fails {
						return errors.New("the database is away")
					}
					return nil
				})
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, test.r)

			if recorder.Code != test.want {
				t.Errorf("status = %d, want %d", recorder.Code, test.want)
			}
			if want := test.receiver != unasked; asked != want {
				t.Errorf("receiver called: %t, want %t", asked, want)
			}
			if got := log.String(); !strings.Contains(got, test.logged) || (test.logged == "") != (got == "") {
				t.Errorf("log = %q, want %q in it", got, test.logged)
			}
			wantBody := ""
			if test.want != http.StatusOK {
				wantBody = http.StatusText(test.want) + "\n"
			}
			if got := recorder.Body.String(); got != wantBody {
				t.Errorf("the sender is told %q, want %q", got, wantBody)
			}
			wantAllow := ""
			if test.want == http.StatusMethodNotAllowed {
				wantAllow = http.MethodPost
			}
			if got := recorder.Header().Get("Allow"); got != wantAllow {
				t.Errorf("Allow = %q, want %q", got, wantAllow)
			}
		})
	}
}

func TestHandlerHandsOverTheWebhookAndTheContext(t *testing.T) {
	type contextKey struct{}
	want := &webhook.Webhook{Time: docsTime, Events: []webhook.Event{webhook.ChannelOccupied{Channel: "my-channel"}}}
	handler := newVerifier(t).Handler(func(ctx context.Context, got *webhook.Webhook) error {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the handler hands over %#v, want %#v", got, want)
		}
		if got := ctx.Value(contextKey{}); got != "value" {
			t.Errorf("the context's value = %v, want that of the request", got)
		}
		return nil
	})
	r := delivery(docsBody)
	handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), contextKey{}, "value")))
}

func TestHandlerClosesTheConnectionOfAnEndlessBody(t *testing.T) {
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

func TestHandlerLetsAPanicThrough(t *testing.T) {
	handler := newVerifier(t).Handler(func(context.Context, *webhook.Webhook) error { panic("receiver") })
	defer func() {
		if got := recover(); got != "receiver" {
			t.Errorf("ServeHTTP panics with %v, want the receiver's own panic", got)
		}
	}()
	handler.ServeHTTP(httptest.NewRecorder(), delivery(docsBody))
}

func TestHandlerNeedsAFunction(t *testing.T) {
	verifier := newVerifier(t)
	defer func() {
		if recover() == nil {
			t.Error("Handler(nil) returned, want a panic")
		}
	}()
	verifier.Handler(nil)
}
