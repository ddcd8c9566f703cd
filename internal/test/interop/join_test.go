//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// joining is what pusher-js does with authorizations that ours signed.
func joining() []feature {
	return []feature{
		{"Private channels (`auth`)", always(privateChannelsLetIn)},
		{"Presence channels (`auth`)", always(presenceShowsWhoComesAndGoes)},
		{"Presence channels of signed-in users", presenceKnowsSignedInUser},
		{"Client events", always(clientEventsReachOthers)},
		{"Cache channels", always(cacheChannelsReplay)},
		{"Subscription counts", subscribersHearCounts},
		{"Watchlists", watchersHearWhoComes},
	}
}

func privateChannelsLetIn(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	alice.subscribe("private-azAZ09_-=@,.;")
	alice.ask("private-not-for-alice")
	refused := alice.expect("private-not-for-alice", "pusher:subscription_error")
	var got struct {
		Type   string
		Status int
	}
	if err := json.Unmarshal(refused.Data, &got); err != nil || got.Type != "AuthError" || got.Status != http.StatusForbidden {
		t.Errorf("a subscription that the app refuses: got %s, want an AuthError of status 403", refused.Data)
	}
}

func presenceShowsWhoComesAndGoes(t *testing.T, w *world) {
	const channel = "presence-room"
	member := func(name string) string { return fmt.Sprintf(`{"id":%q,"info":{"name":"Name of %s"}}`, name, name) }

	alice := connect(t, w, "alice")
	alone := alice.subscribe(channel)
	if want := `{"count":1,"me":` + member("alice") + `,"members":{"alice":{"name":"Name of alice"}},"myID":"alice"}`; tidyJSON(t, string(alone.Data)) != want {
		t.Errorf("the members that alice found\ngot  %s\nwant %s", alone.Data, want)
	}
	bob := connect(t, w, "bob")
	both := bob.subscribe(channel)
	if want := `{"count":2,"me":` + member("bob") + `,"members":{"alice":{"name":"Name of alice"},"bob":{"name":"Name of bob"}},"myID":"bob"}`; tidyJSON(t, string(both.Data)) != want {
		t.Errorf("the members that bob found\ngot  %s\nwant %s", both.Data, want)
	}
	alice.expectData(channel, "pusher:member_added", member("bob"))
	bob.unsubscribe(channel)
	alice.expectData(channel, "pusher:member_removed", member("bob"))
}

// A signed-in user's authorization may leave out who it is for.
func presenceKnowsSignedInUser(t *testing.T, w *world) bool {
	alice := connect(t, w, "alice")
	alice.signIn()
	alice.ask(signedInOnly)
	return alice.expect(signedInOnly, "pusher:subscription_succeeded", "pusher:subscription_error").Event == "pusher:subscription_succeeded"
}

func clientEventsReachOthers(t *testing.T, w *world) {
	alice, bob := connect(t, w, "alice"), connect(t, w, "bob")
	for _, channel := range []string{"private-typing", "presence-typing"} {
		for _, s := range []*subscriber{alice, bob} {
			s.subscribe(channel)
			s.bind(channel, "client-typing")
		}
		alice.send(channel, "client-typing", map[string]bool{"on": true})
		heard := bob.expectData(channel, "client-typing", `{"on":true}`)
		if want := map[string]string{"presence-typing": "alice"}[channel]; heard.User != want {
			t.Errorf("a client event of alice's on %s: got the user %q, want %q", channel, heard.User, want)
		}
		_, err := w.client.Trigger(t.Context(), channel, "marker", "1")
		succeeds(t, "Trigger", err)
		alice.expect(channel, "marker")
		if alice.has(channel, "client-typing") {
			t.Errorf("alice heard her own client event on %s", channel)
		}
	}
}

func cacheChannelsReplay(t *testing.T, w *world) {
	alice, bob := connect(t, w, "alice"), connect(t, w, "bob")
	for _, channel := range []string{"cache-price", "private-cache-price", "presence-cache-price", "private-encrypted-cache-price"} {
		alice.subscribe(channel)
		alice.expect(channel, "pusher:cache_miss")
		for _, cents := range []int{1, 2} {
			_, err := w.client.Trigger(t.Context(), channel, "changed", map[string]int{"cents": cents})
			succeeds(t, "Trigger", err)
		}
		alice.expectData(channel, "changed", `{"cents":1}`)
		alice.expectData(channel, "changed", `{"cents":2}`)
		bob.subscribe(channel)
		bob.expectData(channel, "changed", `{"cents":2}`)
	}
}

func subscribersHearCounts(t *testing.T, w *world) bool {
	alice, bob := connect(t, w, "alice"), connect(t, w, "bob")
	alice.subscribe("counted")
	bob.subscribe("counted")
	_, err := w.client.Trigger(t.Context(), "counted", "marker", "1")
	succeeds(t, "Trigger", err)
	alice.expect("counted", "marker")
	if !alice.has("counted", "pusher:subscription_count") {
		return false
	}
	alice.expectData("counted", "pusher:subscription_count", `{"subscription_count":1}`)
	alice.expectData("counted", "pusher:subscription_count", `{"subscription_count":2}`)
	return true
}

func watchersHearWhoComes(t *testing.T, w *world) bool {
	alice, friend := connect(t, w, "alice"), connect(t, w, "friend-of-alice")
	alice.signIn()
	friend.signIn()
	succeeds(t, "SendToUser", w.client.SendToUser(t.Context(), "alice", "marker", "1"))
	alice.expect(signedInUser, "marker")
	if !alice.has(userWatchlist, "online") {
		return false
	}
	alice.expectData(userWatchlist, "online", `{"name":"online","user_ids":["friend-of-alice"]}`)
	return true
}
