package compat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/compat"
)

func TestErrorUnderSuccess(t *testing.T) {
	tests := []struct {
		name, body string
		want       *compat.Error
	}{
		{"soketi", `{"error":"The received data is incorrect","code":400}`, &compat.Error{Status: 400, Message: "The received data is incorrect"}},
		{"Sockudo", `{"error":"bad signature","code":"auth_failed","status":401}`, &compat.Error{Status: 401, Message: "bad signature"}},
		{"code below 400", `{"error":"no","code":200}`, nil},
		{"code above 599", `{"error":"no","code":1006}`, nil},
		{"no code", `{"error":"no"}`, nil},
		{"error that is not a string", `{"error":{"a":1},"code":400}`, nil},
		{"success", `{"channels":{}}`, nil},
		{"data that mentions an error", `{"occupied":true,"cache":{"data":"\"error\""}}`, nil},
		{"not an object", `["error", 400]`, nil},
		{"not JSON", `"error"`, nil},
		{"empty", ``, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := compat.ErrorUnderSuccess([]byte(tt.body)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ErrorUnderSuccess(%s) = %+v, want %+v", tt.body, got, tt.want)
			}
		})
	}
}

func TestErrorMessage(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"plain text", "Unknown auth_key\n", "Unknown auth_key"},
		{"error", `{"error":"no"}`, "no"},
		{"message", `{"message":"no"}`, "no"},
		{"error before message", `{"message":"b","error":"a"}`, "a"},
		{"empty error", `{"error":"","message":"b"}`, "b"},
		{"fields of Laravel", `{"name":["is missing","is short"],"data":["must be a string"]}`, "data: must be a string; name: is missing, is short"},
		{"other object", `{"a":1}`, `{"a":1}`},
		{"empty object", `{}`, ""},
		{"null", "null", ""},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := compat.ErrorMessage([]byte(tt.body)); got != tt.want {
				t.Errorf("ErrorMessage(%s) = %q, want %q", tt.body, got, tt.want)
			}
		})
	}
}

func TestIsPublishSuccess(t *testing.T) {
	for _, body := range []string{"", "{}", "[]", `{"ok":true}`, "ok", "OK", `"ok"`, `{"channels":{}}`, `{"channels":{"c`} {
		if !compat.IsPublishSuccess([]byte(body)) {
			t.Errorf("IsPublishSuccess(%s) = false, want true", body)
		}
	}
	for _, body := range []string{"Hello", "okay", "null", "true", "7", `"Hello"`, "<html></html>", "202 Accepted"} {
		if compat.IsPublishSuccess([]byte(body)) {
			t.Errorf("IsPublishSuccess(%s) = true, want false", body)
		}
	}
}

func TestTriggerResult(t *testing.T) {
	one := 1
	tests := []struct {
		body string
		want gen.TriggerResult
	}{
		{`{"channels":{"c":{"user_count":1}}}`, gen.TriggerResult{Channels: map[string]gen.ChannelCounts{"c": {UserCount: &one}}}},
		{`{"channels":[]}`, gen.TriggerResult{}},
		{`{"channels":{"c":{"user_count":"many"}}}`, gen.TriggerResult{}},
		{`{}`, gen.TriggerResult{}},
	}
	for _, tt := range tests {
		if got, err := compat.TriggerResult([]byte(tt.body)); err != nil || !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("TriggerResult(%s) = %+v, %v, want %+v", tt.body, got, err, tt.want)
		}
	}
	if got, err := compat.BatchResult([]byte(`{"batch":{}}`)); err != nil || got.Batch != nil {
		t.Errorf(`BatchResult({"batch":{}}) = %+v, %v, want an empty result`, got, err)
	}
}

// queries decodes the same body as each kind of response to a query.
var queries = map[string]struct {
	resource string
	decode   func([]byte) (any, error)
}{
	"ChannelList":     {"channels", func(body []byte) (any, error) { return compat.ChannelList(body) }},
	"ChannelInfo":     {"channels/presence-c", func(body []byte) (any, error) { return compat.ChannelInfo(body) }},
	"ChannelUserList": {"channels/presence-c/users", func(body []byte) (any, error) { return compat.ChannelUserList(body) }},
}

