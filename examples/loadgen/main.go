// Command loadgen publishes many events and prints how long it took.
//
//	go run ./examples/loadgen -n 100000 -channels 100 -concurrency 8
//
// It publishes to an embedded server, which validates every request and keeps every
// event, or to the server of PUSHER_URL, where events count towards the app's quota.
// The exit status is 1 if an event was not published, and 2 if a flag is invalid.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	var load load
	flag.IntVar(&load.events, "n", 100_000, "number of `events`")
	flag.IntVar(&load.channels, "channels", 100, "number of `channels`")
	flag.IntVar(&load.concurrency, "concurrency", 8, "maximum number of `requests` in flight")
	flag.IntVar(&load.bytes, "bytes", 100, "`size` of the data of an event")
	flag.Parse()
	if flag.NArg() > 0 || load.events < 1 || load.channels < 1 || load.concurrency < 1 || load.bytes < 0 {
		fmt.Fprintln(os.Stderr, "loadgen: want at least one event, channel and request, and no arguments")
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := load.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nloadgen:", err)
		os.Exit(1)
	}
}

type load struct{ events, channels, concurrency, bytes int }

func (l load) run(ctx context.Context) error {
	client, stop, err := connect()
	if err != nil {
		return err
	}
	defer stop()
	var results results
	publisher, err := client.NewPublisher(pusher.PublisherConfig{Concurrency: l.concurrency, OnResult: results.add})
	if err != nil {
		return err
	}

	start := time.Now()
	bar := drawBar(publisher, l.events)
	err = l.publish(ctx, publisher)
	// If ctx was interrupted, Close gives up the queued events.
	if closeErr := publisher.Close(ctx); err == nil {
		err = closeErr
	}
	took := time.Since(start)
	bar.end()

	stats := publisher.Stats()
	results.print(stats, took)
	if err == nil && stats.Failed > 0 {
		err = fmt.Errorf("%d events were not published, the first: %w", stats.Failed, results.failure)
	}
	return err
}

// connect returns a client of the server in PUSHER_URL, or of one that it starts.
func connect() (client *pusher.Client, stop func(), err error) {
	if os.Getenv("PUSHER_URL") != "" {
		client, err := pusher.NewFromEnv()
		return client, func() {}, err
	}
	server := pushertest.NewServer()
	client, err = pusher.NewFromURL(server.PusherURL())
	return client, server.Close, err
}

func (l load) publish(ctx context.Context, publisher *pusher.Publisher) error {
	data := strings.Repeat("x", l.bytes)
	for i := range l.events {
		event := pusher.Event{Channel: fmt.Sprint("loadgen-", i%l.channels), Name: "load", Data: data}
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

func (r *results) add(_ context.Context, result pusher.PublishResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case result.Err == nil:
		r.latencies = append(r.latencies, result.Latency)
	case r.failure == nil:
		r.failure = result.Err
	}
}

// print is called when no more results are added.
func (r *results) print(stats pusher.Stats, took time.Duration) {
	fmt.Printf("%d events in %v: %.0f per second\n", stats.Sent, took.Round(time.Millisecond), float64(stats.Sent)/took.Seconds())
	fmt.Printf("  requests    %d, with %.1f events on average; %d retries\n", stats.Requests, float64(stats.Sent)/float64(max(1, stats.Requests)), stats.Retries)
	fmt.Printf("  failed      %d\n", stats.Failed)
	if len(r.latencies) == 0 {
		return
	}
	slices.Sort(r.latencies)
	fmt.Print("  latency   ")
	for _, percent := range []int{50, 90, 99} {
		latency := r.latencies[(len(r.latencies)-1)*percent/100]
		fmt.Printf("  p%d %v", percent, latency.Round(10*time.Microsecond))
	}
	fmt.Println(", from Publish to the result")
}
