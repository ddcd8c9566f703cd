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

func newClient(t testing.TB, url string, app pusher.Credentials, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	client, err := pusher.New(app, append(opts,
		pusher.WithBaseURL(url),
		pusher.WithEncryptionMasterKey(masterKey),
		pusher.WithTimeout(patience),
		pusher.WithRetry(pusher.Retry{Attempts: 1}), // every refusal shows
		pusher.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))),
	)...)
	if err != nil {
		t.Fatalf("pusher.New: %v", err)
	}
	return client
}

// A world is a server and an app on it: our client and the endpoints that the
// app hosts on one side, pusher-js on the other.
type world struct {
	server  string // its name, as the support table has it
	url     string // of its HTTP API
	app     pusher.Credentials
	client  *pusher.Client
	backend *backend
	js      *script
	opened  int // clients of pusher-js so far
}

// signedInOnly is the channel whose members are left for the sign-in to name.
const signedInOnly = "presence-signed-in"

// A backend is what an app hosts: the two endpoints for browsers, at
// /pusher/auth and /pusher/user-auth, and the one for webhooks, at /webhook.
// The query's user is believed, as no real app should.
type backend struct {
	*httptest.Server
	events *journal[webhook.Event]
}

func newBackend(t *testing.T, app pusher.Credentials) *backend {
	t.Helper()
	b := &backend{events: newJournal[webhook.Event]()}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	authorizer, err := auth.New(app.Key, app.Secret, auth.WithEncryptionMasterKey(masterKey), auth.WithLogger(logger))
	if err != nil {
		t.Fatalf("auth.New: %v", err)
	}
	verifier, err := webhook.NewVerifier(webhook.Token{Key: app.Key, Secret: app.Secret}, webhook.WithEncryptionMasterKey(masterKey), webhook.WithLogger(logger))
	if err != nil {
		t.Fatalf("webhook.NewVerifier: %v", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/pusher/auth", authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		user := r.URL.Query().Get("user")
		if request.Channel == "private-not-for-"+user {
			return nil, auth.ErrForbidden
		}
		if request.Channel == signedInOnly {
			return &auth.Member{SignedIn: true}, nil
		}
		return &auth.Member{UserID: user, UserInfo: map[string]string{"name": "Name of " + user}}, nil
	}))
	mux.Handle("/pusher/user-auth", authorizer.UserHandler(func(r *http.Request) (*auth.User, error) {
		user := r.URL.Query().Get("user")
		return &auth.User{ID: user, Watchlist: []string{"friend-of-" + user}}, nil
	}))
	mux.Handle("/webhook", verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
		b.events.add(hook.Events...)
		return nil
	}))
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

// expectWebhook waits until this event has been posted to the backend.
func (w *world) expectWebhook(t *testing.T, want webhook.Event) {
	t.Helper()
	if _, err := w.backend.events.wait(t.Context(), func(_ int, got webhook.Event) bool { return reflect.DeepEqual(got, want) }); err != nil {
		all, _ := w.backend.events.all()
		for _, event := range all {
			t.Logf("webhook %#v", event)
		}
		t.Fatalf("waiting for the webhook %#v: %v", want, err)
	}
}

// hasWebhook tells whether this event has been posted.
func (w *world) hasWebhook(want webhook.Event) bool {
	all, _ := w.backend.events.all()
	return slices.ContainsFunc(all, func(got webhook.Event) bool { return reflect.DeepEqual(got, want) })
}
