//go:build interop

package interop_test

import (
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

// webhookFeatures are the webhooks that a server sends when clients of pusher-js
// subscribe, unsubscribe and send events.
func webhookFeatures() []feature {
	return []feature{
		{"Webhooks (`webhook`): occupied, vacated", mandatory(checkChannelWebhooks)},
		{"Webhooks: members", mandatory(checkMemberWebhooks)},
		{"Webhooks: client events", mandatory(checkClientEventWebhooks)},
		{"Webhooks: cache misses", mandatory(checkCacheMissWebhooks)},
		{"Webhooks: subscription counts", checkSubscriptionCountWebhooks},
	}
}

func checkChannelWebhooks(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	alice.subscribe("private-webhook")
	env.expectWebhook(t, webhook.ChannelOccupied{Channel: "private-webhook"})
	alice.unsubscribe("private-webhook")
	env.expectWebhook(t, webhook.ChannelVacated{Channel: "private-webhook"})
}

func checkMemberWebhooks(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	alice.subscribe("presence-webhook")
	env.expectWebhook(t, webhook.MemberAdded{Channel: "presence-webhook", UserID: "alice"})
	alice.unsubscribe("presence-webhook")
	env.expectWebhook(t, webhook.MemberRemoved{Channel: "presence-webhook", UserID: "alice"})
}

func checkClientEventWebhooks(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	for channel, user := range map[string]string{"private-webhook-events": "", "presence-webhook-events": "alice"} {
		alice.subscribe(channel)
		alice.send(channel, "client-typing", map[string]bool{"on": true})
		env.expectWebhook(t, webhook.ClientEvent{Channel: channel, Event: "client-typing", Data: `{"on":true}`, SocketID: alice.socketID, UserID: user})
		alice.send(channel, "client-message", "hello")
		env.expectWebhook(t, webhook.ClientEvent{Channel: channel, Event: "client-message", Data: "hello", SocketID: alice.socketID, UserID: user})
	}
}

func checkCacheMissWebhooks(t *testing.T, env *environment) {
	connect(t, env, "alice").subscribe("cache-webhook")
	env.expectWebhook(t, webhook.CacheMiss{Channel: "cache-webhook"})
}

func checkSubscriptionCountWebhooks(t *testing.T, env *environment) bool {
	alice := connect(t, env, "alice")
	alice.subscribe("webhook-counts")
	alice.unsubscribe("webhook-counts")
	env.expectWebhook(t, webhook.ChannelVacated{Channel: "webhook-counts"})
	return env.hasWebhook(webhook.SubscriptionCount{Channel: "webhook-counts", Count: 1})
}
