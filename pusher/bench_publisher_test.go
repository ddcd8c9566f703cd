package pusher_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// The floor of publishing is a loop of Trigger against the same server: a ratio of
// 1/8 means that a Publisher is eight times as fast.

const benchEvents = 10_000

var benchChannels = func() (names [100]string) {
	for i := range names {
		names[i] = fmt.Sprintf("channel-%d", i)
	}
	return names
}()

func BenchmarkPublishOneProducer(b *testing.B)      { publishMany(b, 1, 1./8) }
func BenchmarkPublishSixteenProducers(b *testing.B) { publishMany(b, 16, 1./4) }

func BenchmarkPublishOneProducerFloor(b *testing.B)      { triggerMany(b, 1) }
func BenchmarkPublishSixteenProducersFloor(b *testing.B) { triggerMany(b, 16) }

func publishMany(b *testing.B, producers int, limit float64) {
	base, hc := loopback(b)
	publisher := newPublisher(b, benchClient(b, base, hc), pusher.PublisherConfig{OnResult: func(_ context.Context, r pusher.PublishResult) {
		if r.Err != nil {
			b.Error(r.Err)
		}
	}})
	b.ReportAllocs()
	for b.Loop() {
		produce(producers, func(i int) {
			event := pusher.Event{Channel: benchChannels[i%len(benchChannels)], Name: "changed", Data: benchData}
			if err := publisher.Publish(context.Background(), event); err != nil {
				b.Error(err)
			}
		})
		if err := publisher.Flush(context.Background()); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(limit, "max-ratio")
}

func triggerMany(b *testing.B, producers int) {
	base, hc := loopback(b)
	client := benchClient(b, base, hc)
	b.ReportAllocs()
	for b.Loop() {
		produce(producers, func(i int) {
			if _, err := client.Trigger(context.Background(), benchChannels[i%len(benchChannels)], "changed", benchData); err != nil {
				b.Error(err)
			}
		})
	}
}

// produce divides benchEvents calls among n goroutines.
func produce(n int, call func(i int)) {
	var all sync.WaitGroup
	for first := range n {
		all.Go(func() {
			for i := first; i < benchEvents; i += n {
				call(i)
			}
		})
	}
	all.Wait()
}

// blackHole never responds.
type blackHole struct{}

func (blackHole) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// BenchmarkPublishCall measures the cost of Publish for its caller while the queue has
// free slots. The floor sends the same struct into a channel. Neither measures the
// receiving side.
func BenchmarkPublishCall(b *testing.B) {
	client := benchClient(b, "https://api-mt1.pusher.com", &http.Client{Transport: blackHole{}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := func() *pusher.Publisher {
		publisher, err := client.NewPublisher(pusher.PublisherConfig{QueueSize: benchEvents, OnResult: func(context.Context, pusher.PublishResult) {}})
		if err != nil {
			b.Fatal(err)
		}
		return publisher
	}
	publisher := start()
	event := pusher.Event{Channel: "prices", Name: "changed", Data: benchData}
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if err := publisher.Publish(context.Background(), event); err != nil {
			b.Error(err)
		}
		if n%benchEvents == 0 {
			b.StopTimer()
			_ = publisher.Close(ctx) // gives up the queued events
			publisher = start()
			runtime.GC() // what the publisher has left is not measured
			b.StartTimer()
		}
	}
	_ = publisher.Close(ctx)
	b.ReportMetric(60, "max-ratio")
}

func BenchmarkPublishCallFloor(b *testing.B) {
	queue := make(chan pusher.Event, benchEvents)
	event := pusher.Event{Channel: "prices", Name: "changed", Data: benchData}
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		queue <- event
		if n%benchEvents == 0 {
			b.StopTimer()
			for len(queue) > 0 {
				<-queue
			}
			b.StartTimer()
		}
	}
}
