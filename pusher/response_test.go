package pusher_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

const (
	plainText = "text/plain; charset=utf-8"
	htmlType  = "text/html; charset=utf-8"
	jsonType  = "application/json"
)

const unexpectedResponse = "the response does not belong to this API"

// TestResponse_ErrorStatus checks that every status outside 2xx is an error with the
// status and the text of the response, for every operation.
func TestResponse_ErrorStatus(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		kind    error
		message string
	}{
		// Texts of Pusher, as quoted by its SDKs' tests and issues.
		{"Pusher: batch too large (pusher-http-swift, EventTriggerTests)", 400, "Batch too large (11 > 10)\n", pusher.ErrInvalid, "Batch too large (11 > 10)"},
		{"Pusher: key of another cluster (pusher-http-php#118)", 400, "Unknown auth_key\n", pusher.ErrUnknownKey, "Unknown auth_key"},
		{"Pusher: expired timestamp (pusher-http-ruby#49)", 401,
			"Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)\n", pusher.ErrClockSkew,
			"Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)"},
		{"Pusher: attribute not enabled (pusher-http-ruby#193)", 400, "Cannot retrieve the subscription count because subscription counting is not enabled\n",
			pusher.ErrAttributeDisabled, "Cannot retrieve the subscription count because subscription counting is not enabled"},
		{"Pusher: over quota (HTTP API reference, status codes)", 403, "over quota", pusher.ErrForbidden, "over quota"},
		{"Pusher: unknown path (pusher-js#592)", 404, "404 NOT FOUND\n", pusher.ErrNotFound, "404 NOT FOUND"},
		{"Pusher: too much data (pusher-http-php, acceptance tests)", 413, "The data content of this event exceeds the allowed maximum (10240 bytes).\n",
			pusher.ErrTooLarge, "The data content of this event exceeds the allowed maximum (10240 bytes)."},

		// Compatible servers.
		{"soketi: error and code", 400, `{"error":"The received data is incorrect","code":400}`, pusher.ErrInvalid, "The received data is incorrect"},
		{"Sockudo: code is a word", 401, `{"error":"bad signature","code":"auth_failed","status":401}`, pusher.ErrAuthentication, "bad signature"},
		{"Reverb: text without Content-Type", 401, "Authentication signature invalid.", pusher.ErrAuthentication, "Authentication signature invalid."},
		{"Reverb: empty object", 404, `{}`, pusher.ErrNotFound, ""},
		{"Reverb: wrong method", 405, "Method not allowed.", pusher.ErrInvalid, "Method not allowed."},
		{"Reverb: map of fields", 422, `{"name":["is missing","is short"],"data":["must be a string"]}`, pusher.ErrInvalid, "data: must be a string; name: is missing, is short"},
		{"Laravel: message and fields", 422, `{"message":"The data is invalid.","errors":{"name":["x"]}}`, pusher.ErrInvalid, "The data is invalid."},
		{"ipe: disabled app", 403, "Application disabled\n", pusher.ErrForbidden, "Application disabled"},
		{"Poxa: error without code", 401, `{"error":"invalid"}`, pusher.ErrAuthentication, "invalid"},
		{"Axum: wrong content type", 415, "Expected request with `Content-Type: application/json`", pusher.ErrInvalid, "Expected request with `Content-Type: application/json`"},

		// Proxies and gateways.
		{"status 402 in JSON", 402, `{"message":"pay"}`, pusher.ErrForbidden, "pay"},
		{"status 407 from a proxy", 407, "<html>\n<b>Proxy  Authentication\tRequired</b>\r\n</html>\n", pusher.ErrTransport, "an HTML page"},
		{"status 429", 429, "Slow down\n", pusher.ErrRateLimited, "Slow down"},
		{"status 500", 500, "Internal server error\n", pusher.ErrServer, "Internal server error"},
		{"status 502 with an HTML page", 502, "<html><h1>502 Bad Gateway</h1></html>", pusher.ErrServer, "an HTML page"},
		{"status 503 in JSON", 503, `{"error":"busy","code":503}`, pusher.ErrServer, "busy"},
		{"status 504 without a body", 504, "", pusher.ErrServer, ""},
		{"status 418", 418, "short and stout", pusher.ErrServer, "short and stout"},

		// Unusual bodies.
		{"empty body with status 400", 400, "", pusher.ErrInvalid, ""},
		{"empty body with status 401", 401, "", pusher.ErrAuthentication, ""},
		{"empty body with status 402", 402, "", pusher.ErrForbidden, ""},
		{"empty body with status 403", 403, "", pusher.ErrForbidden, ""},
		{"empty body with status 404", 404, "", pusher.ErrNotFound, ""},
		{"empty body with status 413", 413, "", pusher.ErrTooLarge, ""},
		{"empty body with status 422", 422, "", pusher.ErrInvalid, ""},
		{"empty body with status 429", 429, "", pusher.ErrRateLimited, ""},
		{"empty body with status 500", 500, "", pusher.ErrServer, ""},
		{"body of a successful response", 500, `{"channels":{},"occupied":true,"users":[]}`, pusher.ErrServer, `{"channels":{},"occupied":true,"users":[]}`},
		{"null", 500, "null", pusher.ErrServer, ""},
		{"error is an object", 500, `{"error":{"id":7}}`, pusher.ErrServer, `{"error":{"id":7}}`},
		{"truncated JSON", 500, `{"error":"half`, pusher.ErrServer, `{"error":"half`},
		{"invalid UTF-8", 500, "caf\xe9 closed", pusher.ErrServer, "caf� closed"},
		{"terminal escape codes", 500, "\x1b[31mred\x00", pusher.ErrServer, "[31mred"},
		{"text longer than the limit", 500, strings.Repeat("é", 600), pusher.ErrServer, strings.Repeat("é", 510) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient(t, over(respond(tt.status, tt.body)))
			for _, op := range operations() {
				_, err := op.call(context.Background(), client)
				sameError(t, op.name, err, wantError{Op: op.name, Kind: tt.kind, Status: tt.status, Message: tt.message})
				if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("%s = %q, want one line", op.name, err)
				}
			}
		})
	}
}

