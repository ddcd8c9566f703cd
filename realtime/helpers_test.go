package realtime_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

var quiet = realtime.WithLogger(slog.New(slog.DiscardHandler))

const masterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

// limit is how long tests wait for anything: longer if the clock is fake, which starts
// in the year 2000.
func limit() time.Duration {
	if time.Now().Year() < 2010 {
		return time.Hour
	}
	return 20 * time.Second
}

// A testServer is a pushertest.Server with a client that publishes.
type testServer struct {
	*pushertest.Server
	*pusher.Client
	authorizer *auth.Authorizer
}

func newServer(t testing.TB, opts ...pushertest.Option) testServer {
	t.Helper()
	server := pushertest.NewServer(opts...)
	t.Cleanup(server.Close)
	client, err := pusher.NewFromURL(server.PusherURL(),
		pusher.WithEncryptionMasterKey(masterKey),
		pusher.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	noError(t, "pusher.NewFromURL", err)
	return testServer{server, client, newAuthorizer(t, server.App(), masterKey)}
}

func newAuthorizer(t testing.TB, app pushertest.App, masterKey string) *auth.Authorizer {
	t.Helper()
	authorizer, err := auth.New(app.Key, app.Secret, auth.WithEncryptionMasterKey(masterKey))
	noError(t, "auth.New", err)
	return authorizer
}

func (s testServer) url() string { return s.URL + "/app/" + s.App().Key }

// connect connects to the server. The connection authorizes itself unless opts say
// otherwise, and is closed at the end of the test.
func (s testServer) connect(t testing.TB, opts ...realtime.Option) *realtime.Conn {
	t.Helper()
	return connect(t, s.url(), append([]realtime.Option{realtime.WithAuthorizer(s.authorizer)}, opts...)...)
}

func connect(t testing.TB, url string, opts ...realtime.Option) *realtime.Conn {
	t.Helper()
	opts = append([]realtime.Option{
		quiet,
		realtime.WithBackoff(time.Millisecond, 20*time.Millisecond),
	}, opts...)
	conn, err := realtime.Connect(t.Context(), url, opts...)
	noError(t, "Connect", err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func subscribe(t testing.TB, conn *realtime.Conn, name string, opts ...realtime.SubscribeOption) *realtime.Channel {
	t.Helper()
	channel, err := conn.Subscribe(t.Context(), name, opts...)
	noError(t, "Subscribe", err)
	return channel
}

// trigger publishes an event with data that is sent as it is.
func (s testServer) trigger(t testing.TB, channel, event, data string) {
	t.Helper()
	_, err := s.Trigger(t.Context(), channel, event, data)
	noError(t, "Trigger", err)
}

// A reader is a Channel or a Conn.
type reader interface {
	Next(context.Context) (realtime.Event, error)
}

// next returns the next event of one of these kinds.
func next(t testing.TB, r reader, kinds ...realtime.Kind) realtime.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit())
	defer cancel()
	for {
		event, err := r.Next(ctx)
		noError(t, "Next", err)
		for _, kind := range kinds {
			if event.Kind == kind {
				return event
			}
		}
	}
}

// nextError returns the error that ends a stream.
func nextError(t testing.TB, r reader) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit())
	defer cancel()
	for {
		if _, err := r.Next(ctx); err != nil {
			return err
		}
	}
}

func noError(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// wantError checks that err is an *Error of this kind.
func wantError(t testing.TB, err, kind error) *realtime.Error {
	t.Helper()
	var e *realtime.Error
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		t.Fatalf("got error %v, want an *Error that is %v", err, kind)
	}
	return e
}

func newPublisher(pusherURL string) (*pusher.Client, error) {
	return pusher.NewFromURL(pusherURL, pusher.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
}

// webSocketURL returns the URL of the app for subscribers.
func webSocketURL(pusherURL string) string {
	u, err := url.Parse(pusherURL)
	if err != nil {
		panic(err)
	}
	return "ws://" + u.Host + "/app/" + u.User.Username()
}
