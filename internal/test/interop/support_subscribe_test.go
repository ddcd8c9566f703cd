//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// subscribeFeatures are features that clients of pusher-js use with authorizations of
// package auth.
func subscribeFeatures() []feature {
	return []feature{
		{"Private channels (`auth`)", mandatory(checkPrivateChannels)},
		{"Private channels with data (`AuthorizePrivateData`)", checkPrivateData},
		{"Presence channels (`auth`)", mandatory(checkPresenceChannels)},
		{"Presence channels of signed-in users", checkPresenceSignedIn},
		{"Client events", mandatory(checkClientEvents)},
		{"Cache channels", mandatory(checkCacheChannels)},
		{"Subscription counts", checkSubscriptionCounts},
		{"Watchlists", checkWatchlists},
	}
}

func checkPrivateChannels(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	alice.subscribe("private-azAZ09_-=@,.;")
	alice.requestSubscription("private-not-for-alice")
	rejected := alice.expect("private-not-for-alice", "pusher:subscription_error")
	var got struct {
		Type   string
		Status int
	}
	if err := json.Unmarshal(rejected.Data, &got); err != nil || got.Type != "AuthError" || got.Status != http.StatusForbidden {
		t.Errorf("a subscription that the app forbids: got %s, want an AuthError with status 403", rejected.Data)
	}
}

// checkPrivateData uses a private channel whose authorization contains channel_data.
// soketi does not include it in the signed text and rejects the subscription.
func checkPrivateData(t *testing.T, env *environment) bool {
	alice := connect(t, env, "alice")
	alice.requestSubscription(privateDataChannel)
	if event := alice.expect(privateDataChannel, "pusher:subscription_succeeded", "pusher:subscription_error"); event.Event != "pusher:subscription_succeeded" {
		var got struct{ Status int }
		if err := json.Unmarshal(event.Data, &got); err != nil || got.Status != http.StatusUnauthorized {
			t.Errorf("rejected subscription: got %s, want status 401 of the server", event.Data)
		}
		return false
	}
	_, err := env.client.Trigger(t.Context(), privateDataChannel, "e", "1")
	noError(t, "Trigger", err)
	alice.expectData(privateDataChannel, "e", "1")
	return true
}

func checkPresenceChannels(t *testing.T, env *environment) {
	const channel = "presence-room"
	member := func(name string) string { return fmt.Sprintf(`{"id":%q,"info":{"name":"Name of %s"}}`, name, name) }

	alice := connect(t, env, "alice")
	alone := alice.subscribe(channel)
	if want := `{"count":1,"me":` + member("alice") + `,"members":{"alice":{"name":"Name of alice"}},"myID":"alice"}`; normalizeJSON(t, string(alone.Data)) != want {
		t.Errorf("members when alice subscribes:\ngot  %s\nwant %s", alone.Data, want)
	}
	bob := connect(t, env, "bob")
	both := bob.subscribe(channel)
	if want := `{"count":2,"me":` + member("bob") + `,"members":{"alice":{"name":"Name of alice"},"bob":{"name":"Name of bob"}},"myID":"bob"}`; normalizeJSON(t, string(both.Data)) != want {
		t.Errorf("members when bob subscribes:\ngot  %s\nwant %s", both.Data, want)
	}
	alice.expectData(channel, "pusher:member_added", member("bob"))
	bob.unsubscribe(channel)
	alice.expectData(channel, "pusher:member_removed", member("bob"))
}

// checkPresenceSignedIn uses an authorization without user ID: the member is the user
// who is signed in on the connection.
func checkPresenceSignedIn(t *testing.T, env *environment) bool {
	alice := connect(t, env, "alice")
	alice.signIn()
	alice.requestSubscription(signedInChannel)
	return alice.expect(signedInChannel, "pusher:subscription_succeeded", "pusher:subscription_error").Event == "pusher:subscription_succeeded"
}

func checkClientEvents(t *testing.T, env *environment) {
	alice, bob := connect(t, env, "alice"), connect(t, env, "bob")
	for _, channel := range []string{"private-typing", "presence-typing"} {
		for _, s := range []*subscriber{alice, bob} {
			s.subscribe(channel)
			s.bind(channel, "client-typing")
		}
		alice.send(channel, "client-typing", map[string]bool{"on": true})
		received := bob.expectData(channel, "client-typing", `{"on":true}`)
		if want := map[string]string{"presence-typing": "alice"}[channel]; received.User != want {
			t.Errorf("sender of a client event of alice on %s: got %q, want %q", channel, received.User, want)
		}
		_, err := env.client.Trigger(t.Context(), channel, "marker", "1")
		noError(t, "Trigger", err)
		alice.expect(channel, "marker")
		if alice.has(channel, "client-typing") {
			t.Errorf("alice received her own client event on %s", channel)
		}
	}
}

func checkCacheChannels(t *testing.T, env *environment) {
	alice, bob := connect(t, env, "alice"), connect(t, env, "bob")
	for _, channel := range []string{"cache-price", "private-cache-price", "presence-cache-price", "private-encrypted-cache-price"} {
		alice.subscribe(channel)
		alice.expect(channel, "pusher:cache_miss")
		for _, cents := range []int{1, 2} {
			_, err := env.client.Trigger(t.Context(), channel, "changed", map[string]int{"cents": cents})
			noError(t, "Trigger", err)
		}
		alice.expectData(channel, "changed", `{"cents":1}`)
		alice.expectData(channel, "changed", `{"cents":2}`)
		bob.subscribe(channel)
		bob.expectData(channel, "changed", `{"cents":2}`)
	}
}

func checkSubscriptionCounts(t *testing.T, env *environment) bool {
	alice, bob := connect(t, env, "alice"), connect(t, env, "bob")
	alice.subscribe("counted")
	bob.subscribe("counted")
	_, err := env.client.Trigger(t.Context(), "counted", "marker", "1")
	noError(t, "Trigger", err)
	alice.expect("counted", "marker")
	if !alice.has("counted", "pusher:subscription_count") {
		return false
	}
	alice.expectData("counted", "pusher:subscription_count", `{"subscription_count":1}`)
	alice.expectData("counted", "pusher:subscription_count", `{"subscription_count":2}`)
	return true
}

func checkWatchlists(t *testing.T, env *environment) bool {
	alice, friend := connect(t, env, "alice"), connect(t, env, "friend-of-alice")
	alice.signIn()
	friend.signIn()
	noError(t, "SendToUser", env.client.SendToUser(t.Context(), "alice", "marker", "1"))
	alice.expect(userChannel, "marker")
	if !alice.has(watchlistChannel, "online") {
		return false
	}
	alice.expectData(watchlistChannel, "online", `{"name":"online","user_ids":["friend-of-alice"]}`)
	return true
}
