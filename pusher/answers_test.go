package pusher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

const (
	text = "text/plain; charset=utf-8"
	page = "text/html; charset=utf-8"
	jsn  = "application/json"
)

const unusable = "the answer is not this API's"

// TestARefusalIsNeverASuccess: whatever the operation, a status outside 2xx is an
// error that has the status and the server's words.
func TestARefusalIsNeverASuccess(t *testing.T) {
	tests := []struct {
		name        string
		status      int
		contentType string
		body        string
		kind        error
		message     string
	}{
		// Pusher's own words, as recorded by its SDKs' tests and in their issues.
		{"a batch too large (pusher-http-swift, EventTriggerTests)", 400, text, "Batch too large (11 > 10)\n", pusher.ErrInvalid, "Batch too large (11 > 10)"},
		{"a key of another cluster (pusher-http-php#118)", 400, text, "Unknown auth_key\n", pusher.ErrAuthentication, "Unknown auth_key"},
		{"an expired timestamp (pusher-http-ruby#49)", 401, text,
			"Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)\n", pusher.ErrAuthentication,
			"Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)"},
		{"over quota (HTTP API reference, status codes)", 403, text, "over quota", pusher.ErrForbidden, "over quota"},
		{"an unknown path (pusher-js#592)", 404, text, "404 NOT FOUND\n", pusher.ErrNotFound, "404 NOT FOUND"},
		{"too much data (pusher-http-php, acceptance tests)", 413, text, "The data content of this event exceeds the allowed maximum (10240 bytes).\n",
			pusher.ErrTooLarge, "The data content of this event exceeds the allowed maximum (10240 bytes)."},

		// Compatible servers.
		{"soketi's {error, code}", 400, jsn, `{"error":"The received data is incorrect","code":400}`, pusher.ErrInvalid, "The received data is incorrect"},
		{"Sockudo's code that is a word", 401, jsn, `{"error":"bad signature","code":"auth_failed","status":401}`, pusher.ErrAuthentication, "bad signature"},
		{"Reverb's text without a content type", 401, "", "Authentication signature invalid.", pusher.ErrAuthentication, "Authentication signature invalid."},
		{"Reverb's empty object", 404, jsn, `{}`, pusher.ErrNotFound, ""},
		{"Reverb's wrong method", 405, "", "Method not allowed.", pusher.ErrInvalid, "Method not allowed."},
		{"Reverb's map of fields", 422, jsn, `{"name":["is missing","is short"],"data":["must be a string"]}`, pusher.ErrInvalid, "data: must be a string; name: is missing, is short"},
		{"Laravel's message before its fields", 422, jsn, `{"message":"The data is invalid.","errors":{"name":["x"]}}`, pusher.ErrInvalid, "The data is invalid."},
		{"ipe's disabled app", 403, text, "Application disabled\n", pusher.ErrForbidden, "Application disabled"},
		{"Poxa's {error} alone", 401, jsn, `{"error":"invalid"}`, pusher.ErrAuthentication, "invalid"},
		{"Axum's wrong content type", 415, text, "Expected request with `Content-Type: application/json`", pusher.ErrInvalid, "Expected request with `Content-Type: application/json`"},

		// What stands in between.
		{"payment required, in JSON", 402, jsn, `{"message":"pay"}`, pusher.ErrForbidden, "pay"},
		{"a proxy that wants a password", 407, page, "<html>\n<b>Proxy  Authentication\tRequired</b>\r\n</html>\n", pusher.ErrHTTP, "<html> <b>Proxy Authentication Required</b> </html>"},
		{"too many requests", 429, text, "Slow down\n", pusher.ErrRateLimited, "Slow down"},
		{"a broken server", 500, text, "Internal server error\n", pusher.ErrServer, "Internal server error"},
		{"a gateway's page", 502, page, "<html><h1>502 Bad Gateway</h1></html>", pusher.ErrServer, "<html><h1>502 Bad Gateway</h1></html>"},
		{"an overloaded server", 503, jsn, `{"error":"busy","code":503}`, pusher.ErrServer, "busy"},
		{"a slow gateway", 504, "", "", pusher.ErrServer, ""},
		{"a teapot", 418, text, "short and stout", pusher.ErrServer, "short and stout"},

		// Odd bodies.
		{"nothing at all under 400", 400, "", "", pusher.ErrInvalid, ""},
		{"nothing at all under 401", 401, "", "", pusher.ErrAuthentication, ""},
		{"nothing at all under 402", 402, "", "", pusher.ErrForbidden, ""},
		{"nothing at all under 403", 403, "", "", pusher.ErrForbidden, ""},
		{"nothing at all under 404", 404, "", "", pusher.ErrNotFound, ""},
		{"nothing at all under 413", 413, "", "", pusher.ErrTooLarge, ""},
		{"nothing at all under 422", 422, "", "", pusher.ErrInvalid, ""},
		{"nothing at all under 429", 429, "", "", pusher.ErrRateLimited, ""},
		{"nothing at all under 500", 500, "", "", pusher.ErrServer, ""},
		{"an answer that would do under 200", 500, jsn, `{"channels":{},"occupied":true,"users":[]}`, pusher.ErrServer, `{"channels":{},"occupied":true,"users":[]}`},
		{"null", 500, jsn, "null", pusher.ErrServer, ""},
		{"an error that is no text", 500, jsn, `{"error":{"id":7}}`, pusher.ErrServer, `{"error":{"id":7}}`},
		{"JSON that ends early", 500, jsn, `{"error":"half`, pusher.ErrServer, `{"error":"half`},
		{"bytes that are no UTF-8", 500, text, "caf\xe9 closed", pusher.ErrServer, "caf� closed"},
		{"escape codes for a terminal", 500, text, "\x1b[31mred\x00", pusher.ErrServer, "[31mred"},
		{"a text over the limit", 500, text, strings.Repeat("é", 600), pusher.ErrServer, strings.Repeat("é", 510) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, answer(tt.status, tt.contentType, tt.body))
			for _, op := range operations() {
				_, err := op.call(context.Background(), client)
				sameError(t, op.name, err, pusher.Error{Op: op.name, Kind: tt.kind, Status: tt.status, Message: tt.message})
				if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("%s = %q, want one line", op.name, err)
				}
			}
		})
	}
}

