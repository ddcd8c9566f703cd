package pusher_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/pusher"
)

// FuzzResponse checks that a call returns either a result or a [*pusher.Error],
// whatever the server sends.
func FuzzResponse(f *testing.F) {
	for _, recording := range recordings(f) {
		for _, recorded := range recording.Responses {
			f.Add(recorded.Status, recorded.Headers["Content-Type"], recorded.Headers["Retry-After"], "", recorded.Body)
		}
	}
	for _, body := range []string{
		"null", `{"error":"no","code":"x","status":4e2}`, `{"batch":[{},null]}`, `{"occupied":true,"cache":{"data":{},"ttl":1}}`,
		`{"users":[null,{"id":1}]}`, `{"users":{"a":null}}`, `{"users":[{"id":1e400}]}`, `{"channels":{"c":[ ]}}`,
		"<html>", "\xff\xfe", `{"a":["b"]}`, "http://user:pass@host/", strings.Repeat("é", 600), `{"error":"\u0000\n"}`,
	} {
		f.Add(200, jsonType, "", "", body)
		f.Add(503, plainText, "0.812", "", body)
	}
	f.Add(301, "", "", "http://elsewhere.example/?auth_signature="+strings.Repeat("0f", 32), "")
	f.Add(429, plainText, "Fri, 31 Dec 9999 23:59:59 GMT", "", "")
	f.Add(429, plainText, "1e999", "", "")
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, location, body string) {
		if status < 200 || status > 999 {
			return // net/http does not return such a response
		}
		client := newClient(t, over(respond(status, body, "Content-Type", contentType, "Retry-After", retryAfter, "Location", location)))
		for _, op := range operations() {
			got, err := op.call(context.Background(), client)
			if err == nil {
				if status > 299 || got == nil && !op.returnsOnlyError() {
					t.Errorf("%s = %v without an error for the response %d %q", op.name, got, status, body)
				}
				checkUsers(t, op, got, body)
				continue
			}
			checkError(t, op, err)
		}
	})
}

// checkUsers fails the test if a user has no ID.
func checkUsers(t *testing.T, op operation, got any, body string) {
	t.Helper()
	users, ok := got.(*pusher.ChannelUserList)
	if !ok {
		return
	}
	for i, user := range users.Users {
		if user.ID == "" && !strings.Contains(body, `""`) {
			t.Errorf("%s = user %d without ID for the response %q", op.name, i, body)
		}
	}
}

// checkError fails the test unless the error can be logged: one line, no secrets.
func checkError(t *testing.T, op operation, err error) {
	t.Helper()
	var e *pusher.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s = %T: %v, want a %T", op.name, err, err, e)
	}
	text := err.Error()
	if secret := findSecret(text); secret != "" || strings.ContainsAny(text, "\r\n\x00") || len(e.Message) > 1024 || !utf8.ValidString(text) {
		t.Errorf("%s = %q, want one line of UTF-8 without secrets (%s)", op.name, text, secret)
	}
	if e.Op != op.name || kindOf(e) == nil {
		t.Errorf("%s = Op %q, %v: want the operation and a sentinel", op.name, e.Op, e)
	}
	allowed := e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	if e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || e.RetryAfter != 0 && !allowed {
		t.Errorf("%s = status %d and RetryAfter %v, want 0 to 24h, and 0 unless the status is 429 or 503", op.name, e.Status, e.RetryAfter)
	}
}
