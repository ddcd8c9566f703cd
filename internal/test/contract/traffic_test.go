package contract_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// What the client sends and what the server answers is what the document says, in
// both directions, whether a call succeeds or is refused.
func TestTrafficIsWhatTheDocumentSays(t *testing.T) {
	between := &inspector{next: newServer(t)}
	between.learn(t)
	front := httptest.NewServer(between)
	defer front.Close()
	app := between.next.App()
	client, err := pusher.New(pusher.Credentials{AppID: app.ID, Key: app.Key, Secret: app.Secret}, pusher.WithBaseURL(front.URL))
	if err != nil {
		t.Fatal(err)
	}

	ctx := context.Background()
	all := []pusher.Attribute{pusher.UserCount, pusher.SubscriptionCount}
	calls := []struct {
		name   string
		call   func() error
		status int
	}{
		{"trigger", func() error {
			_, err := client.Trigger(ctx, "prices", "changed", map[string]int{"cents": 349})
			return err
		}, 200},
		{"trigger with info, without a socket", func() error {
			_, err := client.TriggerMulti(ctx, []string{"prices", "presence-lobby"}, "e", "d", pusher.WithInfo(all...), pusher.ExcludeSocket("1.2"))
			return err
		}, 200},
		{"send to a user", func() error { return client.SendToUser(ctx, "7", "e", "d") }, 200},
		{"batch", func() error {
			_, err := client.TriggerBatch(ctx, []pusher.Event{{Channel: "prices", Name: "e"}, {Channel: "presence-lobby", Name: "e", Info: all}})
			return err
		}, 200},
		{"channels", func() error { _, err := client.Channels(ctx, pusher.ChannelsParams{}); return err }, 200},
		{"presence channels", func() error {
			_, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: all[:1]})
			return err
		}, 200},
		{"a channel", func() error { _, err := client.ChannelInfo(ctx, "presence-lobby", all...); return err }, 200},
		{"a vacant channel", func() error { _, err := client.ChannelInfo(ctx, "foo-bar_1234@=,.;"); return err }, 200},
		{"an empty cache", func() error { _, err := client.ChannelInfo(ctx, "cache-x", pusher.Cache); return err }, 200},
		{"users", func() error { _, err := client.ChannelUsers(ctx, "presence-lobby"); return err }, 200},
		{"terminate", func() error { return client.TerminateUserConnections(ctx, "7") }, 200},
		{"an attribute that does not fit", func() error { _, err := client.ChannelInfo(ctx, "prices", pusher.UserCount); return err }, 400},
		{"users of a public channel", func() error { _, err := client.ChannelUsers(ctx, "prices"); return err }, 400},
	}
	for _, tt := range calls {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			var refused *pusher.Error
			if tt.status == http.StatusOK && err != nil || tt.status != http.StatusOK && (!errors.As(err, &refused) || refused.Status != tt.status) {
				t.Errorf("%s = %v, want status %d", tt.name, err, tt.status)
			}
			if found := between.take(); found != nil {
				t.Errorf("%s: %v", tt.name, found)
			}
		})
	}
}

func newServer(t *testing.T) *pushertest.Server {
	t.Helper()
	server, err := pushertest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := server.SetChannel("presence-lobby", pushertest.ChannelState{Users: []string{"ada", "grace"}}); err != nil {
		t.Fatal(err)
	}
	return server
}

// An inspector stands between client and server and holds both to the document.
type inspector struct {
	next  *pushertest.Server
	match func(*http.Request) (*openapi3filter.RequestValidationInput, error)

	mu    sync.Mutex
	found error
	seen  int
}

func (i *inspector) learn(t *testing.T) {
	t.Helper()
	document := load(t)
	document.Servers = openapi3.Servers{{URL: "/"}} // wherever it listens
	router, err := legacy.NewRouter(document, openapi3.IsOpenAPI31OrLater())
	if err != nil {
		t.Fatal(err)
	}
	i.match = func(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
		route, parameters, err := router.FindRoute(r)
		if err != nil {
			return nil, err
		}
		return &openapi3filter.RequestValidationInput{
			Request: r, PathParams: parameters, Route: route,
			// Signatures are the server's to verify; that they are there is checked.
			Options: &openapi3filter.Options{AuthenticationFunc: func(_ context.Context, input *openapi3filter.AuthenticationInput) error {
				if !r.URL.Query().Has(input.SecurityScheme.Name) {
					return errors.New("no " + input.SecurityScheme.Name)
				}
				return nil
			}},
		}, nil
	}
}

func (i *inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		i.note(err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	input, err := i.match(r)
	if err == nil {
		err = openapi3filter.ValidateRequest(r.Context(), input)
	}
	i.note(err)

	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	i.next.ServeHTTP(answer, r)
	if input != nil {
		i.note(openapi3filter.ValidateResponse(r.Context(), (&openapi3filter.ResponseValidationInput{
			RequestValidationInput: input,
			Status:                 answer.Code,
			Header:                 answer.Header(),
			Options:                &openapi3filter.Options{IncludeResponseStatus: true},
		}).SetBodyBytes(answer.Body.Bytes())))
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (i *inspector) note(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen++
	i.found = errors.Join(i.found, err)
}

// take returns what was found since the last time. Nothing seen is a finding, too.
func (i *inspector) take() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := i.found
	if i.seen == 0 {
		found = errors.New("nothing passed by")
	}
	i.found, i.seen = nil, 0
	return found
}
