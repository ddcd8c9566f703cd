package pusher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// newClient returns a client for app that logs nothing and, unless an option says
// otherwise, does not retry.
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

// serve returns a client of a server that reads each request completely and then calls
// the handler.
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

// serveRaw returns a client of a server that responds to the first request of each
// connection with these bytes, which need not be HTTP, and closes the connection.
func serveRaw(t testing.TB, raw string, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("Hijack: %v", err)
			return
		}
		_, _ = io.WriteString(conn, raw) // the client may have disconnected
		_ = conn.Close()
	}, opts...)
}

// respond returns a handler that always sends the same response, without Content-Type
// if contentType is empty.
func respond(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // fails for a 204
	}
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// over makes a client send its requests with f.
func over(f roundTrip) pusher.Option {
	return pusher.WithHTTPClient(&http.Client{Transport: f})
}

// response returns a response for an http.RoundTripper.
func response(status int, body string, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// verify returns the body of a request, or an error if its signature is not valid at
// the given time.
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

// An operation is a call that sends a request.
type operation struct {
	name        string // Error.Op
	publishes   bool   // a 2xx status suffices for success
	call        func(context.Context, *pusher.Client) (any, error)
	emptyResult any // the result of a publish whose response is empty
}

// operations returns all of them, including those of the generated client.
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
			return c.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}})
		}, nil},
		{"ChannelInfo", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			return c.ChannelInfo(ctx, "presence-c", pusher.UserCount, pusher.SubscriptionCount, pusher.Cache)
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
			resp, err := c.API().TriggerEventWithResponse(ctx, c.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"})
			return model(resp, err, func() any { return resp.JSON200 })
		}, &gen.TriggerResult{}},
		{"POST /apps/3/batch_events", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().TriggerBatchWithResponse(ctx, c.AppID(), gen.BatchRequest{})
			return model(resp, err, func() any { return resp.JSON200 })
		}, &gen.BatchResult{}},
		{"POST /apps/3/users/7/terminate_connections", true, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().TerminateUserConnectionsWithResponse(ctx, c.AppID(), "7", gen.TerminateRequest{})
			return model(resp, err, func() any { return resp.JSON200 })
		}, &gen.TerminateResult{}},
		{"GET /apps/3/channels", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().ListChannelsWithResponse(ctx, c.AppID(), nil)
			return model(resp, err, func() any { return resp.JSON200 })
		}, nil},
		{"GET /apps/3/channels/presence-c", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().GetChannelWithResponse(ctx, c.AppID(), "presence-c", nil)
			return model(resp, err, func() any { return resp.JSON200 })
		}, nil},
		{"GET /apps/3/channels/presence-c/users", false, func(ctx context.Context, c *pusher.Client) (any, error) {
			resp, err := c.API().ListChannelUsersWithResponse(ctx, c.AppID(), "presence-c")
			return model(resp, err, func() any { return resp.JSON200 })
		}, nil},
	}
}

// model returns the result that the generated client decoded.
func model[T any](resp *T, err error, decoded func() any) (any, error) {
	if err != nil || resp == nil {
		return nil, err
	}
	return decoded(), nil
}

// operationNamed returns the operation with that name.
func operationNamed(t testing.TB, name string) operation {
	t.Helper()
	for _, op := range operations() {
		if op.name == name {
			return op
		}
	}
	t.Fatalf("unknown operation %q", name)
	return operation{}
}

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

// noContext is nil. Linters reject a literal nil context.
var noContext context.Context

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

func (l *logs) option() pusher.Option {
	return pusher.WithLogger(slog.New(slog.NewTextHandler(l, nil)))
}

// lines returns the lines of a level.
func (l *logs) lines(level slog.Level) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.buffer.String()) {
		if strings.Contains(line, "level="+level.String()) {
			found = append(found, line)
		}
	}
	return found
}

// sent is a request that a server received.
type sent struct {
	method, path, query, contentType, library string
	contentLength                             int64
	body                                      string
}

// recordingServer returns a client of a server that accepts every request with a valid
// signature, and the last request.
func recordingServer(t *testing.T, opts ...pusher.Option) (*pusher.Client, *sent) {
	t.Helper()
	return recordingServerAt(t, "", opts...)
}

