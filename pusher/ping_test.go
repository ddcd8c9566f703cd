package pusher_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func TestClient_Ping(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	good := pusher.Credentials{AppID: server.App().ID, Key: server.App().Key, Secret: server.App().Secret}
	base, _, _ := strings.Cut(server.PusherURL(), "//")
	base += "//" + server.PusherURL()[strings.Index(server.PusherURL(), "@")+1:strings.Index(server.PusherURL(), "/apps/")]
	respond := func(status int, body string) func(t *testing.T) (string, pusher.Credentials) {
		return func(t *testing.T) (string, pusher.Credentials) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = nil
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}))
			t.Cleanup(s.Close)
			return s.URL, good
		}
	}
	with := func(change func(*pusher.Credentials)) func(t *testing.T) (string, pusher.Credentials) {
		return func(*testing.T) (string, pusher.Credentials) {
			app := good
			change(&app)
			return base, app
		}
	}
	tests := []struct {
		name   string
		target func(t *testing.T) (url string, app pusher.Credentials)
		want   error
	}{
		{"valid", with(func(*pusher.Credentials) {}), nil},
		{"wrong key", with(func(app *pusher.Credentials) { app.Key = "other" }), pusher.ErrUnknownKey},
		{"wrong secret", with(func(app *pusher.Credentials) { app.Secret = "other" }), pusher.ErrAuthentication},
		{"wrong app ID", with(func(app *pusher.Credentials) { app.AppID = "99999" }), pusher.ErrNotFound},
		{"server that cannot be reached", func(*testing.T) (string, pusher.Credentials) { return "http://127.0.0.1:1", good }, pusher.ErrTransport},
		{"untrusted certificate", func(t *testing.T) (string, pusher.Credentials) {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return s.URL, good
		}, pusher.ErrTLS},
		{"expired timestamp without the server's time", respond(401, "Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)"), pusher.ErrClockSkew},
		{"over quota", respond(403, "over quota"), pusher.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, app := tt.target(t)
			client, err := pusher.New(app, pusher.WithBaseURL(url), pusher.WithRetry(pusher.Retry{Attempts: 1}))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close(context.Background()) }()
			err = client.Ping(t.Context())
			if !errors.Is(err, tt.want) {
				t.Errorf("Ping = %v, want %v", err, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "pusher: Ping: ") {
				t.Errorf("Ping = %v, want an error that names the operation", err)
			}
		})
	}
}

func TestWithVacantOnNotFound(t *testing.T) {
	// Reverb, joaju and ipe respond in these ways to queries for vacant channels.
	responses := map[string]struct {
		status int
		body   string
	}{
		"Reverb": {404, "{}"},
		"joaju":  {404, `{"error":"Unknown channel."}`},
		"ipe":    {400, "Could not find a channel with id presence-c"},
	}
	for name, response := range responses {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(response.status)
				_, _ = io.WriteString(w, response.body)
			}))
			defer server.Close()
			ctx := t.Context()
			plain, err := pusher.New(app, pusher.WithBaseURL(server.URL))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = plain.Close(context.Background()) }()
			vacant, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithVacantOnNotFound())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = vacant.Close(context.Background()) }()

			if _, err := plain.ChannelInfo(ctx, "presence-c"); err == nil || !strings.Contains(err.Error(), "WithVacantOnNotFound") {
				t.Errorf("ChannelInfo = %v, want an error that mentions the option", err)
			}
			if info, err := vacant.ChannelInfo(ctx, "presence-c"); err != nil || info.Occupied {
				t.Errorf("ChannelInfo with the option = %+v, %v, want a vacant channel", info, err)
			}
			if users, err := vacant.ChannelUsers(ctx, "presence-c"); err != nil || len(users.Users) != 0 {
				t.Errorf("ChannelUsers with the option = %+v, %v, want none", users, err)
			}
			if err := vacant.Ping(ctx); err != nil {
				t.Errorf("Ping with the option = %v, want no error", err)
			}
			if _, err := vacant.Trigger(ctx, "presence-c", "e", "d"); err == nil {
				t.Error("Trigger with the option = nil, want an error")
			}
		})
	}
}

// A response without "occupied", such as that of pusher2, is quoted.
func TestClient_ChannelInfo_WithoutOccupied(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Name":"pub"}`)
	}))
	defer server.Close()
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	_, err = client.ChannelInfo(t.Context(), "pub")
	if !errors.Is(err, pusher.ErrServer) || !strings.Contains(err.Error(), `{\"Name\":\"pub\"}`) {
		t.Errorf("ChannelInfo = %v, want an error that quotes the response", err)
	}
}