func TestQueries(t *testing.T) {
	tests := []struct {
		query, name, body string
		want              string // the JSON of the result; empty if the body is an error
		text              string // of the error
	}{
		{"ChannelList", "Pusher", `{"channels":{"c":{"user_count":0}}}`, `{"channels":{"c":{"user_count":0}}}`, ""},
		{"ChannelList", "empty array for all channels (PHP)", `{"channels":[ ]}`, `{"channels":{}}`, ""},
		{"ChannelList", "null for all channels", `{"channels":null}`, `{"channels":{}}`, ""},
		{"ChannelList", "empty array for one channel (Poxa)", `{"channels":{"c":[]}}`, `{"channels":{"c":{}}}`, ""},
		{"ChannelList", "array", `{"channels":["c"]}`, "", `"channels" is not an object`},
		{"ChannelList", "missing", `{"ok":true}`, "", `has no "channels"`},
		{"ChannelList", "count that is a string", `{"channels":{"c":{"user_count":"1"}}}`, "", "user_count"},
		{"ChannelInfo", "Pusher", `{"occupied":true,"user_count":2,"cache":{"data":"d","ttl":60}}`, `{"occupied":true,"user_count":2,"cache":{"data":"d","ttl":60}}`, ""},
		{"ChannelInfo", "vacant", `{"occupied":false}`, `{"occupied":false}`, ""},
		{"ChannelInfo", "cache that is null", `{"occupied":true,"cache":null}`, `{"occupied":true}`, ""},
		{"ChannelInfo", "cached data that is an object", `{"occupied":true,"cache":{"data":{"a":[1]}}}`, `{"occupied":true,"cache":{"data":"{\"a\":[1]}"}}`, ""},
		{"ChannelInfo", "missing (pusher2)", `{"Name":"pub"}`, "", `the body has no "occupied": "{\"Name\":\"pub\"}"`},
		{"ChannelInfo", "null", `{"occupied":null}`, "", `"occupied" is null`},
		{"ChannelInfo", "cache that is an array", `{"occupied":true,"cache":[]}`, "", `"cache" is not an object`},
		{"ChannelInfo", "cache without data", `{"occupied":true,"cache":{"ttl":1}}`, "", `"cache" has no "data"`},
		{"ChannelUserList", "Pusher", `{"users":[{"id":"1"}]}`, `{"users":[{"id":"1"}]}`, ""},
		{"ChannelUserList", "numbers (soketi)", `{"users":[{"id":10},{"id":9007199254740993}]}`, `{"users":[{"id":"10"},{"id":"9007199254740993"}]}`, ""},
		{"ChannelUserList", "null (ipe)", `{"users":null}`, `{"users":[]}`, ""},
		{"ChannelUserList", "object (Reverb)", `{"users":{"0":{"id":"a"},"2":{"id":"b"}}}`, `{"users":[{"id":"a"},{"id":"b"}]}`, ""},
		{"ChannelUserList", "null among users", `{"users":[null,{"id":1}]}`, "", `"id" of user 0`},
		{"ChannelUserList", "null in an object", `{"users":{"a":null}}`, "", `"id" of user 0`},
		{"ChannelUserList", "empty ID", `{"users":[{"id":""}]}`, "", `"id" of user 0`},
		{"ChannelUserList", "ID that is an object", `{"users":[{"id":{}}]}`, "", `"id" of user 0`},
		{"ChannelUserList", "string", `{"users":"none"}`, "", `"users" is not an array`},
		{"ChannelUserList", "not JSON", `Hello`, "", `not a JSON object: "Hello"`},
	}
	for _, tt := range tests {
		t.Run(tt.query+"/"+tt.name, func(t *testing.T) {
			query := queries[tt.query]
			value, err := query.decode([]byte(tt.body))
			normal, normalErr := compat.Normalize(http.MethodGet, query.resource, []byte(tt.body))
			if tt.want == "" {
				for _, err := range []error{err, normalErr} {
					if err == nil || !strings.Contains(err.Error(), tt.text) {
						t.Errorf("error %v, want one with %q", err, tt.text)
					}
				}
				return
			}
			if err != nil || !sameJSON(t, value, json.RawMessage(tt.want)) {
				t.Errorf("decoded %+v, %v, want %s", value, err, tt.want)
			}
			// Normalize returns a body that the generated code decodes to the same value.
			if normalErr != nil {
				t.Fatalf("Normalize = %v", normalErr)
			}
			again, err := query.decode(normal)
			if err != nil || !reflect.DeepEqual(again, value) {
				t.Errorf("Normalize = %s, which decodes to %+v, %v, want %+v", normal, again, err, value)
			}
		})
	}
}

