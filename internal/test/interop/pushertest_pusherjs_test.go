//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// These tests show how pusher-js reacts to errors and lost connections. The error texts
// are Pusher's, as quoted in issues of pusher-js and Laravel Echo.

func TestPushertest_InvalidAuthorization(t *testing.T) {
	env := newPushertest(t)
	wrongSecret := *env.environment
	wrongSecret.backend = newBackend(t, pusher.Credentials{AppID: env.app.AppID, Key: env.app.Key, Secret: "wrong"})
	otherKey := *env.environment
	otherKey.backend = newBackend(t, pusher.Credentials{AppID: env.app.AppID, Key: "other-key", Secret: env.app.Secret})
	tests := []struct {
		name, channel string
		env           *environment
		want          string // text before the signature
	}{
		{"private channel", "private-a", &wrongSecret, "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-a, but got "},
		{"encrypted channel", "private-encrypted-a", &wrongSecret, "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-encrypted-a, but got "},
		{"presence channel", "presence-a", &wrongSecret, `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:presence-a:{"user_id":"alice","user_info":{"name":"Name of alice"}}, but got `},
		{"key of another app", "private-a", &otherKey, "Invalid key in subscription auth data: 'other-key'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			alice := connect(t, test.env, "alice")
			alice.requestSubscription(test.channel)
			wantError(t, alice, strings.ReplaceAll(test.want, "SOCKET", alice.socketID))
			_, err := env.client.Trigger(t.Context(), test.channel, "e", "1")
			noError(t, "Trigger", err)
			info, err := env.client.ChannelInfo(t.Context(), test.channel)
			noError(t, "ChannelInfo", err)
			if info.Occupied || alice.has(test.channel, "pusher:subscription_succeeded") {
				t.Errorf("%s is occupied after a rejected subscription", test.channel)
			}
		})
	}
	t.Run("sign-in", func(t *testing.T) {
		alice := connect(t, &wrongSecret, "alice")
		alice.requestSignIn()
		wantError(t, alice, fmt.Sprintf(`Invalid signature: Expected HMAC SHA256 hex digest of %s::user::{"id":"alice","watchlist":["friend-of-alice"]}, but got `, alice.socketID))
	})
}

func TestPushertest_UnknownKey(t *testing.T) {
	env := newPushertest(t)
	alice := startConnecting(t, env.environment, "unknown-key", "alice", nil)
	alice.expectData(connection, "error", `{"code":4001,"message":"App key unknown-key not in this cluster. Did you forget to specify the cluster?"}`)
	alice.expect(connection, "disconnected")
}

func TestPushertest_WithClientEvents(t *testing.T) {
	env := newPushertest(t, pushertest.WithClientEvents(false))
	alice := connect(t, env.environment, "alice")
	alice.subscribe("private-a")
	alice.send("private-a", "client-typing", true)
	wantError(t, alice, "To send client events, you must enable this feature in the Settings page of your dashboard.")
}

func TestPushertest_Reconnect(t *testing.T) {
	tests := []struct {
		name       string
		disconnect func(*testing.T, pushertestEnvironment)
	}{
		{"connection lost", func(_ *testing.T, env pushertestEnvironment) { env.DropConnections() }},
		{"close code 4200", func(t *testing.T, env pushertestEnvironment) {
			noError(t, "CloseConnections", env.CloseConnections(4200, "Please reconnect"))
		}},
		{"handshake failed with close code 4100", func(t *testing.T, env pushertestEnvironment) {
			noError(t, "Fail", env.Fail(pushertest.Failure{CloseCode: 4100, Body: "Over capacity"}))
			env.DropConnections()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newPushertest(t)
			alice := connect(t, env.environment, "alice")
			alice.signIn()
			channels := []string{"news", "private-news", "private-encrypted-news", "presence-news"}
			for _, channel := range channels {
				alice.subscribe(channel)
			}
			test.disconnect(t, env)
			alice.expect(connection, "connected")
			for _, channel := range channels {
				alice.expect(channel, "pusher:subscription_succeeded")
				_, err := env.client.Trigger(t.Context(), channel, "reconnected", map[string]int{"n": 1})
				noError(t, "Trigger", err)
				alice.expectData(channel, "reconnected", `{"n":1}`)
			}
			alice.expect(userChannel, "pusher:subscription_succeeded")
			noError(t, "SendToUser", env.client.SendToUser(t.Context(), "alice", "reconnected", "1"))
			alice.expect(userChannel, "reconnected")
		})
	}
}

func TestPushertest_NoReconnect(t *testing.T) {
	env := newPushertest(t)
	noError(t, "Fail", env.Fail(pushertest.Failure{CloseCode: 4004, Body: "Account over quota"}))
	alice := startConnecting(t, env.environment, key, "alice", nil)
	alice.expectData(connection, "error", `{"code":4004,"message":"Account over quota"}`)
	alice.expect(connection, "disconnected")
}

// wantError waits for a pusher:error that has no code and a message with this prefix.
func wantError(t *testing.T, s *subscriber, want string) {
	t.Helper()
	var got struct {
		Code    *int
		Message string
	}
	data := s.expect(connection, "error").Data
	if err := json.Unmarshal(data, &got); err != nil || !strings.HasPrefix(got.Message, want) || got.Code != nil {
		t.Errorf("%s: got error %s, want message %q without code", s.user, data, want)
	}
}
