package otelpusher_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
)

// accept accepts every event without a network.
type accept struct{}

func (accept) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")),
		ContentLength: 2, Request: req,
	}, nil
}

func benchmark(b *testing.B, opts ...pusher.Option) {
	b.Helper()
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "key", Secret: testSecret},
		append(opts, pusher.WithHTTPClient(&http.Client{Transport: accept{}}))...)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Trigger(context.Background(), "prices", "price-changed", `{"cents":349}`); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor is a client without an observer. The ratios are those of a call without a
// network, to which a real one adds milliseconds.
func BenchmarkFloor(b *testing.B) { benchmark(b) }

func BenchmarkEmptyObserver(b *testing.B) {
	benchmark(b, pusher.WithObserver(func(ctx context.Context, _ pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		return ctx, func(pusher.OperationEnd) {}
	}))
	b.ReportMetric(1.2, "max-ratio")
}

func BenchmarkMetrics(b *testing.B) {
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	benchmark(b, pusher.WithObserver(otelpusher.New(otelpusher.WithMeterProvider(meters))))
	b.ReportMetric(2, "max-ratio")
}

func BenchmarkSpansAndMetrics(b *testing.B) {
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(discardSpans{}))
	defer func() { _ = tracers.Shutdown(context.Background()) }()
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	benchmark(b, pusher.WithObserver(otelpusher.New(otelpusher.WithTracerProvider(tracers), otelpusher.WithMeterProvider(meters))))
	b.ReportMetric(4, "max-ratio")
}

// discardSpans is an exporter.
type discardSpans struct{}

func (discardSpans) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discardSpans) Shutdown(context.Context) error                             { return nil }
