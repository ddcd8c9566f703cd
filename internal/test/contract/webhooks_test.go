package contract_test

import (
	"encoding/json"
	"slices"
	"testing"
)

// Sources: Pusher Channels docs, "Webhooks"; for the client event, which is a
// recorded one, Pusher's blog, "Receiving client events via webhooks".
var deliveries = map[string]string{
	"channel_occupied":   `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`,
	"channel_vacated":    `{"time_ms":1327078148132,"events":[{"name":"channel_vacated","channel":"my-channel"}]}`,
	"cache_miss":         `{"time_ms":1327078148132,"events":[{"name":"cache_miss","channel":"cache-my-channel"}]}`,
	"member_added":       `{"time_ms":1327078148132,"events":[{"name":"member_added","channel":"presence-your_channel_name","user_id":"a_user_id"}]}`,
	"member_removed":     `{"time_ms":1327078148132,"events":[{"name":"member_removed","channel":"presence-your_channel_name","user_id":"a_user_id"}]}`,
	"client_event":       `{"time_ms":1396258618139,"events":[{"name":"client_event","channel":"private-test_channel","event":"client-my_event","data":"{\"data\":1234}","socket_id":"34718.5367461"}]}`,
	"subscription_count": `{"time_ms":1327078148132,"events":[{"name":"subscription_count","channel":"my-channel","subscription_count":13}]}`,
}

func TestWebhookEvents(t *testing.T) {
	event := component(t, load(t), "WebhookEvent").Value
	want := sortedKeys(deliveries)

	var described []string
	for _, variant := range event.OneOf {
		name, _ := variant.Value.Properties["name"].Value.Const.(string)
		described = append(described, name)
		if got := event.Discriminator.Mapping[name].Ref; got != variant.Ref {
			t.Errorf("discriminator maps %q to %q, want %q", name, got, variant.Ref)
		}
	}
	slices.Sort(described)
	if !slices.Equal(described, want) {
		t.Errorf("WebhookEvent describes %q, want %q", described, want)
	}
	if got := sortedKeys(event.Discriminator.Mapping); !slices.Equal(got, want) {
		t.Errorf("discriminator maps %q, want %q", got, want)
	}
}

func TestWebhookEvents_PublishedExamples(t *testing.T) {
	delivery := load(t).Webhooks["events"].Post.RequestBody.Value.Content["application/json"].Schema
	for name, body := range deliveries {
		if err := validate(t, delivery, json.RawMessage(body)); err != nil {
			t.Errorf("%s: %s does not conform to its schema: %v", name, body, err)
		}
	}
}

func TestWebhooks_Security(t *testing.T) {
	want := map[string][]string{
		"receiveWebhook":   {"webhookKey", "webhookSignature"},
		"authorizeChannel": nil, // sent by a browser, which the app identifies by its own session
		"authenticateUser": nil,
	}
	doc := load(t)
	for name, item := range doc.Webhooks {
		op := item.Post
		if op == nil || op.Security == nil {
			t.Errorf("webhook %s: no POST operation that sets its security", name)
			continue
		}
		expected, ok := want[op.OperationID]
		if !ok {
			t.Errorf("webhook %s: operationId %q is not in this test's table", name, op.OperationID)
		}
		delete(want, op.OperationID)
		var got []string
		for _, requirement := range *op.Security {
			got = append(got, sortedKeys(requirement)...)
		}
		if !slices.Equal(got, expected) {
			t.Errorf("%s: security %q, want %q", op.OperationID, got, expected)
		}
	}
	for id := range want {
		t.Errorf("%s is not described", id)
	}
}
