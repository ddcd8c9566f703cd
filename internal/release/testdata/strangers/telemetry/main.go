// A program that uses module otelpusher.
package main

import (
	"context"
	"fmt"
	"log"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	server := pushertest.NewServer()
	defer server.Close()
	spans := tracetest.NewInMemoryExporter()
	observer := otelpusher.New(otelpusher.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))))
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithObserver(observer))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "prices", "changed", nil); err != nil {
		log.Fatal(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
	}
}
