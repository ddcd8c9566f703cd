//go:build interop

package interop_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// publishFeatures are calls of a client whose effect clients of pusher-js observe.
func publishFeatures() []feature {
	return []feature{
		{"`Trigger`", mandatory(checkTrigger)},
		{"`Trigger` on an encrypted channel", mandatory(checkTriggerEncrypted)},
		{"`TriggerMulti`", mandatory(checkTriggerMulti)},
		{"`TriggerBatch`", mandatory(checkTriggerBatch)},
		{"`ExcludeSocket`", mandatory(checkExcludeSocket)},
		{"`WithInfo`: counts in the response", checkWithInfo},
		{"`Publisher`", mandatory(checkPublisher)},
		{"`SendToUser`", mandatory(checkSendToUser)},
		{"`TerminateUserConnections`", mandatory(checkTerminateUserConnections)},
	}
}

func checkTrigger(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	alice.subscribe("news@=,.;")
	for _, data := range []any{map[string]any{"html": "<&>", "text": "Zoë 🎈"}, []int{1, 2}, `"text"`, `{"already":"JSON"}`} {
		_, err := env.client.Trigger(t.Context(), "news@=,.;", "changed", data)
		noError(t, "Trigger", err)
		want, isString := data.(string)
		if !isString {
			want = encodeJSON(t, data)
		}
		alice.expectData("news@=,.;", "changed", want)
	}
	// pusher-js passes data that is not JSON as a string.
	_, err := env.client.Trigger(t.Context(), "news@=,.;", "changed", "no JSON")
	noError(t, "Trigger", err)
	alice.expectData("news@=,.;", "changed", `"no JSON"`)
}

func checkTriggerEncrypted(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	for _, channel := range []string{"private-encrypted-room", "private-encrypted-cache-room"} {
		alice.subscribe(channel)
		_, err := env.client.Trigger(t.Context(), channel, "secret", map[string]string{"text": "Zoë"})
		noError(t, "Trigger", err)
		alice.expectData(channel, "secret", `{"text":"Zoë"}`)
	}
	_, err := env.client.TriggerBatch(t.Context(), []pusher.Event{{Channel: "private-encrypted-room", Name: "secret", Data: []int{1}}})
	noError(t, "TriggerBatch", err)
	alice.expectData("private-encrypted-room", "secret", `[1]`)
}

func checkTriggerMulti(t *testing.T, env *environment) {
	alice, bob := connect(t, env, "alice"), connect(t, env, "bob")
	alice.subscribe("multi-1")
	bob.subscribe("private-multi-2")
	_, err := env.client.TriggerMulti(t.Context(), []string{"multi-1", "private-multi-2", "multi-vacant"}, "e", map[string]int{"n": 1})
	noError(t, "TriggerMulti", err)
	alice.expectData("multi-1", "e", `{"n":1}`)
	bob.expectData("private-multi-2", "e", `{"n":1}`)
}

func checkTriggerBatch(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	alice.subscribe("batch-1")
	alice.subscribe("presence-batch-2")
	var events []pusher.Event
	for n := range 5 {
		events = append(events,
			pusher.Event{Channel: "batch-1", Name: "one", Data: n},
			pusher.Event{Channel: "presence-batch-2", Name: "two", Data: n, SocketID: "1.1"},
		)
	}
	_, err := env.client.TriggerBatch(t.Context(), events)
	noError(t, "TriggerBatch", err)
	for n := range 5 {
		alice.expectData("batch-1", "one", encodeJSON(t, n))
		alice.expectData("presence-batch-2", "two", encodeJSON(t, n))
	}
}

func checkExcludeSocket(t *testing.T, env *environment) {
	alice, bob := connect(t, env, "alice"), connect(t, env, "bob")
	alice.subscribe("exclude")
	bob.subscribe("exclude")
	_, err := env.client.Trigger(t.Context(), "exclude", "others", "1", pusher.ExcludeSocket(alice.socketID))
	noError(t, "Trigger", err)
	_, err = env.client.TriggerBatch(t.Context(), []pusher.Event{
		{Channel: "exclude", Name: "others", Data: "2", SocketID: alice.socketID},
		{Channel: "exclude", Name: "everyone", Data: "3"},
	})
	noError(t, "TriggerBatch", err)
	bob.expectData("exclude", "others", "1")
	bob.expectData("exclude", "others", "2")
	alice.expectData("exclude", "everyone", "3")
	if alice.has("exclude", "others") {
		t.Error("the excluded connection received an event")
	}
}

