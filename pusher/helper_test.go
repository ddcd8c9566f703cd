package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// newClient returns a client of the app that logs nothing and, unless an option
// says otherwise, sends every request once.
func newClient(t testing.TB, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	quiet := []pusher.Option{
		pusher.WithLogger(slog.New(slog.DiscardHandler)),
		pusher.WithRetry(pusher.Retry{Attempts: 1}),
	}
	client, err := pusher.New(app, append(quiet, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// serve returns a client of a server that reads each request whole and then
// lets the handler answer it.
func serve(t testing.TB, handler http.HandlerFunc, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("the server could not read a request: %v", err)
		}
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return newClient(t, append([]pusher.Option{pusher.WithBaseURL(server.URL)}, opts...)...)
}

// serveRaw returns a client of a server that answers each connection's first
// request with these bytes, which need not be HTTP, and hangs up.
func serveRaw(t testing.TB, answer string, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("Hijack: %v", err)
			return
		}
		_, _ = io.WriteString(conn, answer) // the client may have gone
		_ = conn.Close()
	}, opts...)
}

// answer is a handler that always answers the same. An empty content type sends
// none.
func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a 204 has none
	}
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// over makes a client send its requests through f.
func over(f roundTrip) pusher.Option {
	return pusher.WithHTTPClient(&http.Client{Transport: f})
}

// response is an answer without a wire.
func response(status int, body string, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// verify tells whether the request is rightly signed at a time, and returns its
// body.
func verify(r *http.Request, at time.Time) (string, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return "", err
		}
	}
	secret := signing.NewSecret(app.Secret)
	secretOf := func(key string) *signing.Secret {
		if key != app.Key {
			return nil
		}
		return secret
	}
	return string(body), signing.Verify(r, body, secretOf, at)
}

// An operation is one way to make the client send a request.
type operation struct {
	name      string // as its errors have it
	publishes bool   // a 2xx alone says that all is done
	call      func(context.Context, *pusher.Client) (any, error)
	nothing   any // the result of a publish that was told no more than "accepted"
}

// operations are all of them, those of the generated client included.
func operations() []operation {
	event := pusher.Event{Channel: "presence-c", Name: "e", Data: "d"}
	return []operation{
		{"Trigger", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Trigger(ctx, "presence-c", "e", "d")
		}, &pusher.TriggerResult{}},
		{"TriggerMulti", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.TriggerMulti(ctx, []string{"a", "b"}, "e", "d", pusher.WithInfo(pusher.UserCount))
		}, &pusher.TriggerResult{}},
		{"TriggerBatch", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.TriggerBatch(ctx, []pusher.Event{event, event})
		}, &pusher.BatchResult{}},
		{"SendToUser", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return nil, c.SendToUser(ctx, "7", "e", "d")
		}, nil},
		{"TerminateUserConnections", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return nil, c.TerminateUserConnections(ctx, "7")
		}, nil},
		{"Channels", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Channels(ctx, pusher.ChannelsParams{})
		}, nil},
		{"ChannelInfo", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.ChannelInfo(ctx, "presence-c", pusher.UserCount)
		}, nil},
		{"ChannelUsers", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.ChannelUsers(ctx, "presence-c")
		}, nil},
		{"Get", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Get(ctx, "/things", nil)
		}, nil},
		{"Post", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.Post(ctx, "/things", nil)
		}, json.RawMessage("{}")},
		{"POST /apps/3/events", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			answer, err := c.API().TriggerEventWithResponse(ctx, c.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"})
			return model(answer, err, func() any { return answer.JSON200 })
		}, &gen.TriggerResult{}},
		{"POST /apps/3/batch_events", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			answer, err := c.API().TriggerBatchWithResponse(ctx, c.AppID(), gen.BatchRequest{})
			return model(answer, err, func() any { return answer.JSON200 })
		}, &gen.BatchResult{}},
		{"POST /apps/3/users/7/terminate_connections", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			answer, err := c.API().TerminateUserConnectionsWithResponse(ctx, c.AppID(), "7", gen.TerminateRequest{})
			return model(answer, err, func() any { return answer.JSON200 })
		}, &gen.TerminateResult{}},
		{"GET /apps/3/channels", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			answer, err := c.API().ListChannelsWithResponse(ctx, c.AppID(), nil)
			return model(answer, err, func() any { return answer.JSON200 })
		}, nil},
		{"GET /apps/3/channels/presence-c", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			answer, err := c.API().GetChannelWithResponse(ctx, c.AppID(), "presence-c", nil)
			return model(answer, err, func() any { return answer.JSON200 })
		}, nil},
		{"GET /apps/3/channels/presence-c/users", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			answer, err := c.API().ListChannelUsersWithResponse(ctx, c.AppID(), "presence-c")
			return model(answer, err, func() any { return answer.JSON200 })
		}, nil},
	}
}

// model is what the generated client has decoded.
func model[T any](answer *T, err error, decoded func() any) (any, error) {
	if err != nil || answer == nil {
		return nil, err
	}
	return decoded(), nil
}

// named is the operation of that name.
func named(t testing.TB, name string) operation {
	t.Helper()
	for _, op := range operations() {
		if op.name == name {
			return op
		}
	}
	t.Fatalf("there is no operation %q", name)
	return operation{}
}

// sameError fails the test unless got is an *Error with all that want says. The
// words of Err are not compared.
func sameError(t testing.TB, call string, got error, want pusher.Error) {
	t.Helper()
	show := func(e *pusher.Error) string {
		return fmt.Sprintf("Op %q, Kind %v, Status %d, Message %q, RetryAfter %v", e.Op, e.Kind, e.Status, e.Message, e.RetryAfter)
	}
	var e *pusher.Error
	switch {
	case got == nil:
		t.Errorf("%s = no error\nwant %s", call, show(&want))
	case !errors.As(got, &e):
		t.Errorf("%s = %T: %v\nwant %s", call, got, got, show(&want))
	case show(e) != show(&want) || !errors.Is(got, want.Kind):
		t.Errorf("%s = %s\nwant %s", call, show(e), show(&want))
	}
}
