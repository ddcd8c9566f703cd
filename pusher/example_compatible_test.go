package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// A server, or an account, that accepts data of up to 100 KiB.
func ExampleWithMaxEventBytes() {
	server := pushertest.NewServer(pushertest.WithMaxEventBytes(100 << 10))
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithMaxEventBytes(100<<10))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(context.Background(), "prices", "prices-changed", strings.Repeat("x", 50<<10))
	fmt.Println(err)
	// Output: <nil>
}

// Nothing is sent, and invalid arguments are still errors.
func ExampleWithDiscard() {
	client, err := pusher.New(pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"}, pusher.WithDiscard())
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(context.Background(), "prices", "price-changed", 349)
	fmt.Println(err)
	_, err = client.Trigger(context.Background(), "a channel", "price-changed", 349)
	fmt.Println(errors.Is(err, pusher.ErrInvalid))
	// Output:
	// <nil>
	// true
}

func ExampleWithMaxBodyBytes() {
	client, err := pusher.New(
		pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"},
		pusher.WithBaseURL("https://reverb.example.com"),
		pusher.WithMaxBodyBytes(9_000),
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(context.Background(), "prices", "price-changed", strings.Repeat("x", 9_000))
	fmt.Println(errors.Is(err, pusher.ErrTooLarge))
	// Output: true
}

func ExampleWithPathPrefix() {
	client, err := pusher.New(
		pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"},
		pusher.WithBaseURL("https://example.com"),
		pusher.WithPathPrefix("/reverb"), // sent, and not signed
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pusher.Client(https://example.com/apps/app-id)
}

func ExampleWithIdempotencyKey() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	_, err := client.Trigger(ctx, "orders", "created", "order 4711", pusher.WithIdempotencyKey("order-4711-created"))
	fmt.Println(err)
	// Output: <nil>
}

// A priceClient stands in for a client in a test of the code that publishes prices.
type priceClient struct{ published []string }

func (c *priceClient) Trigger(_ context.Context, channel, event string, _ any, _ ...pusher.TriggerOption) (*pusher.TriggerResult, error) {
	c.published = append(c.published, channel+" "+event)
	return nil, &pusher.Error{Status: 429}
}

// A mock needs only the method that is called.
func ExampleTriggerer() {
	mock := &priceClient{}
	_, err := PriceChanged.Trigger(context.Background(), mock, "prices", Price{Cents: 349})
	fmt.Println(mock.published, errors.Is(err, pusher.ErrRateLimited))
	// Output: [prices price-changed] true
}
