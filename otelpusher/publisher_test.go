package otelpusher_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
)

// The batches of a publisher, of which the first is rejected once: the spans in which
// the events were published are linked, and the time in the queue is recorded once.
func TestNew_Publisher(t *testing.T) {
	recorded := newTelemetry()
	client := newClient(t, newServer(t, 503), recorded.observer())
	publisher, err := client.NewPublisher(pusher.PublisherConfig{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := recorded.tracers.Tracer("test").Start(context.Background(), "request")
	for range 3 {
		if err := publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "changed", Data: "tea"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := publisher.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	batches := 0
	for _, ended := range recorded.spans.Ended() {
		if ended.Name() != "Publish" {
			continue
		}
		batches++
		if links := ended.Links(); len(links) != 1 || links[0].SpanContext.SpanID() != span.SpanContext().SpanID() {
			t.Errorf("links of a batch are %+v, want one to %v", links, span.SpanContext().SpanID())
		}
		if ended.Parent().IsValid() {
			t.Errorf("parent of a batch is %v, want none", ended.Parent())
		}
	}
	if batches < 2 {
		t.Errorf("%d batches were recorded, want at least the rejected one and another", batches)
	}
	if got := recorded.points(t, "pusher.publisher.queue.duration"); len(got) != 1 || !strings.HasPrefix(got[0], "3 × ") {
		t.Errorf("time in the queue is %q, want that of 3 events", got)
	}
}

func TestObservePublisher(t *testing.T) {
	recorded := newTelemetry()
	client := newClient(t, newServer(t, 400), recorded.observer())
	publisher, err := client.NewPublisher(pusher.PublisherConfig{OnResult: func(context.Context, pusher.PublishResult) {}})
	if err != nil {
		t.Fatal(err)
	}
	registration, err := otelpusher.ObservePublisher(publisher, "orders", otelpusher.WithMeterProvider(recorded.meters))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the server rejects the first event
		if err := publisher.Publish(t.Context(), pusher.Event{Channel: "a", Name: "e", Data: "d"}); err != nil {
			t.Fatal(err)
		}
		if err := publisher.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := publisher.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	for name, want := range map[string][]string{
		"pusher.publisher.queue.events":    {"0 × pusher.publisher.name=orders"},
		"pusher.publisher.inflight.events": {"0 × pusher.publisher.name=orders"},
		"pusher.publisher.retries":         {"0 × pusher.publisher.name=orders"},
		"pusher.publisher.events": {
			"0 × pusher.publisher.name=orders pusher.publisher.result=dropped",
			"1 × pusher.publisher.name=orders pusher.publisher.result=failed",
			"1 × pusher.publisher.name=orders pusher.publisher.result=sent",
		},
	} {
		if got := recorded.points(t, name); !slices.Equal(got, want) {
			t.Errorf("%s has the data points %q, want %q", name, got, want)
		}
	}
	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	if got := recorded.points(t, "pusher.publisher.events"); len(got) > 0 {
		t.Errorf("data points after Unregister are %q, want none", got)
	}
}

func TestObservePublisher_FailingMeter(t *testing.T) {
	for _, fails := range []string{"pusher.publisher.queue.events", "pusher.publisher.inflight.events", "pusher.publisher.events", "pusher.publisher.retries"} {
		t.Run(fails, func(t *testing.T) {
			if _, err := otelpusher.ObservePublisher(nil, "orders", otelpusher.WithMeterProvider(failingMeters{name: fails})); !errors.Is(err, errNoInstrument) {
				t.Errorf("ObservePublisher = %v, want %v", err, errNoInstrument)
			}
		})
	}
}
