package contract_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// The webhooks that pushertest sends have every event and every property that the
// document describes, and no others.
func TestPackagePushertest(t *testing.T) {
	doc := load(t)
	body := doc.Webhooks["events"].Post.RequestBody.Value.Content["application/json"].Schema
	described := map[string]map[string]bool{} // properties by event
	for _, variant := range component(t, doc, "WebhookEvent").Value.OneOf {
		name, _ := variant.Value.Properties["name"].Value.Const.(string)
		described[name] = map[string]bool{}
		for property := range variant.Value.Properties {
			described[name][property] = true
		}
	}

	sent := map[string]map[string]bool{}
	for _, delivery := range pushertestDeliveries(t, len(described)) {
		if err := validate(t, body, delivery); err != nil {
			t.Errorf("pushertest sends %s, which does not conform to the document: %v: change pushertest/webhooks.go or openapi.yaml", delivery, err)
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(delivery, &object); err != nil {
			t.Fatal(err)
		}
		compareNames(t, body.Value.Properties, object,
			"property %q of WebhookDelivery is not sent: extend pushertest/webhooks.go",
			"property %q of a delivery is sent, but the document does not describe it: add it to WebhookDelivery")
		var events []map[string]any
		if err := json.Unmarshal(object["events"], &events); err != nil {
			t.Fatal(err)
		}
		for _, event := range events {
			name, _ := event["name"].(string)
			if sent[name] == nil {
				sent[name] = map[string]bool{}
			}
			for property := range event {
				sent[name][property] = true
			}
		}
	}

	compareNames(t, described, sent,
		"event %q is never sent: extend pushertest/webhooks.go, and let pushertestDeliveries in this test cause it",
		"event %q is sent, but the document does not describe it: add it to WebhookEvent")
	for name, properties := range described {
		if sent[name] != nil {
			compareNames(t, properties, sent[name],
				"property %q of "+name+" is never sent: extend pushertest/webhooks.go",
				"property %q of "+name+" is sent, but the document does not describe it: add it to the event's schema")
		}
	}
}

// pushertestDeliveries causes every kind of event, and returns the bodies of the
// webhooks. It waits for the given number of kinds, but not forever.
func pushertestDeliveries(t *testing.T, kinds int) []json.RawMessage {
	t.Helper()
	bodies := make(chan []byte, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}))
	defer receiver.Close()
	server, err := pushertest.New(pushertest.WithWebhook(receiver.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	subscribe := func(channel string, opts ...pushertest.SubscribeOption) *pushertest.Subscriber {
		subscriber, err := server.Subscribe(ctx, channel, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return subscriber
	}
	member := subscribe("presence-a", pushertest.AsMember("7", nil))
	if err := member.Send("client-a", `{"a":1}`); err != nil {
		t.Fatal(err)
	}
	member.Close()
	subscribe("cache-a").Close()

	var deliveries []json.RawMessage
	seen := map[string]bool{}
	for len(seen) < kinds {
		select {
		case body := <-bodies:
			deliveries = append(deliveries, body)
			var delivery struct{ Events []struct{ Name string } }
			if err := json.Unmarshal(body, &delivery); err != nil {
				t.Fatal(err)
			}
			for _, event := range delivery.Events {
				seen[event.Name] = true
			}
		case <-ctx.Done(): // the caller reports what is missing
			return deliveries
		}
	}
	return deliveries
}
