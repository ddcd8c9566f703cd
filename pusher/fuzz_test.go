package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/pusher"
)

// FuzzNewFromURL puts the secret somewhere into a URL. No error repeats it, and a
// client that was made of it shows it only where it stands in for another part.
func FuzzNewFromURL(f *testing.F) {
	for _, around := range [][2]string{
		{"https://key:", "@api-eu.pusher.com/apps/3"},
		{"http://key:", "@[::1]:6001/prefix/apps/3/"},
		{"https://key:%zz", "@api-eu.pusher.com/apps/3"},
		{"https://key:x/", "@api-eu.pusher.com/apps/3"},
		{"https://key:x@", "@api-eu.pusher.com:port/apps/3"},
		{"https://key:", ""},
		{"https://", "@api-eu.pusher.com/apps/3"},
		{"https://", ":s@api-eu.pusher.com/apps/3"},
		{"https://key:s@", "/apps/3"},
		{"https://key:s@host/apps/", "%20"},
		{"https://key:s@host/apps/3?x=", ""},
		{"https://key:s@host/apps/3#", ""},
		{"", "\n"},
		{" https://key:", " @host/apps/3"},
		{"ws://key:", "@host/apps/3"},
		{"https://key:s@host/https://key:", "@host/apps/3"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		rawURL := before + app.Secret + after
		client, err := pusher.NewFromURL(rawURL)
		if err != nil {
			if !errors.Is(err, pusher.ErrConfiguration) || client != nil {
				t.Errorf("NewFromURL(%q) = %v, %v, want no client and %v", rawURL, client, err, pusher.ErrConfiguration)
			}
			if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, app.Secret) {
				t.Errorf("NewFromURL(%q) = %s, want an error without the secret", rawURL, text)
			}
			return
		}
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatalf("NewFromURL(%q) = %v, want an error: %v", rawURL, client, err)
		}
		if password, _ := u.User.Password(); strings.Contains(password, app.Secret) && strings.Count(rawURL, app.Secret) == 1 {
			if text := fmt.Sprintf("%v %#v %v", client, client, *client); strings.Contains(text, app.Secret) {
				t.Errorf("NewFromURL(%q) = %s, want a client without the secret", rawURL, text)
			}
		}
	})
}

// FuzzAnswer: whatever comes back, a call returns a result or an [*pusher.Error],
// and never both or neither.
func FuzzAnswer(f *testing.F) {
	for _, recording := range recordings(f) {
		for _, recorded := range recording.Answers {
			f.Add(recorded.Status, recorded.Headers["Content-Type"], recorded.Headers["Retry-After"], "", recorded.Body)
		}
	}
	for _, body := range []string{
		"null", `{"error":"no","code":"x","status":4e2}`, `{"batch":[{},null]}`, `{"occupied":true,"cache":{"data":{},"ttl":1}}`,
		`{"users":[null,{"id":1}]}`, `{"users":{"a":null}}`, `{"users":[{"id":1e400}]}`, `{"channels":{"c":[ ]}}`,
		"<html>", "\xff\xfe", `{"a":["b"]}`, "http://user:pass@host/", strings.Repeat("é", 600), `{"error":"\u0000\n"}`,
	} {
		f.Add(200, jsn, "", "", body)
		f.Add(503, text, "0.812", "", body)
	}
	f.Add(301, "", "", "http://elsewhere.example/?auth_signature="+strings.Repeat("0f", 32), "")
	f.Add(429, text, "Fri, 31 Dec 9999 23:59:59 GMT", "", "")
	f.Add(429, text, "1e999", "", "")
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, location, body string) {
		if status < 200 || status > 999 {
			return // net/http reports no such answer
		}
		client := newClient(t, over(func(*http.Request) (*http.Response, error) {
			return response(status, body, http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}, "Location": {location}}), nil
		}))
		for _, op := range operations() {
			got, err := op.call(context.Background(), client)
			if err == nil {
				if status > 299 || got == nil && !op.returnsNothing() {
					t.Errorf("%s = %v without an error, answered by %d %q", op.name, got, status, body)
				}
				checkUsers(t, op, got, body)
				continue
			}
			checkError(t, op, err)
		}
	})
}

// checkUsers fails the test if a user's ID was made up.
func checkUsers(t *testing.T, op operation, got any, body string) {
	t.Helper()
	users, ok := got.(*pusher.ChannelUserList)
	if !ok {
		return
	}
	for i, user := range users.Users {
		if user.ID == "" && !strings.Contains(body, `""`) {
			t.Errorf("%s = user %d without an ID, answered by %q", op.name, i, body)
		}
	}
}

// checkError fails the test unless the error is fit for a log.
func checkError(t *testing.T, op operation, err error) {
	t.Helper()
	var e *pusher.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s = %T: %v, want a %T", op.name, err, err, e)
	}
	words := err.Error()
	if leak := leak(words); leak != "" || strings.ContainsAny(words, "\r\n\x00") || len(e.Message) > 1024 || !utf8.ValidString(words) {
		t.Errorf("%s = %q, want one line of UTF-8 without secrets (%s)", op.name, words, leak)
	}
	if e.Op != op.name || e.Kind == nil || !errors.Is(err, e.Kind) {
		t.Errorf("%s = Op %q, Kind %v, want an operation and a kind that it is", op.name, e.Op, e.Kind)
	}
	asked := e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	if e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || e.RetryAfter != 0 && !asked {
		t.Errorf("%s = status %d and RetryAfter %v, want 0 to 24h, and 0 unless the status is 429 or 503", op.name, e.Status, e.RetryAfter)
	}
}