// TestResponse_ErrorUnderSuccessStatus has every error that soketi sends with
// status 200 (soketi, src/http-handler.ts). soketi also sends Retry-After with
// successful responses, so the header is ignored.
func TestResponse_ErrorUnderSuccessStatus(t *testing.T) {
	tests := []struct {
		body string
		want wantError
	}{
		{`{"error":"The received data is incorrect.","code":400}`, wantError{Kind: pusher.ErrInvalid, Status: 400, Message: "The received data is incorrect."}},
		{`{"error":"Cannot broadcast to more than 100 channels at once","code":400}`, wantError{Kind: pusher.ErrInvalid, Status: 400, Message: "Cannot broadcast to more than 100 channels at once"}},
		{`{"error":"The channel must be a presence channel.","code":400}`, wantError{Kind: pusher.ErrInvalid, Status: 400, Message: "The channel must be a presence channel."}},
		{`{"error":"The secret authentication failed","code":401}`, wantError{Kind: pusher.ErrAuthentication, Status: 401, Message: "The secret authentication failed"}},
		{`{"error":"The app X could not be found.","code":404}`, wantError{Kind: pusher.ErrNotFound, Status: 404, Message: "The app X could not be found."}},
		{`{"error":"The event data should be less than 10 KB.","code":413}`, wantError{Kind: pusher.ErrTooLarge, Status: 413, Message: "The event data should be less than 10 KB."}},
		{`{"error":"Too many requests.","code":429}`, wantError{Kind: pusher.ErrRateLimited, Status: 429, Message: "Too many requests."}},
		{`{"error":"A server error has occurred.","code":500}`, wantError{Kind: pusher.ErrServer, Status: 500, Message: "A server error has occurred."}},
		{"\n { \"code\" : 503 , \"error\" : \"\" } \n", wantError{Kind: pusher.ErrServer, Status: 503, Message: `{ "code" : 503 , "error" : "" }`}},
		{`{"error":"no","code":"auth_failed","status":401}`, wantError{Kind: pusher.ErrAuthentication, Status: 401, Message: "no"}},
	}
	for _, status := range []int{200, 202} {
		for _, tt := range tests {
			t.Run(fmt.Sprint(status, " ", tt.body), func(t *testing.T) {
				client := newClient(t, over(respond(status, tt.body, "Retry-After", "0.812")))
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

// TestResponse_PublishAccepted checks that a 2xx response with an unusual body is
// not an error: a caller that sent the event again would publish it twice.
func TestResponse_PublishAccepted(t *testing.T) {
	bodies := []struct{ name, contentType, body string }{
		{"empty body", "", ""},
		{"white space", plainText, " \r\n"},
		{"{}", jsonType, "{}"},
		{"{} without Content-Type", "", "{}"},
		{"{} as text", plainText, "{}\n"},
		{"soketi: ok", jsonType, `{"ok":true}`},
		{"PHP: empty list", jsonType, "[]"},
		{"Reverb: empty batch", jsonType, `{"batch":{}}`},
		{"list instead of an object", jsonType, `{"channels":[]}`},
		{"the word OK", plainText, "OK"},
		{"truncated JSON", jsonType, `{"channels":{"c`},
		{"JSON string ok", jsonType, `"ok"`},
		{"counts are strings", jsonType, `{"channels":{"c":{"user_count":"many"}},"batch":[{"user_count":"many"}]}`},
	}
	for _, status := range []int{200, 202, 204} {
		for _, tt := range bodies {
			t.Run(fmt.Sprint(status, " with ", tt.name), func(t *testing.T) {
				client := newClient(t, over(respond(status, tt.body, "Content-Type", tt.contentType)))
				for _, op := range operations() {
					if !op.publishes || op.name == "Post" {
						continue
					}
					got, err := op.call(context.Background(), client)
					if err != nil {
						t.Errorf("%s = %v, want no error", op.name, err)
						continue
					}
					// The generated client returns the object of terminate_connections as is.
					if _, object := got.(*map[string]any); !object && !reflect.DeepEqual(got, op.emptyResult) {
						t.Errorf("%s = %+v, want %+v", op.name, got, op.emptyResult)
					}
				}
			})
		}
	}
}

// TestResponse_UnexpectedBody checks that a query whose response is not as documented
// fails, because there is no result to return. HTML pages and prose fail every call.
func TestResponse_UnexpectedBody(t *testing.T) {
	all := func(operation) bool { return true }
	queries := func(op operation) bool { return !op.publishes }
	models := func(op operation) bool { return !op.publishes && op.name != "Get" }
	tests := []struct {
		name, contentType, body string
		of                      func(operation) bool
	}{
		{"HTML page", htmlType, "<!doctype html><title>Welcome</title>", all},
		{"HTML page with a JSON Content-Type", jsonType, "\n\t<html></html>", all},
		{"HTML page without Content-Type", "", "<h1>It works!</h1>", all},
		{"empty body", jsonType, "", queries},
		{"white space", jsonType, "\n", queries},
		{"plain text", plainText, "Hello", all},
		{"plain text with a status", plainText, "202 Accepted", all},
		{"the word OK", plainText, "OK", queries},
		{"truncated JSON", jsonType, `{"channels":{},"occupied":true,"users":[]`, queries},
		{"two JSON values", jsonType, `{"channels":{},"occupied":true,"users":[]}{}`, queries},
		{"null", jsonType, "null", func(op operation) bool { return op.name != "Get" && op.name != "Post" }},
		{"list", jsonType, "[]", models},
		{"number", jsonType, "7", models},
		{"empty object", jsonType, "{}", models},
		{"soketi: ok", jsonType, `{"ok":true}`, models},
		{"error without code", jsonType, `{"error":"no"}`, models},
		{"error with code 200", jsonType, `{"error":"no","code":200}`, models},
		{"fields of other types", jsonType, `{"channels":7,"occupied":"yes","users":"many"}`, models},
		{"null fields", jsonType, `{"channels":{"c":7},"occupied":null,"users":[null]}`, models},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient(t, over(respond(200, tt.body, "Content-Type", tt.contentType)))
			for _, op := range operations() {
				if tt.of(op) {
					got, err := op.call(context.Background(), client)
					sameError(t, fmt.Sprintf("%s (%v)", op.name, got), err, wantError{Op: op.name, Kind: pusher.ErrServer, Status: 200, Message: unexpectedResponse})
				}
			}
		})
	}
}

func TestResponse_NoContent(t *testing.T) {
	client := newClient(t, over(respond(204, "")))
	for _, op := range operations() {
		if !op.publishes {
			_, err := op.call(context.Background(), client)
			sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrServer, Status: 204, Message: unexpectedResponse})
		}
	}
}
