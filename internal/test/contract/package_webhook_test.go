package contract_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/webhook"
)

// Every property of an event in the document arrives in a field of the typed event of
// package webhook, and every field of a typed event has a property.
func TestPackageWebhook(t *testing.T) {
	doc := load(t)
	for _, variant := range component(t, doc, "WebhookEvent").Value.OneOf {
		name, _ := variant.Value.Properties["name"].Value.Const.(string)
		t.Run(name, func(t *testing.T) {
			event := sample(t, variant, "event")
			parsed := parseWebhook(t, doc, map[string]any{"time_ms": int64(1327078148132), "events": []any{event}})
			if len(parsed.Events) != 1 {
				t.Fatalf("%d events arrive, want 1", len(parsed.Events))
			}
			typed := reflect.ValueOf(parsed.Events[0])
			if _, unknown := parsed.Events[0].(webhook.Unknown); unknown {
				t.Fatalf("event %q arrives as %s: add a type for it to webhook/event.go and decode it in webhook/decode.go", name, typed.Type())
			}
			leaves(event, "", func(path string, value any) {
				if path != "name" && !contains(typed, value) {
					t.Errorf("property %q of %q does not arrive: add a field to %s and decode it in webhook/decode.go", path, name, typed.Type())
				}
			})
			for i := range typed.NumField() {
				field := typed.Type().Field(i)
				if field.Type != reflect.TypeFor[error]() && typed.Field(i).IsZero() {
					t.Errorf("%s.%s is empty although %q has all properties of the document: describe its property in openapi.yaml", typed.Type(), field.Name, name)
				}
			}
		})
	}

	t.Run("WebhookDelivery", func(t *testing.T) {
		delivery, ok := sample(t, component(t, doc, "WebhookDelivery"), "delivery").(map[string]any)
		if !ok {
			t.Fatal("WebhookDelivery is not an object")
		}
		parsed := parseWebhook(t, doc, delivery)
		delete(delivery, "events")
		leaves(delivery, "", func(path string, value any) {
			if !contains(reflect.ValueOf(*parsed), value) {
				t.Errorf("property %q of WebhookDelivery does not arrive: add a field to webhook.Webhook and decode it in webhook/decode.go", path)
			}
		})
	})
}

// parseWebhook signs a body as the document's security schemes describe, and parses
// it with package webhook.
func parseWebhook(t *testing.T, doc *openapi3.T, body any) *webhook.Webhook {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := webhook.New("sample-key", "sample-secret")
	if err != nil {
		t.Fatal(err)
	}
	r := newWebhookRequest(doc, "sample-key", "sample-secret", string(text))
	parsed, err := verifier.Parse(r)
	if err != nil {
		t.Fatalf("Parse(%s) = %v, want no error: change webhook/decode.go or openapi.yaml", text, err)
	}
	return parsed
}

// newWebhookRequest signs without package webhook, which signs in the same way as it
// verifies.
func newWebhookRequest(doc *openapi3.T, key, secret, body string) *http.Request {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	schemes := doc.Components.SecuritySchemes
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(schemes["webhookKey"].Value.Name, key)
	r.Header.Set(schemes["webhookSignature"].Value.Name, hex.EncodeToString(mac.Sum(nil)))
	return r
}
