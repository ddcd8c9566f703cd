// Command otel shows the OpenTelemetry spans and metrics of a client: those of a
// request that succeeds, of one that succeeds only when it is retried, and of a batch,
// which is linked to the span in which its events were published. It sends the requests
// to a pushertest server in the same process and prints what was recorded.
//
// It is a separate module, so that the client does not depend on OpenTelemetry.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	shutdown, err := setUpTelemetry(out)
	if err != nil {
		return err
	}
	// Shutdown prints the metrics, also if the program was interrupted.
	defer func() { err = errors.Join(err, shutdown(context.WithoutCancel(ctx))) }()

	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithObserver(otelpusher.New()))
	if err != nil {
		return err
	}
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		return err
	}
	registration, err := otelpusher.ObservePublisher(publisher, "orders")
	if err != nil {
		return err
	}
	err = takeOrder(ctx, client, publisher, server)
	// With a context that the signal has ended, Close would discard the queued events.
	return errors.Join(err, publisher.Close(context.WithoutCancel(ctx)), registration.Unregister())
}

// setUpTelemetry makes the global providers print spans and metrics. This is where an
// app sets up its own exporters, such as otlptracehttp.
func setUpTelemetry(out io.Writer) (shutdown func(context.Context) error, err error) {
	spans, err := stdouttrace.New(stdouttrace.WithWriter(out), stdouttrace.WithPrettyPrint())
	if err != nil {
		return nil, err
	}
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(out), stdoutmetric.WithPrettyPrint())
	if err != nil {
		return nil, err
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	otel.SetTracerProvider(tracers)
	otel.SetMeterProvider(meters)
	return func(ctx context.Context) error {
		return errors.Join(tracers.Shutdown(ctx), meters.Shutdown(ctx))
	}, nil
}

// takeOrder stands for a request handler of an app. Calls that are given its context
// become children of its span.
func takeOrder(ctx context.Context, client *pusher.Client, publisher *pusher.Publisher, server *pushertest.Server) error {
	ctx, span := otel.Tracer("shop").Start(ctx, "take order")
	defer span.End()

	if _, err := client.Trigger(ctx, "orders", "order-taken", map[string]int{"order": 42}); err != nil {
		return err
	}
	// The next request fails once, to show a retry.
	if err := server.Fail(pushertest.Failure{Status: http.StatusServiceUnavailable}); err != nil {
		return err
	}
	if _, err := client.ChannelInfo(ctx, "orders", pusher.SubscriptionCount); err != nil {
		return err
	}
	// Events of a publisher are sent later, and the span of their batch is not a child.
	return publisher.PublishMulti(ctx, []string{"kitchen", "counter"}, pusher.Event{Name: "order-taken", Data: "42"})
}