// recordingServerAt is like recordingServer with a path in front of /apps.
func recordingServerAt(t *testing.T, prefix string, opts ...pusher.Option) (*pusher.Client, *sent) {
	t.Helper()
	secret := signing.NewSecret(app.Secret)
	last := &sent{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = signing.Verify(r, body, func(string) *signing.Secret { return secret }, time.Time{})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		path, query, _ := strings.Cut(r.RequestURI, "?")
		*last = sent{
			method: r.Method, path: path, query: withoutAuthParameters(query), body: string(body), contentLength: r.ContentLength,
			contentType: r.Header.Get("Content-Type"), library: r.Header.Get("X-Pusher-Library"),
		}
		_, _ = io.WriteString(w, `{"channels":{},"occupied":false,"users":[]}`)
	}))
	t.Cleanup(server.Close)
	client, err := pusher.New(app, append([]pusher.Option{pusher.WithBaseURL(server.URL + prefix)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, last
}

// withoutAuthParameters returns the unescaped query without the parameters of the
// signature.
func withoutAuthParameters(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "auth_") && !strings.HasPrefix(pair, "body_md5=") {
			text, err := url.QueryUnescape(pair)
			if err != nil {
				text = err.Error()
			}
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, "&")
}

// A requestTest is a call and the request it sends.
type requestTest struct {
	name                      string
	call                      func(*pusher.Client) error
	method, path, query, body string // query without the parameters of the signature
}

// testRequests checks that each call sends the expected request, with and without a path
// in front of /apps. Such a path may contain escapes and /apps itself.
func testRequests(t *testing.T, tests []requestTest) {
	t.Helper()
	for _, prefix := range []string{"", "/realtime", "/caf%C3%A9%20a", "/apps/v1"} {
		for _, tt := range tests {
			t.Run(tt.name+prefix, func(t *testing.T) {
				client, last := recordingServerAt(t, prefix)
				if err := tt.call(client); err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				if last.method != tt.method || last.path != prefix+tt.path || last.query != tt.query {
					t.Errorf("%s sent %s %s with %q, want %s %s with %q", tt.name, last.method, last.path, last.query, tt.method, prefix+tt.path, tt.query)
				}
				sameJSON(t, last.body, tt.body)
				if tt.method == "POST" && last.contentType != "application/json" {
					t.Errorf("%s sent Content-Type %q, want application/json", tt.name, last.contentType)
				}
				if last.contentLength != int64(len(last.body)) || last.library != "pusher-go "+pusher.Version {
					t.Errorf("%s sent length %d for %d bytes as %q", tt.name, last.contentLength, len(last.body), last.library)
				}
			})
		}
	}
}

// An argumentTest is a call with an invalid argument and the error it returns.
type argumentTest struct {
	name string
	call func(*pusher.Client) error
	want error
}

// testInvalidArguments checks that each call fails without sending anything.
func testInvalidArguments(t *testing.T, tests []argumentTest) {
	t.Helper()
	client, last := recordingServer(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(client)
			var typed *pusher.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &typed) {
				t.Fatalf("%s = %v, want %v in a *pusher.Error", tt.name, err, tt.want)
			}
			if typed.Op == "" || typed.Status != 0 || *last != (sent{}) {
				t.Errorf("%s: op %q, status %d, sent %+v; want an op, no status and nothing sent", tt.name, typed.Op, typed.Status, *last)
			}
		})
	}
}

// sameJSON fails the test unless both texts are the same JSON value, or both empty.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	if want == "" {
		if got != "" {
			t.Errorf("the body is %s, want none", got)
		}
		return
	}
	var gotValue, wantValue any
	if err := errors.Join(json.Unmarshal([]byte(got), &gotValue), json.Unmarshal([]byte(want), &wantValue)); err != nil {
		t.Fatalf("%v in %s or %s", err, got, want)
	}
	if !reflect.DeepEqual(gotValue, wantValue) {
		t.Errorf("the body is\n%s\nwant\n%s", got, want)
	}
}
