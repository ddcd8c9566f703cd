//go:build interop

package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// soketi answers its refusals with status 200 and the real one in the body; two
// have a status of their own.
func TestEveryRefusalOfSoketiIsAnError(t *testing.T) {
	w := newSoketi(t)
	wrong := newClient(t, w.url, pusher.Credentials{AppID: w.app.AppID, Key: w.app.Key, Secret: "wrong"})
	unknown := newClient(t, w.url, pusher.Credentials{AppID: "unknown", Key: w.app.Key, Secret: w.app.Secret})
	limited := newClient(t, w.url, pusher.Credentials{AppID: limitedApp, Key: limitedApp, Secret: w.app.Secret})
	generous := newClient(t, w.url, w.app, pusher.WithMaxEventBytes(10<<20))

	const (
		noSecret = "The secret authentication failed"
		noApp    = "The app unknown could not be found."
		tooMany  = "Too many requests."
	)
	type event map[string]any
	events := func(n int) []event { return slices.Repeat([]event{{"name": "e", "channel": "a", "data": "1"}}, n) }

	tests := []struct {
		name    string
		call    func(context.Context) error
		want    error
		status  int
		message string
	}{
		{"a wrong secret: Trigger", trigger(wrong, "1"), pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: TriggerBatch", func(ctx context.Context) error {
			_, err := wrong.TriggerBatch(ctx, []pusher.Event{{Channel: "a", Name: "e", Data: "1"}})
			return err
		}, pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: SendToUser", func(ctx context.Context) error { return wrong.SendToUser(ctx, "u", "e", "1") }, pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: TerminateUserConnections", func(ctx context.Context) error { return wrong.TerminateUserConnections(ctx, "u") }, pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: Channels", list(wrong), pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: ChannelInfo", func(ctx context.Context) error {
			_, err := wrong.ChannelInfo(ctx, "a")
			return err
		}, pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: ChannelUsers", users(wrong, "presence-a"), pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: Get", get(wrong, "/channels"), pusher.ErrAuthentication, 401, noSecret},
		{"a wrong secret: Post", post(wrong, "/events", events(1)[0]), pusher.ErrAuthentication, 401, noSecret},

		{"an unknown app: Trigger", trigger(unknown, "1"), pusher.ErrNotFound, 404, noApp},
		{"an unknown app: Channels", list(unknown), pusher.ErrNotFound, 404, noApp},

		{"an empty event", trigger(w.client, ""), pusher.ErrInvalid, 400, "The received data is incorrect"},
		{"an event without channel", post(w.client, "/events", event{"name": "e", "data": "1"}), pusher.ErrInvalid, 400, "The received data is incorrect"},
		{"101 channels", post(w.client, "/events", event{"name": "e", "data": "1", "channels": slices.Repeat([]string{"a"}, 101)}), pusher.ErrInvalid, 400, "Cannot broadcast to more than 100 channels at once"},
		{"an event name of 201 characters", post(w.client, "/events", event{"name": strings.Repeat("e", 201), "data": "1", "channel": "a"}), pusher.ErrInvalid, 400, "Event name is too long. Maximum allowed size is 200."},
		{"a batch of 11 events", post(w.client, "/batch_events", map[string]any{"batch": events(11)}), pusher.ErrInvalid, 400, "Cannot batch-send more than 10 messages at once"},
		{"the users of a public channel", users(w.client, "public"), pusher.ErrInvalid, 400, "The channel must be a presence channel."},
		{"data of 200 KB", trigger(generous, strings.Repeat("x", 200<<10)), pusher.ErrTooLarge, 413, "The event data should be less than 100 KB."},
		{"a body of 2 MB, really with status 413", trigger(generous, strings.Repeat("x", 2<<20)), pusher.ErrTooLarge, 413, "The payload size is too big."},
		{"more events than an app may publish", func(ctx context.Context) error {
			_, err := limited.TriggerMulti(ctx, []string{"a", "b", "c"}, "e", "1")
			return err
		}, pusher.ErrRateLimited, 429, tooMany},
		{"more questions than an app may ask", list(limited), pusher.ErrRateLimited, 429, tooMany},
		{"an unknown path, really with status 404", get(w.client, "/nothing"), pusher.ErrNotFound, 404, ""},
	}
	// An answer within the limits has a Retry-After, of a fraction of a second.
	if err := trigger(limited, "1")(t.Context()); err != nil {
		t.Errorf("Trigger within the app's limits: %v", err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.call(t.Context())
			var refused *pusher.Error
			if !errors.Is(err, test.want) || !errors.As(err, &refused) || refused.Status != test.status || refused.Message != test.message {
				t.Errorf("got  %v\nwant %v, status %d: %s", err, test.want, test.status, test.message)
			}
		})
	}
}

func TestSoketiRefusesForeignConnectionsAndSignatures(t *testing.T) {
	w := newSoketi(t)
	stranger := open(t, w, "unknown-key", "alice")
	stranger.expectData(connection, "error", `{"code":4001,"message":"App key unknown-key does not exist."}`)
	stranger.expect(connection, "disconnected")

	forged := *w
	forged.backend = newBackend(t, pusher.Credentials{AppID: w.app.AppID, Key: w.app.Key, Secret: "wrong"})
	alice := connect(t, &forged, "alice")
	for _, channel := range []string{"private-a", "presence-a", "private-encrypted-a"} {
		alice.ask(channel)
		var got struct{ Type string }
		refused := alice.expect(channel, "pusher:subscription_error", "pusher:subscription_succeeded")
		if err := json.Unmarshal(refused.Data, &got); err != nil || got.Type != "AuthError" {
			t.Errorf("subscribe to %s with another app's signature: got %s %s, want an AuthError", channel, refused.Event, refused.Data)
		}
	}
}

func trigger(client *pusher.Client, data string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := client.Trigger(ctx, "a", "e", data)
		return err
	}
}

func list(client *pusher.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := client.Channels(ctx, pusher.ChannelsParams{})
		return err
	}
}

func users(client *pusher.Client, channel string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := client.ChannelUsers(ctx, channel)
		return err
	}
}

func get(client *pusher.Client, path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := client.Get(ctx, path, nil)
		return err
	}
}

func post(client *pusher.Client, path string, body any) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := client.Post(ctx, path, body)
		return err
	}
}
