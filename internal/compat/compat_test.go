package compat_test

import (
	"encoding/json"
	"fmt"
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
		{"code 599", `{"error":"no","code":599}`, &compat.Error{Status: 599, Message: "no"}},
		{"code 600", `{"error":"no","code":600}`, nil},
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

func TestIsAccepted(t *testing.T) {
	for _, body := range []string{"", "{}", "[]", "[ ]", `{"ok":true}`, "ok", "OK", `"ok"`, `{"channels":{}}`, `{"channels":{"c`} {
		if !compat.IsAccepted([]byte(body)) {
			t.Errorf("IsAccepted(%s) = false, want true", body)
		}
	}
	for _, body := range []string{"Hello", "okay", "null", "[1,2]", "[{}]", "true", "7", `"Hello"`, "<html></html>", "202 Accepted"} {
		if compat.IsAccepted([]byte(body)) {
			t.Errorf("IsAccepted(%s) = true, want false", body)
		}
	}
}

func TestDecode_Publish(t *testing.T) {
	tests := []struct{ body, want string }{
		{`{"channels":{"c":{"user_count":1}}}`, `{"channels":{"c":{"user_count":1}}}`},
		{`{"channels":[]}`, `{}`},
		{`{"channels":{"c":{"user_count":"many"}}}`, `{}`},
		{`{}`, `{}`},
		{`{"channels":{"c`, `{}`},
	}
	for _, tt := range tests {
		var got gen.TriggerResult
		if err := compat.Decode([]byte(tt.body), &got); err != nil || !sameJSON(t, got, json.RawMessage(tt.want)) {
			t.Errorf("Decode(%s) = %+v, %v, want %s", tt.body, got, err, tt.want)
		}
	}
	var batch gen.BatchResult
	if err := compat.Decode([]byte(`{"batch":{}}`), &batch); err != nil || batch.Batch != nil {
		t.Errorf(`Decode({"batch":{}}) = %+v, %v, want an empty result`, batch, err)
	}
	var terminated gen.TerminateResult
	if err := compat.Decode([]byte(`[]`), &terminated); err != nil || len(terminated) != 0 {
		t.Errorf(`Decode([]) = %+v, %v, want an empty result`, terminated, err)
	}
}

func TestDecode_OtherValue(t *testing.T) {
	var value struct{ Connections int }
	if err := compat.Decode([]byte(`{"connections":7}`), &value); err != nil || value.Connections != 7 {
		t.Errorf("Decode = %+v, %v, want 7 connections", value, err)
	}
	if err := compat.Decode([]byte("Hello"), &value); err == nil {
		t.Error("Decode of a body that is not JSON = nil, want an error")
	}
}

// models are the models of responses to queries.
var models = map[string]func() any{
	"ChannelList":     func() any { return new(gen.ChannelList) },
	"ChannelInfo":     func() any { return new(gen.ChannelInfo) },
	"ChannelUserList": func() any { return new(gen.ChannelUserList) },
}

func TestDecode_Queries(t *testing.T) {
	tests := []struct {
		model, name, body string
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
		t.Run(tt.model+"/"+tt.name, func(t *testing.T) {
			value := models[tt.model]()
			err := compat.Decode([]byte(tt.body), value)
			switch {
			case tt.want == "" && (err == nil || !strings.Contains(err.Error(), tt.text)):
				t.Errorf("Decode = %v, want an error with %q", err, tt.text)
			case tt.want != "" && (err != nil || !sameJSON(t, value, json.RawMessage(tt.want))):
				t.Errorf("Decode = %+v, %v, want %s", value, err, tt.want)
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

// Errors quote at most the start of a body, and no part of a signature.
func TestDecode_Redaction(t *testing.T) {
	signature := strings.Repeat("0a", 32)
	for pad := range 80 {
		body := strings.Repeat("x", 160+pad) + "auth_signature=" + signature
		err := compat.Decode([]byte(body), new(gen.ChannelInfo))
		text := fmt.Sprint(err)
		if strings.Contains(text, signature[:10]) {
			t.Fatalf("error %s shows a signature", text)
		}
		if len(text) > 300 {
			t.Fatalf("error of %d bytes, want at most 300", len(text))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"users":[null]}`, `{"users":{"a":null}}`, `{"occupied":true,"cache":{"data":[]}}`, `{"channels":{"c":[]}}`, `{"error":"a","code":400}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		compat.ErrorUnderSuccess([]byte(body))
		compat.ErrorMessage([]byte(body))
		compat.IsAccepted([]byte(body))
		for name, model := range models {
			value := model()
			if compat.Decode([]byte(body), value) != nil {
				continue
			}
			// The model is the same after a round trip through conforming JSON.
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatalf("%s(%q) = %+v, which cannot be encoded: %v", name, body, value, err)
			}
			again := model()
			if err := compat.Decode(text, again); err != nil || !reflect.DeepEqual(again, value) {
				t.Fatalf("%s(%q) = %+v, whose JSON decodes to %+v, %v", name, body, value, again, err)
			}
		}
	})
}
