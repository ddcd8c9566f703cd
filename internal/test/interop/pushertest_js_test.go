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

// What the support table cannot show: how pusher-js takes refusals and lost
// connections. The texts are Pusher's, from issues of pusher-js and Laravel Echo.

func TestPushertestRefusesForeignSignatures(t *testing.T) {
	w := openPushertest(t)
	forged := *w.world
	forged.backend = newBackend(t, pusher.Credentials{AppID: w.app.AppID, Key: w.app.Key, Secret: "wrong"})
	foreign := *w.world
	foreign.backend = newBackend(t, pusher.Credentials{AppID: w.app.AppID, Key: "other-key", Secret: w.app.Secret})
	tests := []struct {
		name, channel string
		world         *world
		want          string // after which comes the signature
	}{
		{"a private channel", "private-a", &forged, "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-a, but got "},
		{"an encrypted channel", "private-encrypted-a", &forged, "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-encrypted-a, but got "},
		{"a presence channel", "presence-a", &forged, `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:presence-a:{"user_id":"alice","user_info":{"name":"Name of alice"}}, but got `},
		{"another app's key", "private-a", &foreign, "Invalid key in subscription auth data: 'other-key'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			alice := connect(t, test.world, "alice")
			alice.ask(test.channel)
			wantError(t, alice, strings.ReplaceAll(test.want, "SOCKET", alice.socketID))
			_, err := w.client.Trigger(t.Context(), test.channel, "e", "1")
			succeeds(t, "Trigger", err)
			info, err := w.client.ChannelInfo(t.Context(), test.channel)
			succeeds(t, "ChannelInfo", err)
			if info.Occupied || alice.has(test.channel, "pusher:subscription_succeeded") {
				t.Errorf("%s is occupied after a subscription that was refused", test.channel)
			}
		})
	}
	t.Run("a sign-in", func(t *testing.T) {
		alice := connect(t, &forged, "alice")
		alice.do("signin", map[string]any{}, nil)
		wantError(t, alice, fmt.Sprintf(`Invalid signature: Expected HMAC SHA256 hex digest of %s::user::{"id":"alice","watchlist":["friend-of-alice"]}, but got `, alice.socketID))
	})
}

func TestPushertestKeepsAppsApart(t *testing.T) {
	w := openPushertest(t)
	stranger := open(t, w.world, "unknown-key", "alice")
	stranger.expectData(connection, "error", `{"code":4001,"message":"App key unknown-key not in this cluster. Did you forget to specify the cluster?"}`)
	stranger.expect(connection, "disconnected")
}

func TestPushertestWithoutClientEvents(t *testing.T) {
	w := openPushertest(t, pushertest.WithClientEvents(false))
	alice := connect(t, w.world, "alice")
	alice.subscribe("private-a")
	alice.send("private-a", "client-typing", true)
	wantError(t, alice, "To send client events, you must enable this feature in the Settings page of your dashboard.")
}

func TestClientsComeBackToPushertest(t *testing.T) {
	tests := []struct {
		name string
		lose func(*testing.T, pushertestWorld)
	}{
		{"after the connection is lost", func(_ *testing.T, w pushertestWorld) { w.DropConnections() }},
		{"when the server asks them to", func(t *testing.T, w pushertestWorld) {
			succeeds(t, "CloseConnections", w.CloseConnections(4200, "Please reconnect"))
		}},
		{"after a handshake that failed", func(t *testing.T, w pushertestWorld) {
			succeeds(t, "Fail", w.Fail(pushertest.Failure{CloseCode: 4100, Body: "Over capacity"}))
			w.DropConnections()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := openPushertest(t)
			alice := connect(t, w.world, "alice")
			alice.signIn()
			channels := []string{"news", "private-news", "private-encrypted-news", "presence-news"}
			for _, channel := range channels {
				alice.subscribe(channel)
			}
			test.lose(t, w)
			alice.expect(connection, "connected")
			for _, channel := range channels {
				alice.expect(channel, "pusher:subscription_succeeded")
				_, err := w.client.Trigger(t.Context(), channel, "again", map[string]int{"n": 1})
				succeeds(t, "Trigger", err)
				alice.expectData(channel, "again", `{"n":1}`)
			}
			alice.expect(signedInUser, "pusher:subscription_succeeded")
			succeeds(t, "SendToUser", w.client.SendToUser(t.Context(), "alice", "again", "1"))
			alice.expect(signedInUser, "again")
		})
	}
}

func TestClientsStayAwayFromPushertest(t *testing.T) {
	w := openPushertest(t)
	succeeds(t, "Fail", w.Fail(pushertest.Failure{CloseCode: 4004, Body: "Account over quota"}))
	alice := open(t, w.world, key, "alice")
	alice.expectData(connection, "error", `{"code":4004,"message":"Account over quota"}`)
	alice.expect(connection, "disconnected")
}

// wantError waits for a pusher:error that starts so and has no code.
func wantError(t *testing.T, s *subscriber, want string) {
	t.Helper()
	var got struct {
		Code    *int
		Message string
	}
	data := s.expect(connection, "error").Data
	if err := json.Unmarshal(data, &got); err != nil || !strings.HasPrefix(got.Message, want) || got.Code != nil {
		t.Errorf("%s: got the error %s, want %q", s.name, data, want)
	}
}