// TestARefusalUnderStatus200IsARefusal has every error that soketi answers with
// status 200 (soketi, src/http-handler.ts). It sends Retry-After with what it
// accepts, too, so the header means nothing there.
func TestARefusalUnderStatus200IsARefusal(t *testing.T) {
	tests := []struct {
		body string
		want pusher.Error
	}{
		{`{"error":"The received data is incorrect.","code":400}`, pusher.Error{Kind: pusher.ErrInvalid, Status: 400, Message: "The received data is incorrect."}},
		{`{"error":"Cannot broadcast to more than 100 channels at once","code":400}`, pusher.Error{Kind: pusher.ErrInvalid, Status: 400, Message: "Cannot broadcast to more than 100 channels at once"}},
		{`{"error":"The channel must be a presence channel.","code":400}`, pusher.Error{Kind: pusher.ErrInvalid, Status: 400, Message: "The channel must be a presence channel."}},
		{`{"error":"The secret authentication failed","code":401}`, pusher.Error{Kind: pusher.ErrAuthentication, Status: 401, Message: "The secret authentication failed"}},
		{`{"error":"The app X could not be found.","code":404}`, pusher.Error{Kind: pusher.ErrNotFound, Status: 404, Message: "The app X could not be found."}},
		{`{"error":"The event data should be less than 10 KB.","code":413}`, pusher.Error{Kind: pusher.ErrTooLarge, Status: 413, Message: "The event data should be less than 10 KB."}},
		{`{"error":"Too many requests.","code":429}`, pusher.Error{Kind: pusher.ErrRateLimited, Status: 429, Message: "Too many requests."}},
		{`{"error":"A server error has occurred.","code":500}`, pusher.Error{Kind: pusher.ErrServer, Status: 500, Message: "A server error has occurred."}},
		{"\n { \"code\" : 503 , \"error\" : \"\" } \n", pusher.Error{Kind: pusher.ErrServer, Status: 503, Message: `{ "code" : 503 , "error" : "" }`}},
		{`{"error":"no","code":"auth_failed","status":401}`, pusher.Error{Kind: pusher.ErrAuthentication, Status: 401, Message: "no"}},
	}
	for _, status := range []int{200, 202} {
		for _, tt := range tests {
			t.Run(fmt.Sprint(status, " ", tt.body), func(t *testing.T) {
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Retry-After", "0.812")
					answer(status, jsn, tt.body)(w, r)
				})
				for _, op := range operations() {
					_, err := op.call(context.Background(), client)
					want := tt.want
					want.Op = op.name
					sameError(t, op.name, err, want)
				}
			})
		}
	}
}

// TestAnAcceptedPublishIsNeverReportedAsFailed because of an odd body: sent once
// more, the event would arrive twice.
func TestAnAcceptedPublishIsNeverReportedAsFailed(t *testing.T) {
	bodies := []struct{ name, contentType, body string }{
		{"an empty body", "", ""},
		{"white space", text, " \r\n"},
		{"{}", jsn, "{}"},
		{"{} of no type", "", "{}"},
		{"{} of a wrong type", text, "{}\n"},
		{"soketi's ok", jsn, `{"ok":true}`},
		{"a PHP server's empty list", jsn, "[]"},
		{"Reverb's empty batch", jsn, `{"batch":{}}`},
		{"empty lists where objects belong", jsn, `{"channels":[]}`},
		{"null", jsn, "null"},
		{"plain text", text, "202 Accepted"},
		{"JSON that ends early", jsn, `{"channels":{"c`},
		{"counts that are words", jsn, `{"channels":{"c":{"user_count":"many"}},"batch":[{"user_count":"many"}]}`},
	}
	for _, status := range []int{200, 202, 204} {
		for _, tt := range bodies {
			t.Run(fmt.Sprint(status, " and ", tt.name), func(t *testing.T) {
				client := serve(t, answer(status, tt.contentType, tt.body))
				for _, op := range operations() {
					if !op.publishes || op.name == "Post" {
						continue
					}
					got, err := op.call(context.Background(), client)
					if err != nil {
						t.Errorf("%s = %v, want no error", op.name, err)
						continue
					}
					// The generated client hands terminate's object on as it came.
					if _, object := got.(*map[string]any); !object && !reflect.DeepEqual(got, op.nothing) {
						t.Errorf("%s = %+v, want %+v", op.name, got, op.nothing)
					}
				}
			})
		}
	}
}

