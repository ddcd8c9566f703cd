package contract_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// A pusherOperation calls an operation of the document through package pusher.
type pusherOperation struct {
	method, path string // path of the document
	extend       string // what to extend if the call lacks something
	// call passes every parameter that package pusher offers, with these attributes,
	// and returns the result.
	call func(ctx context.Context, client *pusher.Client, attributes []pusher.Attribute) (any, error)
}

var pusherOperations = map[string]pusherOperation{
	"triggerEvent": {"POST", "/apps/{app_id}/events", "pusher.TriggerOption in pusher/trigger.go",
		func(ctx context.Context, client *pusher.Client, attributes []pusher.Attribute) (any, error) {
			return client.TriggerMulti(ctx, []string{"presence-a", "b"}, "sample", "data", pusher.ExcludeSocket("1.2"), pusher.WithInfo(attributes...), pusher.WithIdempotencyKey("k"))
		}},
	"triggerBatch": {"POST", "/apps/{app_id}/batch_events", "pusher.Event in pusher/event.go",
		func(ctx context.Context, client *pusher.Client, attributes []pusher.Attribute) (any, error) {
			return client.TriggerBatch(ctx, []pusher.Event{{Channel: "presence-a", Name: "sample", Data: "data", SocketID: "1.2", Info: attributes, IdempotencyKey: "k"}})
		}},
	"listChannels": {"GET", "/apps/{app_id}/channels", "pusher.ChannelsParams in pusher/query.go",
		func(ctx context.Context, client *pusher.Client, attributes []pusher.Attribute) (any, error) {
			return client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: attributes})
		}},
	"getChannel": {"GET", "/apps/{app_id}/channels/{channel_name}", "Client.ChannelInfo in pusher/query.go",
		func(ctx context.Context, client *pusher.Client, attributes []pusher.Attribute) (any, error) {
			return client.ChannelInfo(ctx, "presence-cache-a", attributes...)
		}},
	"listChannelUsers": {"GET", "/apps/{app_id}/channels/{channel_name}/users", "Client.ChannelUsers in pusher/query.go",
		func(ctx context.Context, client *pusher.Client, _ []pusher.Attribute) (any, error) {
			return client.ChannelUsers(ctx, "presence-a")
		}},
	"terminateUserConnections": {"POST", "/apps/{app_id}/users/{user_id}/terminate_connections", "Client.TerminateUserConnections in pusher/users.go",
		func(ctx context.Context, client *pusher.Client, _ []pusher.Attribute) (any, error) {
			return nil, client.TerminateUserConnections(ctx, "7")
		}},
}

// notOffered lists what package pusher leaves out on purpose.
var notOffered = map[string]string{
	"triggerEvent body channel":                           "one channel is sent as channels",
	"listChannels response channels.*.subscription_count": "a list cannot request it",
}

// Package pusher calls every operation that is not deprecated. It can send every
// parameter and every attribute, sends nothing else, and its result has every
// property of the response.
func TestPackagePusher(t *testing.T) {
	doc := load(t)
	called := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Deprecated {
				continue
			}
			t.Run(op.OperationID, func(t *testing.T) {
				operation, ok := pusherOperations[op.OperationID]
				if !ok || operation.method != method || operation.path != path {
					t.Fatalf("%s %s is not called: add a method to pusher.Client, and a call to pusherOperations in this test", method, path)
				}
				testOperation(t, op, operation)
			})
			called[op.OperationID] = true
		}
	}
	for id := range pusherOperations {
		if !called[id] {
			t.Errorf("pusherOperations calls %s, which the document does not describe", id)
		}
	}
}

