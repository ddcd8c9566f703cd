//go:build interop

package interop_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

// An environment is a server with one app: a client of package pusher and the
// backend of the app on one side, clients of pusher-js on the other.
type environment struct {
	url      string // base URL of the server
	app      pusher.Credentials
	client   *pusher.Client
	backend  *backend
	pusherJS *script
}

func newClient(t testing.TB, url string, app pusher.Credentials, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	client, err := pusher.New(app, append(opts,
		pusher.WithBaseURL(url),
		pusher.WithEncryptionMasterKey(masterKey),
		pusher.WithTimeout(timeout),
		pusher.WithRetry(pusher.Retry{Attempts: 1}), // a retry would hide an error
		pusher.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))),
	)...)
	if err != nil {
		t.Fatalf("pusher.New: %v", err)
	}
	return client
}

// Channels that the backend treats in a special way.
const (
	signedInChannel    = "presence-signed-in" // its members have the ID of the signed-in user
	privateDataChannel = "private-with-data"  // its authorization contains channel_data
)

// A backend is the part of an app that browsers and the server send requests to. It
// authorizes channels at /pusher/auth, authenticates users at /pusher/user-auth and
// receives webhooks at /webhook. The user is the one in the query, unlike in a real
// app, which must identify the sender.
type backend struct {
	*httptest.Server
	requests *eventLog[string] // path of each request
	webhooks *eventLog[webhook.Event]
}

func newBackend(t *testing.T, app pusher.Credentials) *backend {
	t.Helper()
	b := &backend{requests: newEventLog[string](), webhooks: newEventLog[webhook.Event]()}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	authorizer, err := auth.New(app.Key, app.Secret, auth.WithEncryptionMasterKey(masterKey), auth.WithLogger(logger))
	if err != nil {
		t.Fatalf("auth.New: %v", err)
	}
	verifier, err := webhook.New(app.Key, app.Secret, webhook.WithEncryptionMasterKey(masterKey), webhook.WithLogger(logger))
	if err != nil {
		t.Fatalf("webhook.New: %v", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/pusher/auth", authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		user := r.URL.Query().Get("user")
		switch request.Channel {
		case "private-not-for-" + user:
			return nil, auth.ErrForbidden
		case privateDataChannel:
			return &auth.Member{PrivateData: map[string]string{"plan": "<pro> & Zoë"}}, nil
		case signedInChannel:
			return &auth.Member{SignedIn: true}, nil
		}
		return &auth.Member{UserID: user, UserInfo: map[string]string{"name": "Name of " + user}}, nil
	}))
	mux.Handle("/pusher/user-auth", authorizer.UserHandler(func(r *http.Request) (*auth.User, error) {
		user := r.URL.Query().Get("user")
		return &auth.User{ID: user, Watchlist: []string{"friend-of-" + user}}, nil
	}))
	mux.Handle("/webhook", verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
		b.webhooks.add(hook.Events...)
		return nil
	}))
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.requests.add(r.URL.Path)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

// expectWebhook waits until the backend has received the event.
func (env *environment) expectWebhook(t *testing.T, want webhook.Event) {
	t.Helper()
	if _, err := env.backend.webhooks.wait(t.Context(), func(_ int, got webhook.Event) bool { return reflect.DeepEqual(got, want) }); err != nil {
		all, _ := env.backend.webhooks.all()
		for _, event := range all {
			t.Logf("received webhook %#v", event)
		}
		t.Fatalf("wait for webhook %#v: %v", want, err)
	}
}

// hasWebhook reports whether the backend has received the event.
func (env *environment) hasWebhook(want webhook.Event) bool {
	all, _ := env.backend.webhooks.all()
	return slices.ContainsFunc(all, func(got webhook.Event) bool { return reflect.DeepEqual(got, want) })
}
