package pusher_test

import (
	"context"
	"fmt"
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
