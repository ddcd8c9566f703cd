package otelpusher

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/openchannels/pusher-go/pusher"
)

// ObservePublisher reports the counters of a publisher as metrics, with the name as
// attribute pusher.publisher.name, which must be different for each publisher of the
// program. Unregister the returned registration after closing the publisher.
func ObservePublisher(publisher *pusher.Publisher, name string, opts ...Option) (metric.Registration, error) {
	m := newConfig(opts).meter()
	queued, err := m.Int64ObservableUpDownCounter("pusher.publisher.queue.events",
		metric.WithUnit("{event}"), metric.WithDescription("Events that wait to be sent."))
	if err != nil {
		return nil, err
	}
	inFlight, err := m.Int64ObservableUpDownCounter("pusher.publisher.inflight.events",
		metric.WithUnit("{event}"), metric.WithDescription("Events whose request is in flight."))
	if err != nil {
		return nil, err
	}
	results, err := m.Int64ObservableCounter("pusher.publisher.events",
		metric.WithUnit("{event}"), metric.WithDescription("Events by result: sent, failed, or dropped because the queue was full."))
	if err != nil {
		return nil, err
	}
	retries, err := m.Int64ObservableCounter("pusher.publisher.retries",
		metric.WithUnit("{request}"), metric.WithDescription("Requests with an event that had been sent before."))
	if err != nil {
		return nil, err
	}

	named := attribute.String("pusher.publisher.name", name)
	attrs := metric.WithAttributeSet(attribute.NewSet(named))
	result := func(value string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(named, attribute.String("pusher.publisher.result", value)))
	}
	sent, failed, dropped := result("sent"), result("failed"), result("dropped")
	return m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := publisher.Stats()
		o.ObserveInt64(queued, int64(stats.Queued), attrs)
		o.ObserveInt64(inFlight, int64(stats.InFlight), attrs)
		o.ObserveInt64(results, stats.Sent, sent)
		o.ObserveInt64(results, stats.Failed, failed)
		o.ObserveInt64(results, stats.Dropped, dropped)
		o.ObserveInt64(retries, stats.Retries, attrs)
		return nil
	}, queued, inFlight, results, retries)
}
