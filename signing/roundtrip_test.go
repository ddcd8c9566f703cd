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

// newServer starts a server that verifies what it receives.
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

// send signs and sends a request as a generated client does, and returns the
// path and body that the server saw.
func send(tb testing.TB, server *httptest.Server, method, path, query, body string) (string, error) {
	tb.Helper()
	req := mustRequest(tb, method, server.URL+path, body)
	req.URL.RawQuery = query
	if err := mustSigner(tb, docsKey, docsSecret).Sign(req, docsTime); err != nil {
		return "", err
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		tb.Fatalf("sending %s %s: %v", method, req.URL.EscapedPath(), err)
	}
	answer := readAll(tb, resp.Body)
	if err := resp.Body.Close(); err != nil {
		tb.Error(err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(answer)
	}
	return answer, nil
}

func TestASignedRequestArrives(t *testing.T) {
	server := newServer(t)
	tests := []struct{ name, method, path, query, body string }{
		{"a publish", "POST", "/apps/3/events", "", `{"name":"foo"}`},
		{"a publish without a body", "POST", "/apps/3/events", "", ""},
		{"a query", "GET", "/apps/3/channels", "filter_by_prefix=presence-&info=user_count", ""},
		{"a query with a body", "GET", "/apps/3/channels", "", "{}"},
		{"all that a value may need escaped", "GET", "/apps/3/channels", url.Values{"q": {" &+%#;=?/\\\"'\n\x00ž🙂"}}.Encode(), ""},
		{"a raw semicolon in a value", "GET", "/apps/3/channels", "filter_by_prefix=a;b", ""},
		{"arrays", "GET", "/apps/3/channels", "k[]=b&k[]=a&k%5b%5d=c", ""},
		{"keys that differ in case", "GET", "/apps/3/channels", "K=1&k=2", ""},
		{"the punctuation of a channel's name", "GET", "/apps/3/channels/" + url.PathEscape("a=@,.;b"), "", ""},
		{"a user's ID with a slash", "POST", "/apps/3/users/" + url.PathEscape("a/b,c") + "/terminate_connections", "", "{}"},
		{"a percent sign in the path", "GET", "/apps/3/channels/" + url.PathEscape("100%2C"), "", ""},
		{"a path prefix", "POST", "/some/prefix/apps/3/events", "", "{}"},
		{"the root", "GET", "", "", ""},
		{"an unusual method", "PATCH", "/apps/3", "a=1", "{}"},
		{"a method in lower case", "patch", "/apps/3", "a=1", "{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := send(t, server, tt.method, tt.path, tt.query, tt.body)
			if err != nil {
				t.Fatalf("%s %s?%s was refused: %v", tt.method, tt.path, tt.query, err)
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

// FuzzSignVerify sends what it signs to a real server, which must accept it.
// Then it changes a byte, which must be noticed.
func FuzzSignVerify(f *testing.F) {
	f.Add(true, "", "foo-bar_1234@=,.;", "info", "user_count,subscription_count", "", uint(7), byte(1))
	f.Add(false, "/prefix", "presence-a", "q", " &+%#;ž", `{"name":"foo"}`, uint(60), byte('Z'))
	f.Add(false, "", "a/b%2C", "K[]", "=", "{}", uint(0), byte(0x20))
	f.Add(true, "/ž", "..", "auth_key", "x", "\x00\xff", uint(99), byte(0x80))
	server := newServer(f)
	f.Fuzz(func(t *testing.T, get bool, prefix, channel, key, value, body string, at uint, flip byte) {
		if len(prefix)+len(channel)+len(key)+len(value) > 64<<10 {
			return // net/http refuses longer heads
		}
		method := "POST"
		if get {
			method = "GET"
		}
		path := "/" + url.PathEscape(prefix) + "/apps/3/channels/" + url.PathEscape(channel)
		query := url.Values{key: {value, "another"}, "info": {value}}.Encode()
		if _, err := send(t, server, method, path, query, body); err != nil {
			t.Fatalf("%s %s?%s was refused: %v", method, path, query, err)
		}
		// What Encode does not write: the value raw, but for what would end it.
		query = "raw=" + strings.NewReplacer("%", "", "&", "", "\n", "").Replace(value)
		if _, err := send(t, server, method, path, query, body); err != nil {
			t.Fatalf("%s %s?%s was refused: %v", method, path, query, err)
		}

		req := mustRequest(t, method, server.URL+path, body)
		req.URL.RawQuery = query
		if err := mustSigner(t, docsKey, docsSecret).Sign(req, docsTime); err != nil {
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

// FuzzVerify looks for a query that passes, or breaks, without the secret.
func FuzzVerify(f *testing.F) {
	f.Add("GET", "/apps/3/channels", authParams+"&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c", []byte(nil))
	f.Add("POST", "/apps/3/events", authParams+"&auth_key[]=", []byte("{}"))
	f.Add("", "", "%&=&;=%2", []byte(nil))
	f.Add("\n", "/%0a%2f", "auth_key=278d425bdf160c739803&auth_version=1.0&auth_timestamp=-9223372036854775808", []byte(nil))
	sentinels := []error{
		signing.ErrMalformed, signing.ErrMissingParameter, signing.ErrUnknownKey, signing.ErrVersion,
		signing.ErrTimestamp, signing.ErrSignature, signing.ErrBodyMD5,
	}
	f.Fuzz(func(t *testing.T, method, target, query string, body []byte) {
		req := &http.Request{Method: method, URL: &url.URL{Path: target, RawQuery: query}, RequestURI: target}
		err := signing.Verify(req, body, only(docsKey, docsSecret), docsTime)
		known := false
		for _, sentinel := range sentinels {
			known = known || errors.Is(err, sentinel)
		}
		if !known {
			t.Errorf("Verify(%q %q %q) = %v, want one of %v", method, target, query, err, sentinels)
		}
		conceals(t, err)
	})
}

// FuzzStringToSign signs by hand and lets Verify, which reads the raw query and
// no url.Values, agree.
func FuzzStringToSign(f *testing.F) {
	f.Add("POST", "a=1&b[]=2&B[]=1&b0=3&c&=d")
	f.Add("get", "%41=%26&a=+")
	f.Add("PUT", "auth_signature=1&Auth_Key=2&body_md5[]=3")
	f.Fuzz(func(t *testing.T, method, raw string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		for key := range query {
			switch strings.TrimSuffix(asciiLower(key), "[]") {
			case "auth_key", "auth_timestamp", "auth_version", "auth_signature", "body_md5":
				delete(query, key)
			}
		}
		query.Set("auth_key", docsKey)
		query.Set("auth_timestamp", fmt.Sprint(docsStamp))
		query.Set("auth_version", "1.0")
		text := signing.StringToSign(method, "/apps/3", query)
		query.Set("auth_signature", signing.Signature(docsSecret, text))
		req := &http.Request{Method: method, URL: &url.URL{Path: "/apps/3", RawQuery: query.Encode()}}
		if err := signing.Verify(req, nil, only(docsKey, docsSecret), docsTime); err != nil {
			t.Errorf("Verify(%s %s), signed by hand over %q = %v, want no error", method, req.URL, text, err)
		}
	})
}
