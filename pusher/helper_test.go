package pusher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

var app = pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}

// noContext is nil. Linters reject a literal nil context.
var noContext context.Context

// newClient returns a client for app that logs nothing and, unless an option changes
// it, does not retry.
func newClient(t testing.TB, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	quiet := []pusher.Option{pusher.WithLogger(slog.New(slog.DiscardHandler)), pusher.WithRetry(pusher.Retry{Attempts: 1})}
	client, err := pusher.New(app, append(quiet, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// verify returns the body of a request, or an error if its signature is not valid at
// the given time. The zero time accepts every timestamp.
func verify(r *http.Request, at time.Time) (string, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return "", err
		}
	}
	if at.IsZero() {
		seconds, err := strconv.ParseInt(r.URL.Query().Get("auth_timestamp"), 10, 64)
		if err != nil {
			return "", err
		}
		at = time.Unix(seconds, 0)
	}
	secretOf := func(key string) *signing.Secret {
		if key != app.Key {
			return nil
		}
		return signing.NewSecret(app.Secret)
	}
	return string(body), signing.Verify(r, body, secretOf, at)
}

// errorOf returns the error of a call whose value does not matter.
func errorOf[T any](_ T, err error) error { return err }

// wantError describes an expected *pusher.Error.
type wantError struct {
	Op         string
	Kind       error
	Status     int
	Message    string
	RetryAfter time.Duration
}

// sameError fails the test unless got is an *Error with the fields of want. The text
// of Err is not compared.
func sameError(t testing.TB, call string, got error, want wantError) {
	t.Helper()
	var e *pusher.Error
	switch {
	case !errors.As(got, &e):
		t.Errorf("%s = %T: %v\nwant %+v", call, got, got, want)
	case e.Op != want.Op || e.Status != want.Status || e.Message != want.Message || e.RetryAfter != want.RetryAfter,
		want.Kind != nil && !errors.Is(got, want.Kind):
		t.Errorf("%s = %+v\nwant %+v", call, got, want)
	}
}

// kindOf returns the most specific sentinel that err is, or nil.
func kindOf(err error) error {
	for _, kind := range []error{
		pusher.ErrTooLarge, pusher.ErrAttributeDisabled, pusher.ErrInvalid, pusher.ErrConfiguration,
		pusher.ErrUnknownKey, pusher.ErrClockSkew, pusher.ErrAuthentication, pusher.ErrForbidden, pusher.ErrNotFound,
		pusher.ErrRateLimited, pusher.ErrServer, pusher.ErrTLS, pusher.ErrTransport, pusher.ErrQueueFull, pusher.ErrClosed,
	} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// equalJSON reports whether the JSON encoding of got equals want, regardless of the
// order of fields and of white space.
func equalJSON(t testing.TB, got any, want json.RawMessage) bool {
	t.Helper()
	written, err := json.Marshal(got)
	var gotValue, wantValue any
	if err := errors.Join(err, json.Unmarshal(written, &gotValue), json.Unmarshal(want, &wantValue)); err != nil {
		t.Fatalf("comparing %+v with %s: %v", got, want, err)
	}
	return reflect.DeepEqual(gotValue, wantValue)
}

// logs collects the lines that a client logs.
type logs struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(line)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// option makes a client log all levels.
func (l *logs) option() pusher.Option {
	return pusher.WithLogger(slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// lines returns the lines of a level.
func (l *logs) lines(level slog.Level) (found []string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, "level="+level.String()) {
			found = append(found, line)
		}
	}
	return found
}
