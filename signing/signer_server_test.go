package signing_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/signing"
)

// newServer starts a server that verifies the requests that it receives.
func newServer(tb testing.TB) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = signing.Verify(r, body, only(docsKey, docsSecret), docsTime)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Path, body)
	}))
	tb.Cleanup(server.Close)
	return server
}

// send signs and sends a request, and returns the path and the body that the server
// received.
func send(tb testing.TB, server *httptest.Server, method, path, query, body string) (string, error) {
	tb.Helper()
	req := mustRequest(tb, method, server.URL+path, body)
	req.URL.RawQuery = query
	if err := edit(tb, docsKey, docsSecret, docsTime, req); err != nil {
		return "", err
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		tb.Fatalf("sending %s %s: %v", method, req.URL.EscapedPath(), err)
	}
	text := readAll(tb, resp.Body)
	if err := resp.Body.Close(); err != nil {
		tb.Error(err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(text)
	}
	return text, nil
}

func TestSigner_Edit_Server(t *testing.T) {
	server := newServer(t)
	tests := []struct{ name, method, path, query, body string }{
		{"event", "POST", "/apps/3/events", "", `{"name":"foo"}`},
		{"POST without a body", "POST", "/apps/3/events", "", ""},
		{"GET with a query", "GET", "/apps/3/channels", "filter_by_prefix=presence-&info=user_count", ""},
		{"GET with a body", "GET", "/apps/3/channels", "", "{}"},
		{"reserved characters in a value", "GET", "/apps/3/channels", url.Values{"q": {" &+%#;=?/\\\"'\n\x00ž🙂"}}.Encode(), ""},
		{"unescaped semicolon in a value", "GET", "/apps/3/channels", "filter_by_prefix=a;b", ""},
		{"arrays", "GET", "/apps/3/channels", "k[]=b&k[]=a&k%5b%5d=c", ""},
		{"keys that differ in case", "GET", "/apps/3/channels", "K=1&k=2", ""},
		{"punctuation in a channel name", "GET", "/apps/3/channels/" + url.PathEscape("a=@,.;b"), "", ""},
		{"slash in a user ID", "POST", "/apps/3/users/" + url.PathEscape("a/b,c") + "/terminate_connections", "", "{}"},
		{"percent sign in the path", "GET", "/apps/3/channels/" + url.PathEscape("100%2C"), "", ""},
		{"path prefix", "POST", "/some/prefix/apps/3/events", "", "{}"},
		{"root path", "GET", "", "", ""},
		{"PATCH", "PATCH", "/apps/3", "a=1", "{}"},
		{"method in lower case", "patch", "/apps/3", "a=1", "{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := send(t, server, tt.method, tt.path, tt.query, tt.body)
			if err != nil {
				t.Fatalf("%s %s?%s was rejected: %v", tt.method, tt.path, tt.query, err)
			}
			path, err := url.PathUnescape(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if path == "" {
				path = "/"
			}
			if want := path + " " + tt.body; got != want {
				t.Errorf("%s %s?%s arrived as %q, want %q", tt.method, tt.path, tt.query, got, want)
			}
		})
	}
}

// FuzzSigner_Edit sends signed requests to a server, which must accept them. After one
// byte has changed, it must reject them.
func FuzzSigner_Edit(f *testing.F) {
	f.Add(true, "", "foo-bar_1234@=,.;", "info", "user_count,subscription_count", "", uint(7), byte(1))
	f.Add(false, "/prefix", "presence-a", "q", " &+%#;ž", `{"name":"foo"}`, uint(60), byte('Z'))
	f.Add(false, "", "a/b%2C", "K[]", "=", "{}", uint(0), byte(0x20))
	f.Add(true, "/ž", "..", "auth_key", "x", "\x00\xff", uint(99), byte(0x80))
	server := newServer(f)
	f.Fuzz(func(t *testing.T, get bool, prefix, channel, key, value, body string, at uint, flip byte) {
		if len(prefix)+len(channel)+len(key)+len(value) > 64<<10 {
			return // net/http rejects longer headers
		}
		method := "POST"
		if get {
			method = "GET"
		}
		path := "/" + url.PathEscape(prefix) + "/apps/3/channels/" + url.PathEscape(channel)
		query := url.Values{key: {value, "another"}, "info": {value}}.Encode()
		if _, err := send(t, server, method, path, query, body); err != nil {
			t.Fatalf("%s %s?%s was rejected: %v", method, path, query, err)
		}
		// Values.Encode never leaves these characters unescaped.
		query = "raw=" + strings.NewReplacer("%", "", "&", "", "\n", "").Replace(value)
		if _, err := send(t, server, method, path, query, body); err != nil {
			t.Fatalf("%s %s?%s was rejected: %v", method, path, query, err)
		}

		req := mustRequest(t, method, server.URL+path, body)
		req.URL.RawQuery = query
		if err := edit(t, docsKey, docsSecret, docsTime, req); err != nil {
			t.Fatal(err)
		}
		sent := sentRequest{method, req.URL.RequestURI(), body}
		at %= uint(sent.len())
		changed := sent.change(int(at), (sent.method + sent.target + sent.body)[at]^flip)
		if err := changed.verify(); err == nil && !changed.same(t, sent) {
			t.Errorf("byte %d changed\nfrom %v\nto   %v\nVerify = nil, want an error", at, sent, changed)
		}
	})
}
