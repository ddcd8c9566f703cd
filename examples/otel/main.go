// Command otel shows OpenTelemetry around the client: a span and a measurement
// for every HTTP request, retries included, below the spans of the application.
// It talks to the embedded server of pushertest and prints what it recorded.
//
// It is a module of its own, so that nobody who imports the client gets
// OpenTelemetry with it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints the spans as they end and the measurements when all is done. An
// application has exporters of its own here; the rest is the same.
func run(ctx context.Context) error {
	spans, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
	if err != nil {
		return err
	}
	measurements, err := stdoutmetric.New(stdoutmetric.WithPrettyPrint())
	if err != nil {
		return err
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	defer shutDown(ctx, traces.Shutdown)
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(measurements)))
	defer shutDown(ctx, metrics.Shutdown)

	server := pushertest.NewServer()
	defer server.Close()
	client, err := newClient(server.PusherURL(), traces, metrics)
	if err != nil {
		return err
	}
	return takeOrder(ctx, client, server, traces)
}

// newClient returns a client whose requests are traced and measured.
func newClient(pusherURL string, traces *sdktrace.TracerProvider, metrics *sdkmetric.MeterProvider) (*pusher.Client, error) {
	transport := observed(pooled(),
		otelhttp.WithTracerProvider(traces),
		otelhttp.WithMeterProvider(metrics),
	)
	return pusher.NewFromURL(pusherURL, pusher.WithHTTPClient(&http.Client{Transport: transport}))
}

// takeOrder is what an application does: a span of its own, and calls with the
// context that has it. The server fails once, so that there is a retry to see.
func takeOrder(ctx context.Context, client *pusher.Client, server *pushertest.Server, traces *sdktrace.TracerProvider) error {
	ctx, span := traces.Tracer("shop").Start(ctx, "take order")
	defer span.End()

	if _, err := client.Trigger(ctx, "orders", "order-taken", map[string]int{"order": 42}); err != nil {
		return err
	}
	if err := server.Fail(pushertest.Failure{Status: http.StatusServiceUnavailable}); err != nil {
		return err
	}
	_, err := client.ChannelInfo(ctx, "orders", pusher.SubscriptionCount)
	return err
}

// shutDown hands over what is recorded, also when the program was interrupted.
func shutDown(ctx context.Context, shutdown func(context.Context) error) {
	if err := shutdown(context.WithoutCancel(ctx)); err != nil {
		slog.ErrorContext(ctx, "telemetry is lost", "reason", err)
	}
}
