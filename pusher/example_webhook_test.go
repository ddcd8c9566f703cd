package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

// The webhook example of the Ruby gem.
func ExampleClient_ParseWebhook() {
	client, err := pusher.NewFromURL("https://key:secret@api-eu.pusher.com/apps/42")
	if err != nil {
		log.Fatal(err)
	}

	handle := func(w http.ResponseWriter, r *http.Request) {
		hook, err := client.ParseWebhook(r)
		if err != nil {
			http.Error(w, "invalid", http.StatusUnauthorized)
			return
		}
		for _, event := range hook.Events {
			switch event := event.(type) {
			case webhook.ChannelOccupied:
				fmt.Println("Channel occupied:", event.Channel)
			case webhook.ChannelVacated:
				fmt.Println("Channel vacated:", event.Channel)
			}
		}
		fmt.Fprint(w, "ok")
	}

	w := httptest.NewRecorder()
	handle(w, webhookRequest("key", "secret", `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"news"},{"name":"channel_vacated","channel":"lobby"}]}`))
	fmt.Println(w.Code, w.Body)
	w = httptest.NewRecorder()
	handle(w, webhookRequest("key", "forged", `{}`))
	fmt.Println(w.Code)
	// Output:
	// Channel occupied: news
	// Channel vacated: lobby
	// 200 ok
	// 401
}

// webhookRequest returns a signed request as Pusher sends it.
func webhookRequest(key, secret, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/pusher/webhook", strings.NewReader(body))
	r.Header = webhook.SignedHeader(key, secret, []byte(body))
	return r
}

// Keys are rotated in three steps: accept the old key as well, deploy the new
// credentials, and remove the old key.
func ExampleWithWebhookOptions() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "new-key", Secret: "new-secret"},
		pusher.WithWebhookOptions(webhook.WithKey("old-key", "old-secret")))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range []*http.Request{
		webhookRequest("old-key", "old-secret", `{"time_ms":1327078148132,"events":[]}`),
		webhookRequest("new-key", "new-secret", `{"time_ms":1327078148132,"events":[]}`),
		webhookRequest("new-key", "old-secret", `{"time_ms":1327078148132,"events":[]}`),
	} {
		_, err := client.ParseWebhook(r)
		fmt.Println(err == nil, errors.Is(err, webhook.ErrSignature))
	}
	// Output:
	// true false
	// true false
	// false true
}

// A complete webhook endpoint, which reads, verifies and acknowledges the request. Pusher
// repeats a webhook for which the function returns an error.
func ExampleClient_WebhookVerifier() {
	client, err := pusher.NewFromURL("https://key:secret@api-eu.pusher.com/apps/42")
	if err != nil {
		log.Fatal(err)
	}

	endpoint := client.WebhookVerifier().Handler(func(_ context.Context, hook *webhook.Webhook) error {
		fmt.Println(len(hook.Events), "events")
		return nil
	})

	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, webhookRequest("key", "secret", `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"news"}]}`))
	fmt.Println(w.Code)
	// Output:
	// 1 events
	// 200
}
