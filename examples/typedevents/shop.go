// Command typedevents defines its events once, in package events, and uses the
// definitions to publish events, to decode the client events of webhooks, and to write
// the JSON Schema from which the types of the browser are generated:
//
//	go run . > web/events.schema.json
//
// It is a separate module, so that the client does not depend on a JSON Schema
// library.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/openchannels/pusher-go/examples/typedevents/events"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

func main() {
	schema, err := eventsSchema()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s\n", schema)
}

// setPrice publishes the new price of a product. The compiler rejects data of any
// other type.
func setPrice(ctx context.Context, client *pusher.Client, price events.Price) error {
	_, err := events.PriceChanged.Trigger(ctx, client, "prices", price)
	return err
}

// webhookHandler calls typing for each client event of that name.
func webhookHandler(client *pusher.Client, typing func(userID string, t events.Typing)) http.Handler {
	return client.WebhookVerifier().Handler(func(ctx context.Context, hook *webhook.Webhook) error {
		for _, event := range hook.Events {
			event, ok := event.(webhook.ClientEvent)
			if !ok || event.Event != events.ClientTyping.Name() {
				continue
			}
			data, err := events.ClientTyping.Decode(event.Data)
			if err != nil {
				// A browser can send anything. An error would make Pusher send it again.
				slog.WarnContext(ctx, "client event ignored", "error", err)
				continue
			}
			typing(event.UserID, data)
		}
		return nil
	})
}