func testOperation(t *testing.T, op *openapi3.Operation, operation pusherOperation) {
	response := any(map[string]any{})
	if media := successBody(op); media != nil {
		response = sample(t, media.Schema, "response")
	}
	server, client := newRecorder(t, response)

	// Each attribute alone, so that the error names the one that is rejected.
	attributes := attributesOf(op)
	for _, attribute := range attributes {
		if _, err := operation.call(t.Context(), client, []pusher.Attribute{attribute}); err != nil {
			t.Errorf("attribute %q is rejected: extend %s: %v", attribute, operation.extend, err)
		}
	}
	server.requests = nil
	attributes = slices.DeleteFunc(attributes, func(a pusher.Attribute) bool {
		_, err := operation.call(t.Context(), client, []pusher.Attribute{a})
		return err != nil
	})
	result, err := operation.call(t.Context(), client, attributes)
	if err != nil {
		t.Fatalf("the call fails: %v", err)
	}

	last := server.requests[len(server.requests)-1]
	if match, err := regexp.MatchString("^"+regexp.MustCompile(`\{\w+\}`).ReplaceAllString(operation.path, "[^/]+")+"$", last.path); err != nil || !match {
		t.Errorf("the call requests %s, want %s", last.path, operation.path)
	}
	query := map[string]bool{}
	for _, parameter := range op.Parameters {
		if parameter.Value.In == openapi3.ParameterInQuery {
			query[parameter.Value.Name] = true
		}
	}
	for name := range last.query {
		if signing.IsAuthParameter(name) {
			delete(last.query, name)
		}
	}
	compareNames(t, query, last.query,
		"query parameter %q is never sent: extend "+operation.extend+", and pass it in pusherOperations of this test",
		"query parameter %q is sent, but the document does not describe it: add it to openapi.yaml")

	body := map[string]bool{}
	if op.RequestBody != nil {
		for name := range properties(op.RequestBody.Value.Content["application/json"].Schema) {
			if notOffered[op.OperationID+" body "+name] == "" {
				body[name] = true
			}
		}
	}
	compareNames(t, body, last.body,
		"property %q of the body is never sent: extend "+operation.extend+", and pass it in pusherOperations of this test",
		"property %q of the body is sent, but the document does not describe it: add it to openapi.yaml")

	leaves(response, "", func(path string, value any) {
		if notOffered[op.OperationID+" response "+path] == "" && !contains(reflect.ValueOf(result), value) {
			t.Errorf("property %q of the response is not in the result: run `make generate`, then look for code that removes it in %s", path, operation.extend)
		}
	})
}

// properties returns the properties of an object, or of the alternatives of oneOf, by
// their path in the body.
func properties(schema *openapi3.SchemaRef) map[string]*openapi3.SchemaRef {
	found := map[string]*openapi3.SchemaRef{}
	for _, alternative := range append(slices.Clone(schema.Value.OneOf), schema) {
		for name, property := range alternative.Value.Properties {
			found[name] = property
			if items := property.Value.Items; items != nil {
				for inner, property := range properties(items) {
					found[name+"[]."+inner] = property
				}
			}
		}
	}
	return found
}

// attributesOf returns the attributes that the parameter or property info allows.
func attributesOf(op *openapi3.Operation) []pusher.Attribute {
	var attributes []pusher.Attribute
	if info := op.Parameters.GetByInAndName(openapi3.ParameterInQuery, "info"); info != nil {
		attributes = attributesIn(info.Schema.Value)
	}
	if op.RequestBody == nil {
		return attributes
	}
	for name, property := range properties(op.RequestBody.Value.Content["application/json"].Schema) {
		if name == "info" || strings.HasSuffix(name, ".info") {
			attributes = append(attributes, attributesIn(property.Value)...)
		}
	}
	return attributes
}

// attributesIn returns the attributes of a list whose pattern is ^(a|b)(,(a|b))*$, or
// which is the enumeration of the only one.
func attributesIn(info *openapi3.Schema) []pusher.Attribute {
	var attributes []pusher.Attribute
	for _, value := range info.Enum {
		attributes = append(attributes, pusher.Attribute(fmt.Sprint(value)))
	}
	if list, ok := strings.CutPrefix(info.Pattern, "^("); ok {
		list, _, _ = strings.Cut(list, ")")
		for value := range strings.SplitSeq(list, "|") {
			attributes = append(attributes, pusher.Attribute(value))
		}
	}
	return attributes
}

type recordedRequest struct {
	path  string
	query url.Values
	body  map[string]bool // properties by their path
}

type recorder struct{ requests []recordedRequest }

// newRecorder returns a server that records requests and sends the same response to
// all of them, and its client.
func newRecorder(t *testing.T, response any) (*recorder, *pusher.Client) {
	t.Helper()
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	recorded := &recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := recordedRequest{path: r.URL.Path, query: r.URL.Query(), body: map[string]bool{}}
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			var value map[string]any
			if err := json.Unmarshal(body, &value); err != nil {
				t.Errorf("body %s: %v", body, err)
			}
			collect(value, "", request.body)
		}
		recorded.requests = append(recorded.requests, request)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "sample-key", Secret: "sample-secret"}, pusher.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	return recorded, client
}

