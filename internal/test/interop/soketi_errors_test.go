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

// TestSoketi_Errors checks that each error response of soketi becomes an error. Most of
// them have status code 200 and the status in the body.
func TestSoketi_Errors(t *testing.T) {
	env := newSoketi(t)
	wrong := newClient(t, env.url, pusher.Credentials{AppID: env.app.AppID, Key: env.app.Key, Secret: "wrong"})
	unknown := newClient(t, env.url, pusher.Credentials{AppID: "unknown", Key: env.app.Key, Secret: env.app.Secret})
	limited := newClient(t, env.url, pusher.Credentials{AppID: limitedApp, Key: limitedApp, Secret: env.app.Secret})
	unlimited := newClient(t, env.url, env.app, pusher.WithMaxEventBytes(10<<20))

	const (
		wrongSecret = "The secret authentication failed"
		unknownApp  = "The app unknown could not be found."
		tooMany     = "Too many requests."
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
		{"wrong secret: Trigger", trigger(wrong, "1"), pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: TriggerBatch", func(ctx context.Context) error {
			_, err := wrong.TriggerBatch(ctx, []pusher.Event{{Channel: "a", Name: "e", Data: "1"}})
			return err
		}, pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: SendToUser", func(ctx context.Context) error { return wrong.SendToUser(ctx, "u", "e", "1") }, pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: TerminateUserConnections", func(ctx context.Context) error { return wrong.TerminateUserConnections(ctx, "u") }, pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: Channels", list(wrong), pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: ChannelInfo", func(ctx context.Context) error {
			_, err := wrong.ChannelInfo(ctx, "a")
			return err
		}, pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: ChannelUsers", users(wrong, "presence-a"), pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: Get", get(wrong, "/channels"), pusher.ErrAuthentication, 401, wrongSecret},
		{"wrong secret: Post", post(wrong, "/events", events(1)[0]), pusher.ErrAuthentication, 401, wrongSecret},

		{"unknown app: Trigger", trigger(unknown, "1"), pusher.ErrNotFound, 404, unknownApp},
		{"unknown app: Channels", list(unknown), pusher.ErrNotFound, 404, unknownApp},

		{"empty data", trigger(env.client, ""), pusher.ErrInvalid, 400, "The received data is incorrect"},
		{"event without channel", post(env.client, "/events", event{"name": "e", "data": "1"}), pusher.ErrInvalid, 400, "The received data is incorrect"},
		{"101 channels", post(env.client, "/events", event{"name": "e", "data": "1", "channels": slices.Repeat([]string{"a"}, 101)}), pusher.ErrInvalid, 400, "Cannot broadcast to more than 100 channels at once"},
		{"event name of 201 characters", post(env.client, "/events", event{"name": strings.Repeat("e", 201), "data": "1", "channel": "a"}), pusher.ErrInvalid, 400, "Event name is too long. Maximum allowed size is 200."},
		{"batch of 11 events", post(env.client, "/batch_events", map[string]any{"batch": events(11)}), pusher.ErrInvalid, 400, "Cannot batch-send more than 10 messages at once"},
		{"users of a public channel", users(env.client, "public"), pusher.ErrInvalid, 400, "The channel must be a presence channel."},
		{"data of 200 KB", trigger(unlimited, strings.Repeat("x", 200<<10)), pusher.ErrTooLarge, 413, "The event data should be less than 100 KB."},
		{"body of 2 MB, with status code 413", trigger(unlimited, strings.Repeat("x", 2<<20)), pusher.ErrTooLarge, 413, "The payload size is too big."},
		{"rate limit of events", func(ctx context.Context) error {
			_, err := limited.TriggerMulti(ctx, []string{"a", "b", "c"}, "e", "1")
			return err
		}, pusher.ErrRateLimited, 429, tooMany},
		{"rate limit of queries", list(limited), pusher.ErrRateLimited, 429, tooMany},
		{"unknown path, with status code 404", get(env.client, "/nothing"), pusher.ErrNotFound, 404, ""},
	}
	// Within its limits soketi also sends Retry-After, with a fraction of a second.
	if err := trigger(limited, "1")(t.Context()); err != nil {
		t.Errorf("Trigger within the limits: %v", err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.call(t.Context())
			var apiErr *pusher.Error
			if !errors.Is(err, test.want) || !errors.As(err, &apiErr) || apiErr.Status != test.status || apiErr.Message != test.message {
				t.Errorf("got  %v\nwant %v, status %d: %s", err, test.want, test.status, test.message)
			}
		})
	}
}

func TestSoketi_UnknownKey(t *testing.T) {
	alice := startConnecting(t, newSoketi(t), "unknown-key", "alice", nil)
	alice.expectData(connection, "error", `{"code":4001,"message":"App key unknown-key does not exist."}`)
	alice.expect(connection, "disconnected")
}

func TestSoketi_InvalidAuthorization(t *testing.T) {
	env := newSoketi(t)
	env.backend = newBackend(t, pusher.Credentials{AppID: env.app.AppID, Key: env.app.Key, Secret: "wrong"})
	alice := connect(t, env, "alice")
	for _, channel := range []string{"private-a", "presence-a", "private-encrypted-a"} {
		alice.requestSubscription(channel)
		var got struct{ Type string }
		event := alice.expect(channel, "pusher:subscription_error", "pusher:subscription_succeeded")
		if err := json.Unmarshal(event.Data, &got); err != nil || got.Type != "AuthError" {
			t.Errorf("subscribe to %s with a signature of another secret: got %s %s, want an AuthError", channel, event.Event, event.Data)
		}
	}
}

// The following functions return calls for the table of TestSoketi_Errors.

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
