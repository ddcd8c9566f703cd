package otelpusher_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
)

// telemetry keeps all spans and measurements in memory.
type telemetry struct {
	spans   *tracetest.SpanRecorder
	tracers *sdktrace.TracerProvider
	reader  *sdkmetric.ManualReader
	meters  *sdkmetric.MeterProvider
}

func newTelemetry() telemetry {
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	return telemetry{
		spans:   spans,
		tracers: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
		reader:  reader,
		meters:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	}
}

func (r telemetry) observer() pusher.Observer {
	return otelpusher.New(otelpusher.WithTracerProvider(r.tracers), otelpusher.WithMeterProvider(r.meters))
}

func (r telemetry) metrics(t *testing.T) []metricdata.Metrics {
	t.Helper()
	var collected metricdata.ResourceMetrics
	if err := r.reader.Collect(context.Background(), &collected); err != nil {
		t.Fatal(err)
	}
	var metrics []metricdata.Metrics
	for _, scope := range collected.ScopeMetrics {
		metrics = append(metrics, scope.Metrics...)
	}
	return metrics
}

// points returns one line per data point of a metric, sorted: its count, its sum if it
// is known, and its attributes.
func (r telemetry) points(t *testing.T, name string) []string {
	t.Helper()
	var lines []string
	for _, metric := range r.metrics(t) {
		if metric.Name != name {
			continue
		}
		switch data := metric.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, point := range data.DataPoints {
				lines = append(lines, fmt.Sprintf("%d × %s", point.Count, join(point.Attributes.ToSlice())))
			}
		case metricdata.Sum[int64]:
			for _, point := range data.DataPoints {
				lines = append(lines, fmt.Sprintf("%d × %s", point.Value, join(point.Attributes.ToSlice())))
			}
		default:
			t.Fatalf("metric %s is a %T", name, data)
		}
	}
	slices.Sort(lines)
	return lines
}

// join returns the attributes as text, sorted by name.
func join(attrs []attribute.KeyValue) string {
	var parts []string
	for _, attr := range attrs {
		parts = append(parts, string(attr.Key)+"="+attr.Value.String())
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// newServer starts a server that responds with each of these statuses in turn, and
// with 200 afterwards.
func newServer(t *testing.T, statuses ...int) *httptest.Server {
	t.Helper()
	next := make(chan int, len(statuses))
	for _, status := range statuses {
		next <- status
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("auth_signature") == "" {
			t.Errorf("request %s is not signed", r.URL.Path)
		}
		status := http.StatusOK
		select {
		case status = <-next:
		default:
		}
		if status != http.StatusOK {
			http.Error(w, "cannot do this", status)
			return
		}
		_, _ = fmt.Fprint(w, `{"channels":{},"users":[],"occupied":true}`)
	}))
	t.Cleanup(server.Close)
	return server
}

const testSecret = "4d1c0f9d9a"

func newClient(t *testing.T, server *httptest.Server, observer pusher.Observer, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: testSecret},
		append([]pusher.Option{
			pusher.WithBaseURL(server.URL),
			pusher.WithObserver(observer),
			pusher.WithLogger(slog.New(slog.DiscardHandler)),
			pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: time.Millisecond, MaxDelay: time.Millisecond}),
		}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// sum returns the sum of all measurements of a histogram.
func (r telemetry) sum(t *testing.T, name string) (sum float64) {
	t.Helper()
	for _, metric := range r.metrics(t) {
		if histogram, ok := metric.Data.(metricdata.Histogram[float64]); ok && metric.Name == name {
			for _, point := range histogram.DataPoints {
				sum += point.Sum
			}
		}
	}
	return sum
}
