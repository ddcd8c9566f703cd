package contract_test

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../../openapi.yaml")
	if err != nil {
		t.Fatalf("load openapi.yaml: %v", err)
	}
	return doc
}

// validate returns why the value does not conform to the schema, or nil. The value
// is encoded as JSON first, so that its numbers have the types of decoded JSON.
func validate(t *testing.T, schema *openapi3.SchemaRef, value any) error {
	t.Helper()
	return schema.Value.VisitJSON(asJSON(t, value), openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("encode %v: %v", value, err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return plain
}

func component(t *testing.T, doc *openapi3.T, name string) *openapi3.SchemaRef {
	t.Helper()
	schema := doc.Components.Schemas[name]
	if schema == nil {
		t.Fatalf("components.schemas has no %s", name)
	}
	return schema
}

// Validate also compiles every pattern: one that Go cannot compile makes kin-openapi
// silently use a validator that does not know const.
func TestDocument(t *testing.T) {
	doc := load(t)
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("openapi: %s, want 3.1 or later", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater(), openapi3.EnableMultiError()); err != nil {
		t.Errorf("Validate() = %v, want no error", err)
	}
}

// Generators for other languages do not understand everything that OpenAPI 3.1 allows,
// and extensions for Go belong in gen/rest.overlay.yaml.
func TestDocument_Portability(t *testing.T) {
	doc := load(t)
	err := doc.WalkSchemas(func(path string, ref *openapi3.SchemaRef) error {
		schema := ref.Value
		if schema.Const != nil && schema.Type == nil {
			t.Errorf("%s has const, but no type: add type next to const", path)
		}
		if schema.Type != nil && len(*schema.Type) > 1 {
			t.Errorf("%s has the types %q: use oneOf", path, *schema.Type)
		}
		if schema.If != nil || schema.Then != nil || schema.Else != nil {
			t.Errorf("%s has if, then or else: use oneOf", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "x-go-") {
		t.Error("openapi.yaml has an x-go- extension: move it to gen/rest.overlay.yaml")
	}
}

// Source: Pusher HTTP API reference, "HTTP methods" and "Deprecated"; 405, 415, 422
// and 429 are sent by compatible servers, 413 for event data only.
func TestOperations(t *testing.T) {
	type operation struct {
		id       string
		security [][]string // alternatives
		statuses []string
	}
	signed := []string{"authKey", "authSignature", "authTimestamp", "authVersion"}
	signedBody := append(signed[:4:4], "bodyMD5")
	read := operation{
		security: [][]string{signed},
		statuses: []string{"200", "400", "401", "403", "404", "405", "429", "500", "503", "default"},
	}
	terminate := operation{
		security: [][]string{signedBody, signed}, // the body is optional
		statuses: []string{"200", "400", "401", "403", "404", "405", "415", "429", "500", "503", "default"},
	}
	publish := operation{
		security: [][]string{signedBody},
		statuses: []string{"200", "400", "401", "403", "404", "405", "413", "415", "422", "429", "500", "503", "default"},
	}
	legacy := operation{
		security: [][]string{signedBody},
		statuses: []string{"202", "400", "401", "403", "404", "405", "413", "415", "422", "429", "500", "503", "default"},
	}
	named := func(id string, op operation) operation { op.id = id; return op }
	want := map[string]operation{
		"POST /apps/{app_id}/events":                                named("triggerEvent", publish),
		"POST /apps/{app_id}/batch_events":                          named("triggerBatch", publish),
		"GET /apps/{app_id}/channels":                               named("listChannels", read),
		"GET /apps/{app_id}/channels/{channel_name}":                named("getChannel", read),
		"GET /apps/{app_id}/channels/{channel_name}/users":          named("listChannelUsers", read),
		"POST /apps/{app_id}/users/{user_id}/terminate_connections": named("terminateUserConnections", terminate),
		"GET /apps/{app_id}/channels/{channel_name}/stats":          named("getChannelStats", read),
		"POST /apps/{app_id}/channels/{channel_name}/events":        named("triggerChannelEvent", legacy),
	}

	doc := load(t)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			line := method + " " + path
			expected, ok := want[line]
			if !ok {
				t.Errorf("%s is described, but is not in this test's table", line)
				continue
			}
			delete(want, line)
			if op.OperationID != expected.id {
				t.Errorf("%s: operationId %q, want %q", line, op.OperationID, expected.id)
			}
			if got := sortedKeys(op.Responses.Map()); !slices.Equal(got, expected.statuses) {
				t.Errorf("%s: responses %q, want %q", line, got, expected.statuses)
			}
			if got, want := op.Deprecated, strings.HasSuffix(path, "/stats") || strings.HasSuffix(path, "{channel_name}/events"); got != want {
				t.Errorf("%s: deprecated is %t, want %t", line, got, want)
			}
			if !op.Deprecated && !usesJSON(op, method) {
				t.Errorf("%s: the 200 response, or the request of a POST, has no application/json", line)
			}
			required := doc.Security
			if op.Security != nil {
				required = *op.Security
			}
			var security [][]string
			for _, alternative := range required {
				security = append(security, sortedKeys(alternative))
			}
			if !reflect.DeepEqual(security, expected.security) {
				t.Errorf("%s: security %q, want %q", line, security, expected.security)
			}
		}
	}
	for line := range want {
		t.Errorf("%s is not described", line)
	}
}

func usesJSON(op *openapi3.Operation, method string) bool {
	ok := op.Responses.Value("200")
	response := ok != nil && ok.Value.Content["application/json"] != nil
	request := method == http.MethodGet || op.RequestBody != nil && op.RequestBody.Value.Content["application/json"] != nil
	return response && request
}

func TestSecuritySchemes(t *testing.T) {
	want := map[string][2]string{
		"authKey":          {"query", "auth_key"},
		"authTimestamp":    {"query", "auth_timestamp"},
		"authVersion":      {"query", "auth_version"},
		"authSignature":    {"query", "auth_signature"},
		"bodyMD5":          {"query", "body_md5"},
		"webhookKey":       {"header", "X-Pusher-Key"},
		"webhookSignature": {"header", "X-Pusher-Signature"},
	}
	schemes := load(t).Components.SecuritySchemes
	if got, want := sortedKeys(schemes), sortedKeys(want); !slices.Equal(got, want) {
		t.Fatalf("securitySchemes are %q, want %q", got, want)
	}
	for name, scheme := range schemes {
		if got := [2]string{scheme.Value.In, scheme.Value.Name}; got != want[name] || scheme.Value.Type != "apiKey" {
			t.Errorf("%s: %s in %q, want apiKey in %q", name, scheme.Value.Type, got, want[name])
		}
	}
}
