package otelpusher

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"

	"github.com/openchannels/pusher-go/pusher"
)

// queueSeconds are the bucket boundaries for the time in the queue, where events wait
// for up to minutes while the server rejects requests.
var queueSeconds = metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)

type instruments struct {
	operationDuration messagingconv.ClientOperationDuration
	sentMessages      messagingconv.ClientSentMessages
	requestDuration   httpconv.ClientRequestDuration
	queueDuration     metric.Float64Histogram
}

func newInstruments(meter metric.Meter) instruments {
	var i instruments
	var errs [4]error
	i.operationDuration, errs[0] = messagingconv.NewClientOperationDuration(meter)
	i.sentMessages, errs[1] = messagingconv.NewClientSentMessages(meter)
	i.requestDuration, errs[2] = httpconv.NewClientRequestDuration(meter)
	i.queueDuration, errs[3] = meter.Float64Histogram("pusher.publisher.queue.duration", queueSeconds,
		metric.WithUnit("s"),
		metric.WithDescription("Time from Publish to the start of the first request that contains the event."))
	if errs[3] != nil {
		i.queueDuration = noop.Float64Histogram{}
	}
	if err := errors.Join(errs[:]...); err != nil {
		otel.Handle(err)
	}
	return i
}

// recordQueue records how long the events of a publisher's batch were queued. An event
// that is sent again has been recorded before.
func (i instruments) recordQueue(ctx context.Context, start pusher.OperationStart) {
	if len(start.Queued) == 0 {
		return
	}
	attrs := metric.WithAttributeSet(attribute.NewSet(server(start)...))
	for _, event := range start.Queued {
		if event.Attempt <= 1 {
			i.queueDuration.Record(ctx, event.Wait.Seconds(), attrs)
		}
	}
}