func sameJSON(t *testing.T, got any, want json.RawMessage) bool {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(a, b)
}

func TestNormalize(t *testing.T) {
	tests := []struct{ method, resource, body, want string }{
		{"POST", "events", `{"channels":{}}`, `{"channels":{}}`},
		{"POST", "events", `{"channels":[]}`, `{}`},
		{"POST", "batch_events", `{"batch":{}}`, `{}`},
		{"POST", "users/7/terminate_connections", `[]`, `{}`},
		{"POST", "users/7/terminate_connections", `{"ok":true}`, `{"ok":true}`},
		{"GET", "channels/c", `{"occupied":true,"unknown":1}`, `{"occupied":true,"unknown":1}`},
		{"GET", "connections", `{"connections":7}`, `{"connections":7}`},
		{"GET", "channels/c/other", `[1]`, `[1]`},
	}
	for _, tt := range tests {
		got, err := compat.Normalize(tt.method, tt.resource, []byte(tt.body))
		if err != nil || string(got) != tt.want {
			t.Errorf("Normalize(%s %s, %s) = %s, %v, want %s", tt.method, tt.resource, tt.body, got, err, tt.want)
		}
	}
	if _, err := compat.Normalize("GET", "connections", []byte("Hello")); err == nil {
		t.Error("Normalize of a body that is not JSON = nil, want an error")
	}
}

// Errors quote at most the start of a body, and no part of a signature.
func TestQueries_redaction(t *testing.T) {
	signature := strings.Repeat("0a", 32)
	for pad := range 80 {
		body := strings.Repeat("x", 160+pad) + "auth_signature=" + signature
		_, err := compat.ChannelInfo([]byte(body))
		text := fmt.Sprint(err)
		if strings.Contains(text, signature[:10]) {
			t.Fatalf("error %s shows a signature", text)
		}
		if len(text) > 300 {
			t.Fatalf("error of %d bytes, want at most 300", len(text))
		}
	}
}

func FuzzQueries(f *testing.F) {
	for _, body := range []string{`{"users":[null]}`, `{"users":{"a":null}}`, `{"occupied":true,"cache":{"data":[]}}`, `{"channels":{"c":[]}}`, `{"error":"a","code":400}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		compat.ErrorUnderSuccess([]byte(body))
		compat.ErrorMessage([]byte(body))
		compat.IsPublishSuccess([]byte(body))
		for name, query := range queries {
			value, err := query.decode([]byte(body))
			normal, normalErr := compat.Normalize(http.MethodGet, query.resource, []byte(body))
			if (err == nil) != (normalErr == nil) {
				t.Fatalf("%s(%q): decode %v, Normalize %v", name, body, err, normalErr)
			}
			if err != nil {
				continue
			}
			if again, err := query.decode(normal); err != nil || !reflect.DeepEqual(again, value) {
				t.Fatalf("%s(%q) = %+v, but Normalize = %q, which decodes to %+v, %v", name, body, value, normal, again, err)
			}
		}
	})
}
