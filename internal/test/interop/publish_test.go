//go:build interop

package interop_test

import (
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// publishing is what our client publishes and pusher-js has to hear.
func publishing() []feature {
	return []feature{
		{"`Trigger`", always(triggerReaches)},
		{"`Trigger` on an encrypted channel", always(encryptedEventIsReadable)},
		{"`TriggerMulti`", always(multiReachesEveryChannel)},
		{"`TriggerBatch`", always(batchReachesEveryChannel)},
		{"`ExcludeSocket`", always(excludedSocketHearsNothing)},
		{"`WithInfo`: counts in the answer", triggerAnswersCounts},
		{"`SendToUser`", always(userIsReached)},
		{"`TerminateUserConnections`", always(terminatedClientStaysAway)},
	}
}

func triggerReaches(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	alice.subscribe("news@=,.;")
	for _, data := range []any{map[string]any{"html": "<&>", "text": "Zoë 🎈"}, []int{1, 2}, `"text"`, `{"already":"JSON"}`} {
		_, err := w.client.Trigger(t.Context(), "news@=,.;", "changed", data)
		succeeds(t, "Trigger", err)
		want, isText := data.(string)
		if !isText {
			want = encode(t, data)
		}
		alice.expectData("news@=,.;", "changed", want)
	}
	// pusher-js hands on what is no JSON as text.
	_, err := w.client.Trigger(t.Context(), "news@=,.;", "changed", "no JSON")
	succeeds(t, "Trigger", err)
	alice.expectData("news@=,.;", "changed", `"no JSON"`)
}

func encryptedEventIsReadable(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	for _, channel := range []string{"private-encrypted-room", "private-encrypted-cache-room"} {
		alice.subscribe(channel)
		_, err := w.client.Trigger(t.Context(), channel, "secret", map[string]string{"text": "Zoë"})
		succeeds(t, "Trigger", err)
		alice.expectData(channel, "secret", `{"text":"Zoë"}`)
	}
	_, err := w.client.TriggerBatch(t.Context(), []pusher.Event{{Channel: "private-encrypted-room", Name: "secret", Data: []int{1}}})
	succeeds(t, "TriggerBatch", err)
	alice.expectData("private-encrypted-room", "secret", `[1]`)
}

func multiReachesEveryChannel(t *testing.T, w *world) {
	alice, bob := connect(t, w, "alice"), connect(t, w, "bob")
	alice.subscribe("multi-1")
	bob.subscribe("private-multi-2")
	_, err := w.client.TriggerMulti(t.Context(), []string{"multi-1", "private-multi-2", "multi-vacant"}, "e", map[string]int{"n": 1})
	succeeds(t, "TriggerMulti", err)
	alice.expectData("multi-1", "e", `{"n":1}`)
	bob.expectData("private-multi-2", "e", `{"n":1}`)
}

func batchReachesEveryChannel(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	alice.subscribe("batch-1")
	alice.subscribe("presence-batch-2")
	var events []pusher.Event
	for n := range 5 {
		events = append(events,
			pusher.Event{Channel: "batch-1", Name: "one", Data: n},
			pusher.Event{Channel: "presence-batch-2", Name: "two", Data: n, SocketID: "1.1"},
		)
	}
	_, err := w.client.TriggerBatch(t.Context(), events)
	succeeds(t, "TriggerBatch", err)
	for n := range 5 {
		alice.expectData("batch-1", "one", encode(t, n))
		alice.expectData("presence-batch-2", "two", encode(t, n))
	}
}

func excludedSocketHearsNothing(t *testing.T, w *world) {
	alice, bob := connect(t, w, "alice"), connect(t, w, "bob")
	alice.subscribe("excluding")
	bob.subscribe("excluding")
	_, err := w.client.Trigger(t.Context(), "excluding", "others", "1", pusher.ExcludeSocket(alice.socketID))
	succeeds(t, "Trigger", err)
	_, err = w.client.TriggerBatch(t.Context(), []pusher.Event{
		{Channel: "excluding", Name: "others", Data: "2", SocketID: alice.socketID},
		{Channel: "excluding", Name: "everyone", Data: "3"},
	})
	succeeds(t, "TriggerBatch", err)
	bob.expectData("excluding", "others", "1")
	bob.expectData("excluding", "others", "2")
	alice.expectData("excluding", "everyone", "3")
	if alice.has("excluding", "others") {
		t.Error("the excluded socket heard the event")
	}
}

func triggerAnswersCounts(t *testing.T, w *world) bool {
	connect(t, w, "alice").subscribe("presence-counted")
	result, err := w.client.Trigger(t.Context(), "presence-counted", "e", "1", pusher.WithInfo(pusher.UserCount, pusher.SubscriptionCount))
	succeeds(t, "Trigger", err)
	batch, err := w.client.TriggerBatch(t.Context(), []pusher.Event{{Channel: "presence-counted", Name: "e", Data: "1", Info: []pusher.Attribute{pusher.UserCount}}})
	succeeds(t, "TriggerBatch", err)
	if result.Channels == nil && batch.Batch == nil {
		return false
	}
	wantCount(t, "Trigger's user count", result.Channels["presence-counted"].UserCount, 1)
	wantCount(t, "Trigger's subscription count", result.Channels["presence-counted"].SubscriptionCount, 1)
	if len(batch.Batch) != 1 {
		t.Fatalf("TriggerBatch of one event: got %d entries, want 1", len(batch.Batch))
	}
	wantCount(t, "TriggerBatch's user count", batch.Batch[0].UserCount, 1)
	return true
}

func userIsReached(t *testing.T, w *world) {
	alice, bob := connect(t, w, "alice"), connect(t, w, "bob")
	alice.signIn()
	bob.signIn()
	succeeds(t, "SendToUser", w.client.SendToUser(t.Context(), "alice", "invoice", map[string]int{"n": 42}))
	succeeds(t, "SendToUser", w.client.SendToUser(t.Context(), "bob", "invoice", map[string]int{"n": 43}))
	alice.expectData(signedInUser, "invoice", `{"n":42}`)
	bob.expectData(signedInUser, "invoice", `{"n":43}`)
	if alice.has(signedInUser, "invoice") {
		t.Error("alice heard what was sent to bob")
	}
}

// pusher-js reconnects from every state but "disconnected".
func terminatedClientStaysAway(t *testing.T, w *world) {
	mallory, bob := connect(t, w, "mallory"), connect(t, w, "bob")
	mallory.signIn()
	bob.signIn()
	succeeds(t, "TerminateUserConnections", w.client.TerminateUserConnections(t.Context(), "mallory"))
	mallory.expect(connection, "disconnected")
	succeeds(t, "SendToUser", w.client.SendToUser(t.Context(), "bob", "still", "1"))
	bob.expect(signedInUser, "still")
	if mallory.has(connection, "connecting") || bob.has(connection, "disconnected") {
		t.Error("mallory reconnects, or bob was disconnected")
	}
}
