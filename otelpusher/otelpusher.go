package otelpusher

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/openchannels/pusher-go/pusher"
)

const scopeName = "github.com/openchannels/pusher-go/otelpusher"

// An Option configures [New] and [ObservePublisher].
type Option func(*config)

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
}

func newConfig(opts []Option) config {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

func (c config) tracer() trace.Tracer {
	return c.tracers.Tracer(scopeName, trace.WithInstrumentationVersion(pusher.Version), trace.WithSchemaURL(semconv.SchemaURL))
}

func (c config) meter() metric.Meter {
	return c.meters.Meter(scopeName, metric.WithInstrumentationVersion(pusher.Version), metric.WithSchemaURL(semconv.SchemaURL))
}

// WithTracerProvider sets where spans are sent. The default is the global provider.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(c *config) { c.tracers = provider }
}

// WithMeterProvider sets where measurements are sent. The default is the global
// provider.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) { c.meters = provider }
}

// New returns an observer for [pusher.WithObserver]. One observer can be used by
// several clients. If an instrument cannot be created, the error is passed to
// [otel.Handle] and nothing is measured with it.
func New(opts ...Option) pusher.Observer {
	cfg := newConfig(opts)
	o := observer{cfg.tracer(), newInstruments(cfg.meter())}
	return func(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		if start.Attempt > 0 {
			return o.attempt(ctx, start)
		}
		return o.operation(ctx, start)
	}
}

type observer struct {
	tracer trace.Tracer
	instruments
}

// operation observes a call of the client, as messaging conventions describe it.
func (o observer) operation(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
	name := operationName(start)
	attrs := append(server(start),
		semconv.MessagingSystemKey.String("pusher"),
		semconv.MessagingOperationName(name),
	)
	if start.Events > 0 {
		attrs = append(attrs, semconv.MessagingOperationTypeSend)
	}
	ctx, span := o.tracer.Start(ctx, name,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attrs...),
		trace.WithLinks(links(start.Queued)...),
	)
	if strings.HasSuffix(start.Path, "/batch_events") && start.Events > 0 {
		span.SetAttributes(semconv.MessagingBatchMessageCount(start.Events))
	}
	o.recordQueue(ctx, start)
	return ctx, func(end pusher.OperationEnd) {
		if end.Err != nil {
			attrs = append(attrs, fail(span, end.Err))
		}
		span.End()
		set := attribute.NewSet(attrs...)
		o.operationDuration.RecordSet(ctx, end.Duration.Seconds(), set)
		if start.Events > 0 {
			o.sentMessages.AddSet(ctx, int64(start.Events), set)
		}
	}
}

// attempt observes one HTTP request, as HTTP conventions describe it.
func (o observer) attempt(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
	attrs := append(server(start),
		semconv.HTTPRequestMethodKey.String(start.Method),
		semconv.URLScheme(start.Scheme),
	)
	if template := pathTemplate(start.Path); template != "" {
		attrs = append(attrs, semconv.URLTemplate(template))
	}
	// The query is signed: whoever reads it could send the request again.
	address := url.URL{Scheme: start.Scheme, Host: start.Host, Path: start.Path}
	ctx, span := o.tracer.Start(ctx, requestName(start),
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attrs...),
		trace.WithAttributes(semconv.URLFull(address.String())),
	)
	if start.Attempt > 1 {
		span.SetAttributes(semconv.HTTPRequestResendCount(start.Attempt - 1))
	}
	if start.RequestBytes > 0 {
		span.SetAttributes(semconv.HTTPRequestBodySize(int(start.RequestBytes)))
	}
	return ctx, func(end pusher.OperationEnd) {
		if end.Status != 0 {
			attrs = append(attrs, semconv.HTTPResponseStatusCode(end.Status))
			span.SetAttributes(semconv.HTTPResponseStatusCode(end.Status))
		}
		if end.ResponseBytes > 0 {
			span.SetAttributes(semconv.HTTPResponseBodySize(end.ResponseBytes))
		}
		if end.Err != nil {
			attrs = append(attrs, fail(span, end.Err))
		}
		span.End()
		o.requestDuration.RecordSet(ctx, end.Duration.Seconds(), attribute.NewSet(attrs...))
	}
}

// fail marks the span as failed and returns the attribute for metrics.
func fail(span trace.Span, err error) attribute.KeyValue {
	kind := semconv.ErrorTypeKey.String(errorType(err))
	span.SetAttributes(kind)
	span.SetStatus(codes.Error, err.Error()) // the texts of *pusher.Error are redacted
	return kind
}

// links returns a link to each span in which events of the batch were published.
func links(queued []pusher.QueuedEvent) []trace.Link {
	type id struct {
		trace trace.TraceID
		span  trace.SpanID
	}
	var found []trace.Link
	known := map[id]bool{}
	for _, event := range queued {
		link := trace.LinkFromContext(event.Context)
		span := id{link.SpanContext.TraceID(), link.SpanContext.SpanID()}
		if link.SpanContext.IsValid() && !known[span] {
			known[span] = true
			found = append(found, link)
		}
	}
	return found
}

func server(start pusher.OperationStart) []attribute.KeyValue {
	address := url.URL{Scheme: start.Scheme, Host: start.Host}
	attrs := []attribute.KeyValue{semconv.ServerAddress(address.Hostname())}
	port, err := strconv.Atoi(address.Port())
	switch {
	case err == nil:
	case start.Scheme == "https":
		port = 443
	case start.Scheme == "http":
		port = 80
	}
	if port != 0 {
		attrs = append(attrs, semconv.ServerPort(port))
	}
	return attrs
}

// operationName returns the method of the client. Requests of the generated client are
// named after the request, without the names in its path.
func operationName(start pusher.OperationStart) string {
	if strings.HasPrefix(start.Operation, start.Method+" ") {
		return requestName(start)
	}
	return start.Operation
}

func requestName(start pusher.OperationStart) string {
	return strings.TrimSpace(start.Method + " " + pathTemplate(start.Path))
}

// pathTemplate returns the path of openapi.yaml, or "" for any other path.
func pathTemplate(path string) string {
	_, resource, _ := strings.Cut(path, "/apps/")
	segments := strings.Split(resource, "/")
	if len(segments) < 2 {
		return ""
	}
	kind, rest := segments[1], segments[2:]
	switch {
	case len(rest) == 0 && (kind == "events" || kind == "batch_events" || kind == "channels"):
		return "/apps/{app_id}/" + kind
	case len(rest) == 1 && kind == "channels":
		return "/apps/{app_id}/channels/{channel_name}"
	case len(rest) == 2 && kind == "channels" && (rest[1] == "users" || rest[1] == "events" || rest[1] == "stats"):
		return "/apps/{app_id}/channels/{channel_name}/" + rest[1]
	case len(rest) == 2 && kind == "users" && rest[1] == "terminate_connections":
		return "/apps/{app_id}/users/{user_id}/terminate_connections"
	}
	return ""
}
