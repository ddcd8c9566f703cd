// Command loadgen publishes many events and tells how fast that went.
//
//	go run ./examples/loadgen -n 100000 -channels 100 -lanes 8
//
// It runs against the embedded server of pushertest, which checks every request
// and keeps every event, or against the server that PUSHER_URL names, where
// events count against the app's quota. The exit status is 1 if an event could
// not be published, and 2 if a flag is bad.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	var load load
	flag.IntVar(&load.events, "n", 100_000, "how many `events` to publish")
	flag.IntVar(&load.channels, "channels", 100, "how many `channels` to publish them on")
	flag.IntVar(&load.lanes, "lanes", 8, "how many `requests` are under way at the same time")
	flag.IntVar(&load.bytes, "bytes", 100, "`size` of the data of an event")
	flag.Parse()
	if flag.NArg() > 0 || load.events < 1 || load.channels < 1 || load.bytes < 0 {
		fmt.Fprintln(os.Stderr, "loadgen: want at least one event and one channel, and no arguments")
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

type load struct{ events, channels, lanes, bytes int }

func (l load) run(ctx context.Context) error {
	client, stop, err := connect()
	if err != nil {
		return err
	}
	defer stop()
	failures := make(chan error, 1) // the first
	publisher, err := client.NewPublisher(pusher.Lanes(l.lanes), pusher.OnReport(func(_ context.Context, r pusher.Report) {
		if r.Err == nil {
			return
		}
		select {
		case failures <- r.Err:
		default:
		}
	}))
	if err != nil {
		return err
	}

	start := time.Now()
	bar := drawBar(publisher, l.events)
	err = l.publish(ctx, publisher)
	// Interrupted, it gives up what is queued.
	if closing := publisher.Close(ctx); err == nil {
		err = closing
	}
	took := time.Since(start)
	bar.end()

	stats := publisher.Stats()
	show(stats, took)
	if err == nil && stats.Failed > 0 {
		err = fmt.Errorf("%d events could not be published, the first: %w", stats.Failed, <-failures)
	}
	return err
}

// connect uses the server that the environment names, or starts one.
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

func show(stats pusher.Stats, took time.Duration) {
	fmt.Printf("%d events in %v: %.0f a second\n", stats.Sent, took.Round(time.Millisecond), float64(stats.Sent)/took.Seconds())
	fmt.Printf("  requests    %d, with %.1f events on average; %d repeats\n", stats.Batches, float64(stats.Sent)/float64(max(1, stats.Batches)), stats.Retried)
	fmt.Printf("  failed      %d\n", stats.Failed)
	fmt.Print("  latency   ")
	for _, percent := range []float64{50, 90, 99} {
		fmt.Printf("  p%.0f %v", percent, stats.Latency.Quantile(percent/100).Round(10*time.Microsecond))
	}
	fmt.Println(", from the queue to the server's answer")
}
