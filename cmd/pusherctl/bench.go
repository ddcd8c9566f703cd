package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// A load has the flags of bench.
type load struct {
	events, channels, concurrency, bytes int
	remote                               bool
}

func (t *tool) benchCommand() *cobra.Command {
	var l load
	command := &cobra.Command{
		Use:   "bench",
		Short: "Publish many events and print how long it takes",
		Long: `Publish many events and print how long it takes: to a server within pusherctl, which
validates every request, or with --remote to the server of the settings, where the events
count towards the quota of the app. They go to the channels pusherctl-bench-0, -1 and so on.`,
		Example: `  pusherctl bench -n 100000 --channels 100 --concurrency 8
  pusherctl bench --remote -n 1000 --json`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.IntVarP(&l.events, "events", "n", 100_000, "`number` of events")
	flags.IntVar(&l.channels, "channels", 100, "`number` of channels")
	flags.IntVar(&l.concurrency, "concurrency", 8, "maximum `number` of requests in flight")
	flags.IntVar(&l.bytes, "bytes", 100, "`size` of the data of an event")
	flags.BoolVar(&l.remote, "remote", false, "publish to the server of the settings")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if l.events < 1 || l.channels < 1 || l.concurrency < 1 || l.bytes < 0 {
			return usagef("want at least one event, one channel and one request in flight, and no negative --bytes")
		}
		return t.bench(command.Context(), l)
	}
	return command
}

func (t *tool) bench(ctx context.Context, l load) error {
	var client *pusher.Client
	var err error
	if l.remote {
		client, err = t.client()
	} else {
		server := pushertest.NewServer(pushertest.WithMaxEvents(1))
		defer server.Close()
		client, err = pusher.NewFromURL(server.PusherURL())
	}
	if err != nil {
		return err
	}
	bar := t.newProgress(l.events)
	var results results
	publisher, err := client.NewPublisher(pusher.PublisherConfig{
		Concurrency: l.concurrency,
		OnResult: func(_ context.Context, result pusher.PublishResult) {
			results.add(result)
			bar.add()
		},
	})
	if err != nil {
		return err
	}

	start := time.Now()
	err = l.publish(ctx, publisher)
	// If ctx was interrupted, Close gives up the queued events.
	if closeErr := publisher.Close(ctx); err == nil {
		err = closeErr
	}
	took := time.Since(start)
	bar.end()

	if err := t.printBench(publisher.Stats(), &results, took); err != nil {
		return err
	}
	if failed := publisher.Stats().Failed; err == nil && failed > 0 {
		err = fmt.Errorf("%d events were not published, the first: %w", failed, results.failure)
	}
	return err
}

func (l load) publish(ctx context.Context, publisher *pusher.Publisher) error {
	data := strings.Repeat("x", l.bytes)
	for i := range l.events {
		event := pusher.Event{Channel: fmt.Sprint("pusherctl-bench-", i%l.channels), Name: "load", Data: data}
		if err := publisher.Publish(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

// results collects the results of all events.
type results struct {
	mu        sync.Mutex
	latencies []time.Duration // of published events
	failure   error           // the first
}

func (r *results) add(result pusher.PublishResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case result.Err == nil:
		r.latencies = append(r.latencies, result.Latency)
	case r.failure == nil:
		r.failure = result.Err
	}
}

// percentile returns the latency that percent of the events do not exceed. The caller
// holds the lock and has sorted the latencies.
func (r *results) percentile(percent int) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[(len(r.latencies)-1)*percent/100]
}

func (t *tool) printBench(stats pusher.Stats, r *results, took time.Duration) error {
	r.mu.Lock() // after an interruption, results may still be added
	defer r.mu.Unlock()
	slices.Sort(r.latencies)
	perSecond := float64(stats.Sent) / took.Seconds()
	if t.json {
		return t.printJSON(map[string]any{
			"published": stats.Sent, "failed": stats.Failed, "requests": stats.Requests, "retries": stats.Retries,
			"seconds": took.Seconds(), "events_per_second": perSecond,
			"latency_p50_ms": milliseconds(r.percentile(50)), "latency_p90_ms": milliseconds(r.percentile(90)), "latency_p99_ms": milliseconds(r.percentile(99)),
		})
	}
	return t.printf(`%d events in %v: %.0f per second
  requests   %d, with %.1f events on average; %d retries
  failed     %d
  latency    p50 %v  p90 %v  p99 %v, from Publish to the result`,
		stats.Sent, took.Round(time.Millisecond), perSecond,
		stats.Requests, float64(stats.Sent)/float64(max(1, stats.Requests)), stats.Retries, stats.Failed,
		round(r.percentile(50)), round(r.percentile(90)), round(r.percentile(99)))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
