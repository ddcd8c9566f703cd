package pusher_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func examplePublisher(config pusher.PublisherConfig) *pusher.Publisher {
	client, err := pusher.NewFromURL(exampleServer.PusherURL())
	if err != nil {
		log.Fatal(err)
	}
	publisher, err := client.NewPublisher(config)
	if err != nil {
		log.Fatal(err)
	}
	return publisher
}

func ExampleClient_NewPublisher() {
	ctx := context.Background()
	client, err := pusher.NewFromURL(exampleServer.PusherURL())
	if err != nil {
		log.Fatal(err)
	}

	publisher, err := client.NewPublisher(pusher.PublisherConfig{
		Concurrency: 16,
		QueueSize:   50_000,
		OnResult: func(_ context.Context, r pusher.PublishResult) {
			if r.Err != nil {
				log.Println(r.Event.Channel, r.Err)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 1000 {
		event := pusher.Event{Channel: fmt.Sprint("device-", i%50), Name: "moved", Data: map[string]int{"position": i}}
		if err := publisher.Publish(ctx, event); err != nil {
			log.Fatal(err)
		}
	}
	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(publisher.Stats().Sent, "events sent")
	// Output: 1000 events sent
}

func ExamplePublisher_Publish() {
	ctx := context.Background()
	publisher := examplePublisher(pusher.PublisherConfig{})
	defer func() { _ = publisher.Close(ctx) }()

	err := publisher.Publish(ctx, pusher.Event{Channel: "no spaces please", Name: "changed"})
	fmt.Println(errors.Is(err, pusher.ErrInvalid))
	// Output: true
}

func ExamplePublisher_PublishMulti() {
	ctx := context.Background()
	publisher := examplePublisher(pusher.PublisherConfig{})
	channels := make([]string, 250)
	for i := range channels {
		channels[i] = fmt.Sprint("shop-", i)
	}

	if err := publisher.PublishMulti(ctx, channels, pusher.Event{Name: "closing-time", Data: "18:00"}); err != nil {
		log.Fatal(err)
	}

	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	stats := publisher.Stats()
	fmt.Println(stats.Sent, "events in", stats.Requests, "requests")
	// Output: 250 events in 3 requests
}

func ExamplePublisher_Flush() {
	ctx := context.Background()
	publisher := examplePublisher(pusher.PublisherConfig{Linger: time.Minute})
	defer func() { _ = publisher.Close(ctx) }()
	for i := range 3 {
		if err := publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "changed", Data: i}); err != nil {
			log.Fatal(err)
		}
	}
	if err := publisher.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(publisher.Stats().Sent)
	// Output: 3
}

func ExamplePublisher_Close() {
	publisher := examplePublisher(pusher.PublisherConfig{})

	// At the end of the program, allow ten seconds for queued events.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := publisher.Close(ctx); err != nil {
		log.Println("some events were not published:", err)
	}

	err := publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "changed"})
	fmt.Println(err)
	// Output: pusher: Publish: closed
}

func ExamplePublisher_Stats() {
	publisher := examplePublisher(pusher.PublisherConfig{})
	defer func() { _ = publisher.Close(context.Background()) }()

	expvar.Publish("pusher", expvar.Func(func() any { return publisher.Stats() }))
	fmt.Println(expvar.Get("pusher"))
	// Output: {"queued":0,"in_flight":0,"sent":0,"failed":0,"dropped":0,"requests":0,"retries":0}
}

// A callback may publish, with the context it was given.
func ExamplePublisherConfig_onResult() {
	ctx := context.Background()
	var publisher *pusher.Publisher
	var sent atomic.Int64
	publisher = examplePublisher(pusher.PublisherConfig{
		OnResult: func(ctx context.Context, r pusher.PublishResult) {
			switch {
			case r.Err == nil:
				sent.Add(1)
			case errors.Is(r.Err, pusher.ErrForbidden):
				_ = publisher.Publish(ctx, pusher.Event{Channel: "admins", Name: "over-quota"})
			}
		},
	})
	if err := publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "changed", Data: "tea"}); err != nil {
		log.Fatal(err)
	}
	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Load(), "sent")
	// Output: 1 sent
}

// Reject instead of waiting when the server does not keep up.
func ExamplePublisherConfig_overflow() {
	ctx := context.Background()
	publisher := examplePublisher(pusher.PublisherConfig{QueueSize: 100, Overflow: pusher.Reject})
	channels := make([]string, 1000)
	for i := range channels {
		channels[i] = fmt.Sprint("device-", i)
	}
	err := publisher.PublishMulti(ctx, channels, pusher.Event{Name: "changed"})
	fmt.Println(errors.Is(err, pusher.ErrQueueFull))
	_ = publisher.Close(ctx)
	// Output: true
}
