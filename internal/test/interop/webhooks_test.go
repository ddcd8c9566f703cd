//go:build interop

package interop_test

import (
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

// hooking is what the server tells our webhook handler of what pusher-js does.
func hooking() []feature {
	return []feature{
		{"Webhooks (`webhook`): occupied, vacated", always(channelsAreReported)},
		{"Webhooks: members", always(membersAreReported)},
		{"Webhooks: client events", always(clientEventsAreReported)},
		{"Webhooks: cache misses", always(cacheMissesAreReported)},
		{"Webhooks: subscription counts", countsAreReported},
	}
}

func channelsAreReported(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	alice.subscribe("private-hooked")
	w.expectWebhook(t, webhook.ChannelOccupied{Channel: "private-hooked"})
	alice.unsubscribe("private-hooked")
	w.expectWebhook(t, webhook.ChannelVacated{Channel: "private-hooked"})
}

func membersAreReported(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	alice.subscribe("presence-hooked")
	w.expectWebhook(t, webhook.MemberAdded{Channel: "presence-hooked", UserID: "alice"})
	alice.unsubscribe("presence-hooked")
	w.expectWebhook(t, webhook.MemberRemoved{Channel: "presence-hooked", UserID: "alice"})
}

func clientEventsAreReported(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	for channel, user := range map[string]string{"private-hooked-events": "", "presence-hooked-events": "alice"} {
		alice.subscribe(channel)
		alice.send(channel, "client-typing", map[string]bool{"on": true})
		w.expectWebhook(t, webhook.ClientEvent{Channel: channel, Event: "client-typing", Data: `{"on":true}`, SocketID: alice.socketID, UserID: user})
		alice.send(channel, "client-said", "hello")
		w.expectWebhook(t, webhook.ClientEvent{Channel: channel, Event: "client-said", Data: "hello", SocketID: alice.socketID, UserID: user})
	}
}

func cacheMissesAreReported(t *testing.T, w *world) {
	connect(t, w, "alice").subscribe("cache-hooked")
	w.expectWebhook(t, webhook.CacheMiss{Channel: "cache-hooked"})
}

func countsAreReported(t *testing.T, w *world) bool {
	alice := connect(t, w, "alice")
	alice.subscribe("hooked-counts")
	alice.unsubscribe("hooked-counts")
	w.expectWebhook(t, webhook.ChannelVacated{Channel: "hooked-counts"})
	return w.hasWebhook(webhook.SubscriptionCount{Channel: "hooked-counts", Count: 1})
}
