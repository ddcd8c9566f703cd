package otelpusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
)

// startServer starts a server that accepts every request, and sets PUSHER_URL.
func startServer() *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"occupied":false}`)
	}))
	if err := os.Setenv("PUSHER_URL", "http://key:secret@"+server.Listener.Addr().String()+"/apps/3"); err != nil {
		log.Fatal(err)
	}
	return server
}

// The spans of a call that succeeds. Programs use an exporter that sends spans to a
// collector, such as otlptracehttp.
func Example() {
	server := startServer()
	defer server.Close()
	exporter := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))

	client, err := pusher.NewFromEnv(pusher.WithObserver(otelpusher.New()))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "prices", "price-changed", map[string]int{"cents": 349}); err != nil {
		log.Fatal(err)
	}

	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output:
	// POST /apps/{app_id}/events
	// Trigger
}

// Two clients with providers of their own, for example in tests that run in parallel.
func ExampleNew() {
	server := startServer()
	defer server.Close()
	for _, name := range []string{"first", "second"} {
		spans := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		meters := sdkmetric.NewMeterProvider()
		client, err := pusher.NewFromEnv(pusher.WithObserver(otelpusher.New(
			otelpusher.WithTracerProvider(provider), otelpusher.WithMeterProvider(meters))))
		if err != nil {
			log.Fatal(err)
		}
		if err := client.Ping(context.Background()); err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, len(spans.Ended()))
	}
	// Output:
	// first 2
	// second 2
}

// The counters of a publisher.
func ExampleObservePublisher() {
	ctx := context.Background()
	server := startServer()
	defer server.Close()
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		log.Fatal(err)
	}
	registration, err := otelpusher.ObservePublisher(publisher, "prices")
	if err != nil {
		log.Fatal(err)
	}

	var collected metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &collected); err != nil {
		log.Fatal(err)
	}
	for _, metric := range collected.ScopeMetrics[0].Metrics {
		fmt.Println(metric.Name)
	}
	if err := errors.Join(publisher.Close(ctx), registration.Unregister()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// pusher.publisher.queue.events
	// pusher.publisher.inflight.events
	// pusher.publisher.events
	// pusher.publisher.retries
}
