//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// TestChannelHandler_Batch subscribes with the plugin pusher-js-auth, which combines
// the authorization requests of a page.
func TestChannelHandler_Batch(t *testing.T) {
	servers := []struct {
		name string
		new  func(*testing.T) *environment
	}{
		{"soketi", newSoketi},
		{"pushertest", func(t *testing.T) *environment { return newPushertest(t).environment }},
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			env := server.new(t)
			t.Run("channels of every kind", func(t *testing.T) { testBatchOfChannels(t, env) })
			t.Run("100 channels", func(t *testing.T) {
				alice := connectWithBatches(t, env, "alice")
				channels := numberedChannels(100)
				alice.requestSubscription(channels...)
				for _, channel := range channels {
					alice.expect(channel, "pusher:subscription_succeeded")
				}
			})
			t.Run("101 channels", func(t *testing.T) { // the limit of the handler is 100
				alice := connectWithBatches(t, env, "alice")
				channels := numberedChannels(101)
				alice.requestSubscription(channels...)
				for _, channel := range channels {
					alice.expect(channel, "pusher:subscription_error")
				}
			})
		})
	}
}

func testBatchOfChannels(t *testing.T, env *environment) {
	const forbidden = "private-not-for-alice"
	permitted := []string{"private-batch-azAZ09_-=@,.;", "private-cache-batch", "presence-batch", "private-encrypted-batch"}
	permitted = append(permitted, numberedChannels(40)...)
	before := authorizationRequests(env)

	alice := connectWithBatches(t, env, "alice")
	alice.requestSubscription(slices.Insert(slices.Clone(permitted), 2, forbidden)...)
	for _, channel := range permitted {
		succeeded := alice.expect(channel, "pusher:subscription_succeeded")
		if channel == "presence-batch" {
			const want = `{"count":1,"me":{"id":"alice","info":{"name":"Name of alice"}},"members":{"alice":{"name":"Name of alice"}},"myID":"alice"}`
			if normalizeJSON(t, string(succeeded.Data)) != want {
				t.Errorf("members of %s\ngot  %s\nwant %s", channel, succeeded.Data, want)
			}
		}
	}
	rejected := alice.expect(forbidden, "pusher:subscription_error")
	var got struct{ Type string }
	if err := json.Unmarshal(rejected.Data, &got); err != nil || got.Type != "AuthError" {
		t.Errorf("subscription to %s: got %s, want an AuthError", forbidden, rejected.Data)
	}
	if n := authorizationRequests(env) - before; n != 1 {
		t.Errorf("%d subscriptions caused %d authorization requests, want 1", len(permitted)+1, n)
	}

	// The shared secret of an encrypted channel is part of its result.
	_, err := env.client.Trigger(t.Context(), "private-encrypted-batch", "e", map[string]string{"text": "Zoë"})
	noError(t, "Trigger", err)
	alice.expectData("private-encrypted-batch", "e", `{"text":"Zoë"}`)

	alice.subscribe("private-later")
	if n := authorizationRequests(env) - before; n != 2 {
		t.Errorf("a later subscription: got %d authorization requests, want 2", n)
	}
}

// connectWithBatches is like connect with the plugin. It needs the options of pusher-js
// 7, because the plugin is an authorizer, which channelAuthorization has replaced.
func connectWithBatches(t *testing.T, env *environment, user string) *subscriber {
	t.Helper()
	s := startConnecting(t, env, env.app.Key, user, map[string]any{"authEndpoint": env.backend.endpoint("/pusher/auth", user), "batchAuth": true})
	s.waitConnected()
	return s
}

func numberedChannels(n int) []string {
	var channels []string
	for i := range n {
		channels = append(channels, fmt.Sprintf("private-numbered-%d", i))
	}
	return channels
}

// authorizationRequests returns the number of channel authorization requests so far.
func authorizationRequests(env *environment) (n int) {
	paths, _ := env.backend.requests.all()
	for _, path := range paths {
		if path == "/pusher/auth" {
			n++
		}
	}
	return n
}