// collect records the names of all properties, in the form of [properties].
func collect(value any, path string, names map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			names[path+name] = true
			collect(v, path+name, names)
		}
	case []any:
		for _, v := range value {
			collect(v, path+"[].", names)
		}
	}
}

// The limits of package pusher are those of the document.
func TestPackagePusher_Limits(t *testing.T) {
	_, client := newRecorder(t, map[string]any{"channels": map[string]any{}, "occupied": true})
	ctx := context.Background()
	doc := load(t)
	text := func(n int) any { return strings.Repeat("a", n) }
	property := func(schema, name string) *openapi3.SchemaRef {
		return component(t, doc, schema).Value.Properties[name]
	}
	parameter := func(parameters openapi3.Parameters, in, name string) *openapi3.SchemaRef {
		if found := parameters.GetByInAndName(in, name); found != nil {
			return found.Schema
		}
		t.Fatalf("the document has no %s parameter %s: change this test", in, name)
		return nil
	}
	event := map[string]any{"name": "e", "channel": "a", "data": "d"}

	tests := []struct {
		name   string
		schema *openapi3.SchemaRef
		value  func(n int) any
		call   func(n int) error
	}{
		{"channels of an event", property("TriggerToChannels", "channels"),
			func(n int) any { return slices.Repeat([]any{"a"}, n) },
			func(n int) error {
				names := make([]string, n) // different ones: a name that is given twice counts once
				for i := range names {
					names[i] = fmt.Sprint("a", i)
				}
				_, err := client.TriggerMulti(ctx, names, "e", "d")
				return err
			}},
		{"events of a batch", property("BatchRequest", "batch"),
			func(n int) any { return slices.Repeat([]any{event}, n) },
			func(n int) error {
				_, err := client.TriggerBatch(ctx, slices.Repeat([]pusher.Event{{Channel: "a", Name: "e", Data: "d"}}, n))
				return err
			}},
		{"idempotency key", component(t, doc, "IdempotencyKey"), text, func(n int) error {
			_, err := client.Trigger(ctx, "a", "e", "d", pusher.WithIdempotencyKey(strings.Repeat("a", n)))
			return err
		}},
		{"event name", component(t, doc, "EventName"), text, func(n int) error {
			_, err := client.Trigger(ctx, "a", strings.Repeat("a", n), "d")
			return err
		}},
		{"channel name of an event", component(t, doc, "TargetName"), text, func(n int) error {
			_, err := client.Trigger(ctx, strings.Repeat("a", n), "e", "d")
			return err
		}},
		{"channel name of a query", doc.Components.Parameters["ChannelName"].Value.Schema, text, func(n int) error {
			_, err := client.ChannelInfo(ctx, strings.Repeat("a", n))
			return err
		}},
		{"prefix of channel names", parameter(doc.Paths.Value("/apps/{app_id}/channels").Get.Parameters, "query", "filter_by_prefix"), text, func(n int) error {
			_, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: strings.Repeat("a", n)})
			return err
		}},
		{"user ID of an event", component(t, doc, "TargetName"), func(n int) any { return "#server-to-user-" + strings.Repeat("7", n) }, func(n int) error {
			return client.SendToUser(ctx, strings.Repeat("7", n), "e", "d")
		}},
		{"user ID of terminate_connections", parameter(doc.Paths.Value("/apps/{app_id}/users/{user_id}/terminate_connections").Parameters, "path", "user_id"), text, func(n int) error {
			return client.TerminateUserConnections(ctx, strings.Repeat("7", n))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { compareLimit(t, tt.schema, tt.value, tt.call) })
	}

	t.Run("event data", func(t *testing.T) {
		limit, ok := component(t, doc, "EventData").Value.Extensions["x-max-bytes"].(float64)
		if !ok {
			t.Fatal("EventData has no x-max-bytes")
		}
		send := func(n int) error {
			_, err := client.Trigger(ctx, "a", "e", strings.Repeat("a", n))
			return err
		}
		if err := send(int(limit)); err != nil {
			t.Errorf("the document allows %v bytes, but the package rejects them: change internal/protocol: %v", limit, err)
		}
		if err := send(int(limit) + 1); err == nil {
			t.Errorf("the document allows %v bytes, but the package accepts one more: change internal/protocol", limit)
		}
	})
}
