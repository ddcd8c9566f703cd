package otelpusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/openchannels/pusher-go/otelpusher"
	"github.com/openchannels/pusher-go/pusher"
)

// summary returns the name and the attributes of a span, without the address of the
// test server.
func summary(span sdktrace.ReadOnlySpan, server string) string {
	address, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	attrs := join(span.Attributes())
	attrs = strings.ReplaceAll(attrs, server, "http://SERVER")
	attrs = strings.ReplaceAll(attrs, "server.address="+address.Hostname()+" server.port="+address.Port(), "SERVER")
	return span.Name() + ": " + attrs
}

func TestNew_Spans(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name     string
		call     func(*pusher.Client) error
		statuses []int
		want     []string // in the order in which the spans end
	}{
		{
			name: "Trigger",
			call: func(c *pusher.Client) error { _, err := c.Trigger(ctx, "prices", "changed", "tea"); return err },
			want: []string{
				"POST /apps/{app_id}/events: http.request.body.size=53 http.request.method=POST http.response.body.size=42 http.response.status_code=200 SERVER url.full=http://SERVER/apps/3/events url.scheme=http url.template=/apps/{app_id}/events",
				"Trigger: messaging.operation.name=Trigger messaging.operation.type=send messaging.system=pusher SERVER",
			},
		},
		{
			name: "TriggerBatch",
			call: func(c *pusher.Client) error {
				_, err := c.TriggerBatch(ctx, []pusher.Event{{Channel: "a", Name: "e", Data: "d"}, {Channel: "b", Name: "e", Data: "d"}})
				return err
			},
			want: []string{
				"POST /apps/{app_id}/batch_events: http.request.body.size=87 http.request.method=POST http.response.body.size=42 http.response.status_code=200 SERVER url.full=http://SERVER/apps/3/batch_events url.scheme=http url.template=/apps/{app_id}/batch_events",
				"TriggerBatch: messaging.batch.message_count=2 messaging.operation.name=TriggerBatch messaging.operation.type=send messaging.system=pusher SERVER",
			},
		},
		{
			name:     "retried query",
			call:     func(c *pusher.Client) error { _, err := c.ChannelUsers(ctx, "presence-7"); return err },
			statuses: []int{503},
			want: []string{
				"GET /apps/{app_id}/channels/{channel_name}/users: error.type=503 http.request.method=GET http.response.status_code=503 SERVER url.full=http://SERVER/apps/3/channels/presence-7/users url.scheme=http url.template=/apps/{app_id}/channels/{channel_name}/users",
				"GET /apps/{app_id}/channels/{channel_name}/users: http.request.method=GET http.request.resend_count=1 http.response.body.size=42 http.response.status_code=200 SERVER url.full=http://SERVER/apps/3/channels/presence-7/users url.scheme=http url.template=/apps/{app_id}/channels/{channel_name}/users",
				"ChannelUsers: messaging.operation.name=ChannelUsers messaging.system=pusher SERVER",
			},
		},
		{
			name:     "rejected",
			call:     func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "7") },
			statuses: []int{403},
			want: []string{
				"POST /apps/{app_id}/users/{user_id}/terminate_connections: error.type=403 http.request.body.size=2 http.request.method=POST http.response.status_code=403 SERVER url.full=http://SERVER/apps/3/users/7/terminate_connections url.scheme=http url.template=/apps/{app_id}/users/{user_id}/terminate_connections",
				"TerminateUserConnections: error.type=403 messaging.operation.name=TerminateUserConnections messaging.system=pusher SERVER",
			},
		},
		{
			name: "generated client",
			call: func(c *pusher.Client) error {
				_, err := c.API().GetChannelWithResponse(ctx, "3", "room-7", nil)
				return err
			},
			want: []string{
				"GET /apps/{app_id}/channels/{channel_name}: http.request.method=GET http.response.body.size=42 http.response.status_code=200 SERVER url.full=http://SERVER/apps/3/channels/room-7 url.scheme=http url.template=/apps/{app_id}/channels/{channel_name}",
				"GET /apps/{app_id}/channels/{channel_name}: messaging.operation.name=GET /apps/{app_id}/channels/{channel_name} messaging.system=pusher SERVER",
			},
		},
		{
			name: "path that is not in openapi.yaml",
			call: func(c *pusher.Client) error { _, err := c.Get(ctx, "/rooms/7", nil); return err },
			want: []string{
				"GET: http.request.method=GET http.response.body.size=42 http.response.status_code=200 SERVER url.full=http://SERVER/apps/3/rooms/7 url.scheme=http",
				"Get: messaging.operation.name=Get messaging.system=pusher SERVER",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			recorded := newTelemetry()
			server := newServer(t, tt.statuses...)
			client := newClient(t, server, recorded.observer())
			if err := tt.call(client); (err != nil) != strings.Contains(tt.want[len(tt.want)-1], "error.type") {
				t.Errorf("call returned error %v", err)
			}
			var got []string
			for _, span := range recorded.spans.Ended() {
				got = append(got, summary(span, server.URL))
				if span.SpanKind() != trace.SpanKindClient {
					t.Errorf("span %s has kind %v, want client", span.Name(), span.SpanKind())
				}
				if failed := strings.Contains(got[len(got)-1], "error.type"); failed != (span.Status().Code == codes.Error) {
					t.Errorf("span %s has status %+v, want an error if and only if error.type is set: %t", span.Name(), span.Status(), failed)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("spans are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// The spans of the requests of all operations in openapi.yaml have its paths.
func TestNew_Paths(t *testing.T) {
	text, err := os.ReadFile("../gen/openapi.rest.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(text, &document); err != nil || len(document.Paths) == 0 {
		t.Fatalf("%d paths, error %v", len(document.Paths), err)
	}
	for template, operations := range document.Paths {
		path := strings.NewReplacer("/apps/{app_id}", "", "{channel_name}", "presence-7", "{user_id}", "7").Replace(template)
		for method := range operations {
			recorded := newTelemetry()
			client := newClient(t, newServer(t), recorded.observer())
			switch method {
			case "get":
				_, err = client.Get(t.Context(), path, nil)
			case "post":
				_, err = client.Post(t.Context(), path, map[string]any{})
			default: // parameters
				continue
			}
			want := strings.ToUpper(method) + " " + template
			if spans := recorded.spans.Ended(); err != nil || spans[0].Name() != want {
				t.Errorf("span %q, error %v, want %q", spans[0].Name(), err, want)
			}
		}
	}
}

// The span of an operation is a child of the caller's, and the spans of its attempts
// are children of the operation's.
func TestNew_Parents(t *testing.T) {
	recorded := newTelemetry()
	client := newClient(t, newServer(t, 503), recorded.observer())
	ctx, caller := recorded.tracers.Tracer("test").Start(context.Background(), "caller")
	if _, err := client.Channels(ctx, pusher.ChannelsParams{}); err != nil {
		t.Fatal(err)
	}

	spans := recorded.spans.Ended()
	if len(spans) != 3 {
		t.Fatalf("%d spans ended, want 3", len(spans))
	}
	operation := spans[2]
	if got, want := operation.Parent().SpanID(), caller.SpanContext().SpanID(); got != want {
		t.Errorf("parent of the operation is %v, want the caller's span %v", got, want)
	}
	for _, attempt := range spans[:2] {
		if got, want := attempt.Parent().SpanID(), operation.SpanContext().SpanID(); got != want {
			t.Errorf("parent of an attempt is %v, want the operation's span %v", got, want)
		}
	}
}

// batch observes the start and the end of a publisher's batch.
func batch(observer pusher.Observer, queued []pusher.QueuedEvent, err error) {
	_, end := observer(context.Background(), pusher.OperationStart{
		Operation: "Publish", Method: "POST", Scheme: "https", Host: "api-eu.pusher.com", Path: "/apps/3/batch_events",
		Channels: 1, Events: len(queued), RequestBytes: 10, Queued: queued,
	})
	end(pusher.OperationEnd{Status: 200, Attempts: 1, Duration: 30 * time.Millisecond, Err: err})
}

// A batch has one link to each span in which events of it were published; events that
// were published outside of a span have none.
func TestNew_Links(t *testing.T) {
	recorded := newTelemetry()
	tracer := recorded.tracers.Tracer("test")
	ctx1, span1 := tracer.Start(context.Background(), "request 1")
	ctx2, span2 := tracer.Start(context.Background(), "request 2")
	batch(recorded.observer(), []pusher.QueuedEvent{{Context: ctx1}, {Context: context.Background()}, {Context: ctx2}, {Context: ctx1}}, nil)

	var got, want []trace.SpanID
	for _, link := range recorded.spans.Ended()[0].Links() {
		got = append(got, link.SpanContext.SpanID())
	}
	want = append(want, span1.SpanContext().SpanID(), span2.SpanContext().SpanID())
	if !slices.Equal(got, want) {
		t.Errorf("links lead to %v, want %v", got, want)
	}
}

func TestNew_Metrics(t *testing.T) {
	ctx := context.Background()
	recorded := newTelemetry()
	server := newServer(t, 503, 200, 429, 429, 429)
	client := newClient(t, server, recorded.observer())
	if _, err := client.Channels(ctx, pusher.ChannelsParams{}); err != nil {
		t.Fatal(err)
	}
	events := []pusher.Event{{Channel: "a", Name: "e", Data: "d"}, {Channel: "b", Name: "e", Data: "d"}}
	if _, err := client.TriggerBatch(ctx, events); !errors.Is(err, pusher.ErrRateLimited) {
		t.Fatalf("TriggerBatch = %v, want ErrRateLimited", err)
	}
	if _, err := client.TriggerBatch(ctx, events); err != nil {
		t.Fatal(err)
	}

	address, _ := url.Parse(server.URL)
	at := " server.address=" + address.Hostname() + " server.port=" + address.Port()
	tests := []struct {
		metric string
		want   []string
	}{
		{"messaging.client.operation.duration", []string{
			"1 × error.type=429 messaging.operation.name=TriggerBatch messaging.operation.type=send messaging.system=pusher" + at,
			"1 × messaging.operation.name=Channels messaging.system=pusher" + at,
			"1 × messaging.operation.name=TriggerBatch messaging.operation.type=send messaging.system=pusher" + at,
		}},
		{"messaging.client.sent.messages", []string{
			"2 × error.type=429 messaging.operation.name=TriggerBatch messaging.operation.type=send messaging.system=pusher" + at,
			"2 × messaging.operation.name=TriggerBatch messaging.operation.type=send messaging.system=pusher" + at,
		}},
		{"http.client.request.duration", []string{
			"1 × error.type=503 http.request.method=GET http.response.status_code=503" + at + " url.scheme=http url.template=/apps/{app_id}/channels",
			"1 × http.request.method=GET http.response.status_code=200" + at + " url.scheme=http url.template=/apps/{app_id}/channels",
			"1 × http.request.method=POST http.response.status_code=200" + at + " url.scheme=http url.template=/apps/{app_id}/batch_events",
			"3 × error.type=429 http.request.method=POST http.response.status_code=429" + at + " url.scheme=http url.template=/apps/{app_id}/batch_events",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.metric, func(t *testing.T) {
			if got := recorded.points(t, tt.metric); !slices.Equal(got, tt.want) {
				t.Errorf("data points are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
	for _, metric := range recorded.metrics(t) {
		if unit := map[bool]string{true: "s", false: "{message}"}[strings.HasSuffix(metric.Name, ".duration")]; metric.Unit != unit {
			t.Errorf("unit of %s is %q, want %q", metric.Name, metric.Unit, unit)
		}
	}
}

func TestNew_QueueDuration(t *testing.T) {
	recorded := newTelemetry()
	batch(recorded.observer(), []pusher.QueuedEvent{
		{Context: context.Background(), Wait: 2 * time.Millisecond, Attempt: 1},
		{Context: context.Background(), Wait: 8 * time.Second, Attempt: 1},
		{Context: context.Background(), Wait: time.Minute, Attempt: 2}, // recorded before
	}, nil)
	got := recorded.points(t, "pusher.publisher.queue.duration")
	if want := []string{"2 × server.address=api-eu.pusher.com server.port=443"}; !slices.Equal(got, want) {
		t.Errorf("data points are %q, want %q", got, want)
	}
	if got, want := recorded.sum(t, "pusher.publisher.queue.duration"), 8.002; got != want {
		t.Errorf("sum is %v s, want %v s", got, want)
	}
}

// Channel names and user IDs would create a time series each.
func TestNew_LowCardinality(t *testing.T) {
	ctx := context.Background()
	recorded := newTelemetry()
	client := newClient(t, newServer(t), recorded.observer())
	for i := range 20 {
		name := fmt.Sprintf("presence-%d", i)
		_, err1 := client.ChannelInfo(ctx, name)
		_, err2 := client.ChannelUsers(ctx, name)
		_, err3 := client.API().GetChannelWithResponse(ctx, "3", name, nil)
		_, err4 := client.Get(ctx, "/rooms/"+name, nil)
		_, err5 := client.Trigger(ctx, name, "event-"+name, "d")
		if err := errors.Join(err1, err2, err3, err4, err5, client.TerminateUserConnections(ctx, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{"messaging.client.operation.duration": 6, "http.client.request.duration": 5} {
		if got := recorded.points(t, name); len(got) != want {
			t.Errorf("%s has %d time series, want %d:\n%s", name, len(got), want, strings.Join(got, "\n"))
		}
	}
}

// Whether a call succeeds, is rejected or receives no response: no span and no
// measurement contains the secret, a signature, or another part of the query.
func TestNew_Secrets(t *testing.T) {
	ctx := context.Background()
	recorded := newTelemetry()
	server := newServer(t, 200, 401, 403)
	client := newClient(t, server, recorded.observer())
	call := func() error {
		_, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}})
		return err
	}
	publish := func() error { _, err := client.Trigger(ctx, "c", "e", "payload"); return err }
	if err := call(); err != nil {
		t.Fatal(err)
	}
	for _, failing := range []func() error{call, publish} {
		if failing() == nil {
			t.Error("a call that the server rejected returned no error")
		}
	}
	server.Close()
	for _, failing := range []func() error{call, publish} {
		if failing() == nil {
			t.Error("a call without a server returned no error")
		}
	}

	var all strings.Builder
	for _, span := range recorded.spans.Ended() {
		fmt.Fprintln(&all, span.Name(), join(span.Attributes()), span.Status().Description, span.Events())
	}
	for _, metric := range recorded.metrics(t) {
		fmt.Fprintf(&all, "%+v\n", metric)
	}
	if !strings.Contains(all.String(), "dial tcp") {
		t.Errorf("the failure to connect is missing in\n%s", all.String())
	}
	for _, secret := range []string{testSecret, "278d425bdf160c739803", "auth_", "body_md5", "filter_by_prefix", "payload"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q was recorded:\n%s", secret, all.String())
		}
	}
}

// Without options the global providers are used.
func TestNew_GlobalProviders(t *testing.T) {
	tracers, meters := otel.GetTracerProvider(), otel.GetMeterProvider()
	defer otel.SetTracerProvider(tracers)
	defer otel.SetMeterProvider(meters)
	recorded := newTelemetry()
	otel.SetTracerProvider(recorded.tracers)
	otel.SetMeterProvider(recorded.meters)
	client := newClient(t, newServer(t), otelpusher.New())
	if err := client.Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	if spans, points := len(recorded.spans.Ended()), len(recorded.points(t, "messaging.client.operation.duration")); spans != 2 || points != 1 {
		t.Errorf("%d spans and %d data points were recorded, want 2 and 1", spans, points)
	}
}

// failingMeters cannot create the instrument of this name, or any if it is empty.
type failingMeters struct {
	metricnoop.MeterProvider
	name string
}

func (m failingMeters) Meter(string, ...metric.MeterOption) metric.Meter {
	return failingMeter{name: m.name}
}

type failingMeter struct {
	metricnoop.Meter
	name string
}

var errNoInstrument = errors.New("no instrument")

func (m failingMeter) err(name string) error {
	if m.name == "" || m.name == name {
		return errNoInstrument
	}
	return nil
}

func (m failingMeter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, m.err(name)
}

func (m failingMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, m.err(name)
}

func (m failingMeter) Int64ObservableCounter(name string, _ ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	return nil, m.err(name)
}

func (m failingMeter) Int64ObservableUpDownCounter(name string, _ ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	return nil, m.err(name)
}

// A failure of the telemetry is reported and does not affect the calls.
func TestNew_FailingMeter(t *testing.T) {
	var handled error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = err }))
	recorded := newTelemetry()
	observer := otelpusher.New(otelpusher.WithTracerProvider(recorded.tracers), otelpusher.WithMeterProvider(failingMeters{}))
	if !errors.Is(handled, errNoInstrument) {
		t.Errorf("error %v was handled, want %v", handled, errNoInstrument)
	}
	batch(observer, []pusher.QueuedEvent{{Context: context.Background(), Wait: time.Second}}, nil)
	if err := newClient(t, newServer(t), observer).Ping(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNew_ServerPort(t *testing.T) {
	tests := []struct{ scheme, host, want string }{
		{"https", "api-eu.pusher.com", "server.address=api-eu.pusher.com server.port=443"},
		{"http", "localhost", "server.address=localhost server.port=80"},
		{"http", "[::1]:6001", "server.address=::1 server.port=6001"},
		{"", "localhost", "server.address=localhost"},
	}
	for _, tt := range tests {
		t.Run(tt.scheme+" "+tt.host, func(t *testing.T) {
			recorded := newTelemetry()
			_, end := recorded.observer()(context.Background(), pusher.OperationStart{
				Operation: "Ping", Method: http.MethodGet, Scheme: tt.scheme, Host: tt.host, Path: "/apps/3/channels/ping",
			})
			end(pusher.OperationEnd{})
			got := join(recorded.spans.Ended()[0].Attributes())
			if want := "messaging.operation.name=Ping messaging.system=pusher " + tt.want; got != want {
				t.Errorf("attributes are %s, want %s", got, want)
			}
		})
	}
}
