package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func TestTakeOrder(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithObserver(otelpusher.New()))
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := takeOrder(t.Context(), client, publisher, server); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, span := range spans.Ended() {
		got = append(got, fmt.Sprintf("%s: %v, %d links", span.Name(), span.Status().Code, len(span.Links())))
	}
	want := []string{
		"POST /apps/{app_id}/events: Unset, 0 links",
		"Trigger: Unset, 0 links",
		"GET /apps/{app_id}/channels/{channel_name}: Error, 0 links",
		"GET /apps/{app_id}/channels/{channel_name}: Unset, 0 links",
		"ChannelInfo: Unset, 0 links",
		"take order: Unset, 0 links",
		"POST /apps/{app_id}/events: Unset, 0 links",
		"Publish: Unset, 1 links",
	}
	if !slices.Equal(got, want) {
		t.Errorf("spans are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The program prints its spans and metrics, and neither a secret nor a signature.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	printed := out.String()
	for _, want := range []string{`"take order"`, `"Trigger"`, `"messaging.client.operation.duration"`, `"http.client.request.duration"`} {
		if !strings.Contains(printed, want) {
			t.Errorf("%s was not printed", want)
		}
	}
	for _, secret := range []string{"auth_signature", "auth_key", "body_md5"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%s was printed", secret)
		}
	}
}
