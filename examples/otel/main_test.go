package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// A record is all that telemetry got to know.
type record struct {
	spans   *tracetest.InMemoryExporter
	traces  *sdktrace.TracerProvider
	reader  *sdkmetric.ManualReader
	metrics *sdkmetric.MeterProvider
}

func newRecord(t *testing.T) record {
	t.Helper()
	r := record{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	r.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	r.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))
	t.Cleanup(func() {
		if err := r.traces.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := r.metrics.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// measured collects the measurements.
func (r record) measured(t *testing.T) metricdata.ResourceMetrics {
	t.Helper()
	var collected metricdata.ResourceMetrics
	if err := r.reader.Collect(context.Background(), &collected); err != nil {
		t.Fatal(err)
	}
	return collected
}

// everything is all of it in words.
func (r record) everything(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("%+v\n%+v", r.spans.GetSpans(), r.measured(t))
}

// signature matches a signature and the names of the parameters beside it.
var signature = regexp.MustCompile(`[0-9a-f]{64}|auth_|body_md5`)

func TestEachTryIsASpanBelowTheApplications(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	r := newRecord(t)
	client, err := newClient(server.PusherURL(), r.traces, r.metrics)
	if err != nil {
		t.Fatal(err)
	}
	if err := takeOrder(context.Background(), client, server, r.traces); err != nil {
		t.Fatalf("takeOrder = %v, want no error", err)
	}

	spans := r.spans.GetSpans()
	var got []string
	for _, span := range spans {
		got = append(got, fmt.Sprint(span.Name, ", ", span.Status.Code))
	}
	want := []string{
		"POST /apps/{app_id}/events, Unset",
		"GET /apps/{app_id}/channels/{name}, Error", // the server's failure
		"GET /apps/{app_id}/channels/{name}, Unset",
		"take order, Unset",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the spans are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	parent := spans[len(spans)-1].SpanContext
	for _, span := range spans[:len(spans)-1] {
		if span.Parent.SpanID() != parent.SpanID() || span.SpanContext.TraceID() != parent.TraceID() {
			t.Errorf("%s is below span %s of trace %s, want %s of %s",
				span.Name, span.Parent.SpanID(), span.SpanContext.TraceID(), parent.SpanID(), parent.TraceID())
		}
	}
	if n := requests(t, r.measured(t)); n != 3 {
		t.Errorf("the durations of %d requests were measured, want 3", n)
	}
}

// requests is how many requests have a duration.
func requests(t *testing.T, collected metricdata.ResourceMetrics) (n uint64) {
	t.Helper()
	for _, scope := range collected.ScopeMetrics {
		for _, metric := range scope.Metrics {
			if metric.Name != "http.client.request.duration" {
				continue
			}
			histogram, ok := metric.Data.(metricdata.Histogram[float64])
			if !ok {
				t.Fatalf("%s is a %T", metric.Name, metric.Data)
			}
			for _, point := range histogram.DataPoints {
				n += point.Count
			}
		}
	}
	return n
}

// TestNoSignatureIsRecorded, in no attribute of a span or a measurement, whether
// the request succeeds, is refused or fails. The server has verified that the
// request was signed.
func TestNoSignatureIsRecorded(t *testing.T) {
	server := pushertest.NewServer()
	r := newRecord(t)
	client, err := newClient(server.PusherURL(), r.traces, r.metrics)
	if err != nil {
		t.Fatal(err)
	}
	call := func() error {
		_, err := client.Channels(context.Background(), pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}})
		_, err2 := client.Trigger(context.Background(), "c", "e", "d")
		if err != nil {
			return err
		}
		return err2
	}
	if err := call(); err != nil {
		t.Fatalf("the server refused a request: %v", err)
	}
	refusal := pushertest.Failure{Status: http.StatusUnauthorized, Body: "Invalid signature", Times: 2}
	if err := server.Fail(refusal); err != nil {
		t.Fatal(err)
	}
	if err := call(); err == nil {
		t.Error("the calls that were refused gave no error")
	}
	server.Close()
	if err := call(); err == nil {
		t.Error("the calls to no server gave no error")
	}

	if n := len(r.spans.GetSpans()); n < 6 {
		t.Errorf("%d spans were recorded, want at least 6", n)
	}
	if found := signature.FindString(r.everything(t)); found != "" {
		t.Errorf("%s was recorded:\n%s", found, r.everything(t))
	}
}

// TestTheInstrumentationAloneRecordsTheSignature is why observed conceals it. If
// this fails, it need not any more.
func TestTheInstrumentationAloneRecordsTheSignature(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	r := newRecord(t)
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithHTTPClient(&http.Client{
		Transport: otelhttp.NewTransport(pooled(), otelhttp.WithTracerProvider(r.traces), otelhttp.WithMeterProvider(r.metrics)),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.everything(t), "auth_signature=") {
		t.Error("otelhttp alone records no signature, want one: the test looks in the wrong place, or concealing is no longer needed")
	}
}
