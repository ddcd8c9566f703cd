package webhookredis_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/openchannels/pusher-go/examples/webhookredis"
	"github.com/openchannels/pusher-go/webhook"
)

func ExampleNewStore() {
	options, err := redis.ParseURL("redis://localhost:6379/0")
	if err != nil {
		log.Fatal(err)
	}
	options.ContextTimeoutEnabled = true // calls end with their context while Redis does not respond
	store := webhookredis.NewStore(redis.NewClient(options), "webhook:")
	verifier, err := webhook.New("your-key", "your-secret", webhook.WithDuplicateStore(store))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /pusher/webhook", verifier.Handler(func(ctx context.Context, hook *webhook.Webhook) error {
		return nil // handle hook.Events
	}))
	fmt.Println("ready")
	// Output: ready
}