func checkWithInfo(t *testing.T, env *environment) bool {
	connect(t, env, "alice").subscribe("presence-counted")
	result, err := env.client.Trigger(t.Context(), "presence-counted", "e", "1", pusher.WithInfo(pusher.UserCount, pusher.SubscriptionCount))
	noError(t, "Trigger", err)
	batch, err := env.client.TriggerBatch(t.Context(), []pusher.Event{{Channel: "presence-counted", Name: "e", Data: "1", Info: []pusher.Attribute{pusher.UserCount}}})
	noError(t, "TriggerBatch", err)
	if result.Channels == nil && batch.Batch == nil {
		return false
	}
	wantCount(t, "Trigger's user count", result.Channels["presence-counted"].UserCount, 1)
	wantCount(t, "Trigger's subscription count", result.Channels["presence-counted"].SubscriptionCount, 1)
	if len(batch.Batch) != 1 {
		t.Fatalf("TriggerBatch of one event: got %d results, want 1", len(batch.Batch))
	}
	wantCount(t, "TriggerBatch's user count", batch.Batch[0].UserCount, 1)
	return true
}

// checkPublisher publishes many events and checks that the subscriber of each channel
// receives all of them in order.
func checkPublisher(t *testing.T, env *environment) {
	const events = 100 // per channel
	var channels []string
	for n := range 5 {
		channels = append(channels, fmt.Sprintf("publisher-%d", n))
	}
	alice := connect(t, env, "alice")
	for _, channel := range channels {
		alice.subscribe(channel)
	}
	results := newEventLog[pusher.PublishResult]()
	publisher, err := env.client.NewPublisher(pusher.PublisherConfig{
		OnResult: func(_ context.Context, result pusher.PublishResult) { results.add(result) },
	})
	noError(t, "NewPublisher", err)
	for n := range events {
		for _, channel := range channels {
			noError(t, "Publish", publisher.Publish(t.Context(), pusher.Event{Channel: channel, Name: "e", Data: n}))
		}
	}
	noError(t, "Close", publisher.Close(t.Context()))
	all, _ := results.all()
	if want := events * len(channels); len(all) != want {
		t.Errorf("got %d results, want %d", len(all), want)
	}
	for _, result := range all {
		if result.Err != nil {
			t.Errorf("result of %v on %s: %v", result.Event.Data, result.Event.Channel, result.Err)
		}
	}
	for _, channel := range channels {
		for n := range events {
			alice.expectData(channel, "e", encodeJSON(t, n))
		}
	}
	if requests := publisher.Stats().Requests; requests >= events*int64(len(channels)) {
		t.Errorf("%d events in %d requests, want batches", events*len(channels), requests)
	}
}

func checkSendToUser(t *testing.T, env *environment) {
	alice, bob := connect(t, env, "alice"), connect(t, env, "bob")
	alice.signIn()
	bob.signIn()
	noError(t, "SendToUser", env.client.SendToUser(t.Context(), "alice", "invoice", map[string]int{"n": 42}))
	noError(t, "SendToUser", env.client.SendToUser(t.Context(), "bob", "invoice", map[string]int{"n": 43}))
	alice.expectData(userChannel, "invoice", `{"n":42}`)
	bob.expectData(userChannel, "invoice", `{"n":43}`)
	if alice.has(userChannel, "invoice") {
		t.Error("alice received an event for bob")
	}
}

// checkTerminateUserConnections expects the state "disconnected", the only one from which
// pusher-js does not reconnect.
func checkTerminateUserConnections(t *testing.T, env *environment) {
	mallory, bob := connect(t, env, "mallory"), connect(t, env, "bob")
	mallory.signIn()
	bob.signIn()
	noError(t, "TerminateUserConnections", env.client.TerminateUserConnections(t.Context(), "mallory"))
	mallory.expect(connection, "disconnected")
	noError(t, "SendToUser", env.client.SendToUser(t.Context(), "bob", "still", "1"))
	bob.expect(userChannel, "still")
	if mallory.has(connection, "connecting") || bob.has(connection, "disconnected") {
		t.Error("mallory reconnected, or bob was disconnected")
	}
}
