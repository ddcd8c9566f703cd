package pusher_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"log"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func exampleClient() *pusher.Client {
	client, err := pusher.NewFromURL(exampleServer.PusherURL())
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleClient_NewPublisher() {
	ctx, client := context.Background(), exampleClient()

	publisher, err := client.NewPublisher(
		pusher.Lanes(16),
		pusher.QueueSize(50_000),
		pusher.OnReport(func(_ context.Context, report pusher.Report) {
			if report.Err != nil {
				log.Println(report.Event.Channel, report.Err)
			}
		}),
	)
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
	ctx, client := context.Background(), exampleClient()
	publisher, err := client.NewPublisher()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = publisher.Close(ctx) }()

	err = publisher.Publish(ctx, pusher.Event{Channel: "no spaces please", Name: "changed"})
	fmt.Println(errors.Is(err, pusher.ErrInvalid))
	// Output: true
}

func ExamplePublisher_PublishMulti() {
	ctx, client := context.Background(), exampleClient()
	publisher, err := client.NewPublisher(pusher.Lanes(1))
	if err != nil {
		log.Fatal(err)
	}
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
	fmt.Println(stats.Sent, "events in", stats.Batches, "requests")
	// Output: 250 events in 3 requests
}

func ExamplePublisher_Flush() {
	ctx, client := context.Background(), exampleClient()
	publisher, err := client.NewPublisher(pusher.Linger(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
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
	client := exampleClient()
	publisher, err := client.NewPublisher()
	if err != nil {
		log.Fatal(err)
	}
	// At the end of the program, give what is queued ten seconds.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := publisher.Close(ctx); err != nil {
		log.Println("events were given up:", err)
	}

	err = publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "changed"})
	fmt.Println(err)
	// Output: pusher: Publish: closed
}

func ExamplePublisher_Stats() {
	publisher, err := exampleClient().NewPublisher()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = publisher.Close(context.Background()) }()

	expvar.Publish("pusher", expvar.Func(func() any { return publisher.Stats() }))
	fmt.Println(expvar.Get("pusher"))
	// Output: {"queued":0,"in_flight":0,"sent":0,"failed":0,"dropped":0,"batches":0,"retried":0,"latency":[]}
}

func ExampleHistogram_Quantile() {
	latency := pusher.Histogram{
		{UpTo: 10 * time.Millisecond, Count: 90},
		{UpTo: 20 * time.Millisecond, Count: 10},
	}
	fmt.Println(latency.Quantile(0.5), latency.Quantile(0.99))
	// Output: 10ms 20ms
}

func ExampleOnReport() {
	ctx, client := context.Background(), exampleClient()
	var publisher *pusher.Publisher
	var sent atomic.Int64
	publisher, err := client.NewPublisher(pusher.OnReport(func(ctx context.Context, report pusher.Report) {
		switch {
		case report.Err == nil:
			sent.Add(1)
		case errors.Is(report.Err, pusher.ErrForbidden):
			// With this ctx Publish does not wait, even if the queue is full.
			_ = publisher.Publish(ctx, pusher.Event{Channel: "admins", Name: "over-quota"})
		}
	}))
	if err != nil {
		log.Fatal(err)
	}
	if err := publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "changed", Data: "tea"}); err != nil {
		log.Fatal(err)
	}
	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Load(), "sent")
	// Output: 1 sent
}

func ExampleAtMostOnce() {
	publisher, err := exampleClient().NewPublisher(pusher.AtMostOnce())
	if err != nil {
		log.Fatal(err)
	}
	err = publisher.Close(context.Background())
	fmt.Println(err)
	// Output: <nil>
}

func ExampleRefuseWhenFull() {
	ctx := context.Background()
	publisher, err := exampleClient().NewPublisher(pusher.RefuseWhenFull(), pusher.QueueSize(100))
	if err != nil {
		log.Fatal(err)
	}
	channels := make([]string, 1000)
	for i := range channels {
		channels[i] = fmt.Sprint("device-", i)
	}
	err = publisher.PublishMulti(ctx, channels, pusher.Event{Name: "changed"})
	fmt.Println(errors.Is(err, pusher.ErrQueueFull))
	_ = publisher.Close(ctx)
	// Output: true
}

func ExampleLanes() {
	publisher, err := exampleClient().NewPublisher(
		pusher.Lanes(32),                   // requests at the same time
		pusher.Linger(20*time.Millisecond), // for fewer and fuller requests
		pusher.QueueSize(100_000),          // events held in memory
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(publisher.Close(context.Background()))
	// Output: <nil>
}

func ExampleClient_TriggerAsync() {
	ctx, client := context.Background(), exampleClient()

	client.TriggerAsync(ctx, "prices", "changed", map[string]int{"cents": 349}).
		OnSuccess(func(*pusher.TriggerResult) { fmt.Println("triggered") }).
		OnError(func(err error) { fmt.Println(err) })

	// At the end of the program:
	if err := client.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: triggered
}

func ExampleClient_TriggerMultiAsync() {
	ctx, client := context.Background(), exampleClient()

	future := client.TriggerMultiAsync(ctx, []string{"prices", "stock"}, "changed", "tea", pusher.WithInfo(pusher.SubscriptionCount))
	// Do something else, and then:
	result, err := future.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*result.Channels["prices"].SubscriptionCount)
	// Output: 3
}

func ExampleClient_TriggerBatchAsync() {
	ctx, client := context.Background(), exampleClient()
	future := client.TriggerBatchAsync(ctx, []pusher.Event{
		{Channel: "prices", Name: "changed", Data: "tea"},
		{Channel: "stock", Name: "arrived", Data: "coffee"},
	})
	<-future.Done()
	_, err := future.Wait(ctx)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_GetAsync() {
	ctx, client := context.Background(), exampleClient()
	answer, err := client.GetAsync(ctx, "/channels", url.Values{"filter_by_prefix": {"presence-"}}).Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(answer) > 0)
	// Output: true
}

func ExampleClient_PostAsync() {
	ctx, client := context.Background(), exampleClient()
	body := map[string]any{"channels": []string{"prices"}, "name": "changed", "data": "tea"}
	answer, err := client.PostAsync(ctx, "/events", body).Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer))
	// Output: {}
}

func ExampleFuture_OnError() {
	ctx, client := context.Background(), exampleClient()
	client.TriggerAsync(ctx, "no spaces please", "changed", nil).OnError(func(err error) {
		fmt.Println(errors.Is(err, pusher.ErrInvalid))
	})
	if err := client.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: true
}

func ExampleWithAsyncLimit() {
	client, err := pusher.NewFromURL(exampleServer.PusherURL(), pusher.WithAsyncLimit(10))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.Close(context.Background()))
	// Output: <nil>
}