// TestAnAnswerThatIsNotTheDocumentsIsAnError for whoever asked a question, since
// there is nothing true to return. A page of HTML is nobody's answer.
func TestAnAnswerThatIsNotTheDocumentsIsAnError(t *testing.T) {
	everything, queries := func(operation) bool { return true }, func(op operation) bool { return !op.publishes }
	models := func(op operation) bool { return !op.publishes && op.name != "Get" }
	tests := []struct {
		name, contentType, body string
		of                      func(operation) bool
	}{
		{"a page", page, "<!doctype html><title>Welcome</title>", everything},
		{"a page that says it is JSON", jsn, "\n\t<html></html>", everything},
		{"a page that says nothing", "", "<h1>It works!</h1>", everything},
		{"an empty body", jsn, "", queries},
		{"white space", jsn, "\n", queries},
		{"plain text", text, "OK", queries},
		{"JSON that ends early", jsn, `{"channels":{},"occupied":true,"users":[]`, queries},
		{"two answers", jsn, `{"channels":{},"occupied":true,"users":[]}{}`, queries},
		{"null", jsn, "null", models},
		{"a list", jsn, "[]", models},
		{"a number", jsn, "7", models},
		{"an empty object", jsn, "{}", models},
		{"soketi's ok", jsn, `{"ok":true}`, models},
		{"an error without a code", jsn, `{"error":"no"}`, models},
		{"an error whose code is none", jsn, `{"error":"no","code":200}`, models},
		{"fields of other types", jsn, `{"channels":7,"occupied":"yes","users":"many"}`, models},
		{"null where nothing is known", jsn, `{"channels":{"c":7},"occupied":null,"users":[null]}`, models},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, answer(200, tt.contentType, tt.body))
			for _, op := range operations() {
				if tt.of(op) {
					got, err := op.call(context.Background(), client)
					sameError(t, fmt.Sprintf("%s (%v)", op.name, got), err, pusher.Error{Op: op.name, Kind: pusher.ErrServer, Status: 200, Message: unusable})
				}
			}
		})
	}
}

func TestAQueryWithoutAnAnswerIsAnError(t *testing.T) {
	client := serve(t, answer(204, "", ""))
	for _, op := range operations() {
		if !op.publishes {
			_, err := op.call(context.Background(), client)
			sameError(t, op.name, err, pusher.Error{Op: op.name, Kind: pusher.ErrServer, Status: 204, Message: unusable})
		}
	}
}

func TestRawCallsReturnTheJSONAsItCame(t *testing.T) {
	tests := []struct{ name, method, path, body, want string }{
		{"an object", "Get", "/things", `{ "connections" : 7 }`, `{ "connections" : 7 }`},
		{"a list", "Get", "/things", `[1,{"a":[]}]`, `[1,{"a":[]}]`},
		{"a list for a POST", "Post", "/things", `[1,2]`, `[1,2]`},
		{"an object for a POST", "Post", "/things", ` {"id":12345678901234567890} `, `{"id":12345678901234567890}`},
		{"no JSON for a POST", "Post", "/things", `done`, `{}`},
		{"nothing for a POST", "Post", "/things", ``, `{}`},
		{"a field that the document does not know", "Post", "/events", `{"channels":{},"serial":9}`, `{"channels":{},"serial":9}`},
		{"soketi's user_info (with_user_info=1)", "Get", "/channels/presence-c/users", `{"users":[{"id":"1","user_info":{"a":1}}]}`, `{"users":[{"id":"1","user_info":{"a":1}}]}`},
		{"user_info beside an ID that has to be mended", "Get", "/channels/presence-c/users", `{"users":[{"id":1,"user_info":{"a":1}}]}`, `{"users":[{"id":"1","user_info":{"a":1}}]}`},
		{"Sockudo's subscription_count_complete", "Get", "/channels/c", `{"occupied":true,"subscription_count_complete":false}`, `{"occupied":true,"subscription_count_complete":false}`},
		{"a channel's deprecated statistics", "Get", "/channels/c/stats", `{"occupied":true,"connection_count":2}`, `{"occupied":true,"connection_count":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, answer(200, jsn, tt.body))
			var got json.RawMessage
			var err error
			if tt.method == "Get" {
				got, err = client.Get(context.Background(), tt.path, nil)
			} else {
				got, err = client.Post(context.Background(), tt.path, nil)
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("%s(%s) = %s, %v, want %s", tt.method, tt.path, got, err, tt.want)
			}
		})
	}
}
