package pusher_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func TestClient_Ping(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	good := server.PusherURL()
	other := func(part string) string { return strings.Replace(good, part, "other", 1) }
	untrusted, _ := countingServer(t, "https", http.NotFound)
	tests := []struct {
		name, url string
		opts      []pusher.Option
		want      error
	}{
		{"valid", good, nil, nil},
		{"wrong key", other(server.App().Key), nil, pusher.ErrUnknownKey},
		{"wrong secret", other(server.App().Secret), nil, pusher.ErrAuthentication},
		{"wrong app ID", strings.Replace(good, "/apps/", "/apps/9", 1), nil, pusher.ErrNotFound},
		{"server that cannot be reached", good, []pusher.Option{pusher.WithBaseURL("http://127.0.0.1:1")}, pusher.ErrTransport},
		{"untrusted certificate", good, []pusher.Option{pusher.WithBaseURL(untrusted.URL)}, pusher.ErrTLS},
		{"expired timestamp without the server's time", good, []pusher.Option{
			over(respond(401, "Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)")),
		}, pusher.ErrClockSkew},
		{"vacant channel (joaju)", good, []pusher.Option{over(respond(404, `{"message":"Unknown channel."}`))}, nil},
		{"vacant channel (laravel-websockets)", good, []pusher.Option{over(respond(404, `{"error":"Unknown channel `+"`pusher-go-ping`"+`."}`))}, nil},
		{"vacant channel (ipe)", good, []pusher.Option{over(respond(400, "Could not find a channel with id pusher-go-ping\n"))}, nil},
		{"vacant channel (pusher2)", good, []pusher.Option{over(respond(200, `{"Name":"pusher-go-ping"}`))}, nil},
		{"no such operation (AnyCable)", good, []pusher.Option{over(respond(404, ""))}, nil},
		{"wrong app ID (Reverb)", good, []pusher.Option{over(respond(404, "No matching application for ID [999]."))}, pusher.ErrNotFound},
		{"wrong app ID (joaju)", good, []pusher.Option{over(respond(404, `{"message":"Unknown app."}`))}, pusher.ErrNotFound},
		{"another server", good, []pusher.Option{over(respond(200, `"Hello"`))}, pusher.ErrServer},
		{"another server's page", good, []pusher.Option{over(respond(404, "<html></html>"))}, pusher.ErrNotFound},
		{"over quota", good, []pusher.Option{over(respond(403, "over quota"))}, pusher.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, err := pusher.NewFromURL(tt.url, append(tt.opts, pusher.WithRetry(pusher.Retry{Attempts: 1}))...)
			if err != nil {
				t.Fatal(err)
			}
			err = client.Ping(t.Context())
			if !errors.Is(err, tt.want) || err != nil && !strings.HasPrefix(err.Error(), "pusher: Ping: ") {
				t.Errorf("Ping = %v, want %v with the operation", err, tt.want)
			}
			if err := client.Close(t.Context()); err != nil {
				t.Errorf("Close = %v, want no error", err)
			}
		})
	}
}

func TestWithVacantOnNotFound(t *testing.T) {
	// Reverb, joaju and ipe respond in these ways to queries for vacant channels.
	for name, vacant := range map[string]roundTrip{
		"Reverb": respond(404, "{}"),
		"joaju":  respond(404, `{"error":"Unknown channel."}`),
		"ipe":    respond(400, "Could not find a channel with id presence-c"),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if _, err := newClient(t, over(vacant)).ChannelInfo(ctx, "presence-c"); err == nil || !strings.Contains(err.Error(), "WithVacantOnNotFound") {
				t.Errorf("ChannelInfo = %v, want an error that mentions the option", err)
			}
			client := newClient(t, over(vacant), pusher.WithVacantOnNotFound())
			if info, err := client.ChannelInfo(ctx, "presence-c"); err != nil || info.Occupied {
				t.Errorf("ChannelInfo with the option = %+v, %v, want a vacant channel", info, err)
			}
			if users, err := client.ChannelUsers(ctx, "presence-c"); err != nil || len(users.Users) != 0 {
				t.Errorf("ChannelUsers with the option = %+v, %v, want none", users, err)
			}
			if err := client.Ping(ctx); err != nil {
				t.Errorf("Ping with the option = %v, want no error", err)
			}
			if _, err := client.Trigger(ctx, "presence-c", "e", "d"); err == nil {
				t.Error("Trigger with the option = nil, want an error")
			}
		})
	}
}

// A 404 with another text means that the app or the path does not exist.
func TestWithVacantOnNotFound_OtherTexts(t *testing.T) {
	for _, text := range []string{"The app 999 could not be found.", `{"message":"Unknown app."}`, "404 page not found\n", "<html><title>Not Found</title></html>"} {
		client := newClient(t, over(respond(404, text)), pusher.WithVacantOnNotFound())
		if _, err := client.ChannelInfo(t.Context(), "presence-c"); !errors.Is(err, pusher.ErrNotFound) {
			t.Errorf("ChannelInfo after 404 %q = %v, want %v", text, err, pusher.ErrNotFound)
		}
		if _, err := client.ChannelUsers(t.Context(), "presence-c"); !errors.Is(err, pusher.ErrNotFound) {
			t.Errorf("ChannelUsers after 404 %q = %v, want %v", text, err, pusher.ErrNotFound)
		}
	}
}

// A response without "occupied", such as that of pusher2, is quoted.
func TestClient_ChannelInfo(t *testing.T) {
	_, err := newClient(t, over(respond(200, `{"Name":"pub"}`))).ChannelInfo(t.Context(), "pub")
	if !errors.Is(err, pusher.ErrServer) || !strings.Contains(err.Error(), `{\"Name\":\"pub\"}`) {
		t.Errorf("ChannelInfo = %v, want an error that quotes the response", err)
	}
}
