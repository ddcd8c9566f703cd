package pusher_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// sentTo returns the address of the first request.
func sentTo(t *testing.T, newClient func(opts ...pusher.Option) (*pusher.Client, error)) string {
	t.Helper()
	address := ""
	hc := &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		address, _, _ = strings.Cut(req.URL.String(), "/apps/")
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: req}, nil
	})}
	client, err := newClient(pusher.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Fatal(err)
	}
	return address
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The last option that sets an address determines the scheme, and options take
// precedence over the environment.
func TestOptions_AddressPrecedence(t *testing.T) {
	const plain = "http://key:secret@localhost:6001/apps/3"
	type options = []pusher.Option
	fromURL := func(url string, own options) func(opts ...pusher.Option) (*pusher.Client, error) {
		return func(opts ...pusher.Option) (*pusher.Client, error) {
			return pusher.NewFromURL(url, append(own, opts...)...)
		}
	}
	tests := []struct {
		name    string
		env     map[string]string
		url     string
		options options
		want    string
	}{
		{"http URL", nil, plain, nil, "http://localhost:6001"},
		{"http URL and WithCluster", nil, plain, options{pusher.WithCluster("eu")}, "https://api-eu.pusher.com"},
		{"http URL and WithBaseURL", nil, plain, options{pusher.WithBaseURL("https://example.com")}, "https://example.com"},
		{"WithBaseURL before WithCluster", nil, plain, options{pusher.WithBaseURL("http://a/b"), pusher.WithCluster("eu")}, "https://api-eu.pusher.com"},
		{"WithCluster before WithBaseURL", nil, plain, options{pusher.WithCluster("eu"), pusher.WithBaseURL("http://a/b")}, "http://a/b"},
		{"PUSHER_SCHEME", map[string]string{"PUSHER_SCHEME": "http"}, "", nil, "http://api-mt1.pusher.com"},
		{"PUSHER_SCHEME and WithBaseURL", map[string]string{"PUSHER_SCHEME": "http"}, "", options{pusher.WithBaseURL("https://a")}, "https://a"},
		{"PUSHER_SCHEME and WithCluster", map[string]string{"PUSHER_SCHEME": "http", "PUSHER_HOST": "h"}, "", options{pusher.WithCluster("eu")}, "https://api-eu.pusher.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			newClient := fromURL(tt.url, tt.options)
			if tt.env != nil {
				for _, name := range []string{"PUSHER_URL", "PUSHER_APP_KEY", "PUSHER_APP_SECRET", "PUSHER_APP_CLUSTER", "PUSHER_CLUSTER", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_SCHEME"} {
					t.Setenv(name, tt.env[name])
				}
				t.Setenv("PUSHER_APP_ID", "3")
				t.Setenv("PUSHER_KEY", "key")
				t.Setenv("PUSHER_SECRET", "secret")
				newClient = func(opts ...pusher.Option) (*pusher.Client, error) {
					return pusher.NewFromEnv(append(tt.options, opts...)...)
				}
			}
			if got := sentTo(t, newClient); got != tt.want {
				t.Errorf("sent to %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOptions_InvalidAddress(t *testing.T) {
	for _, host := range []string{
		"", "::1", "host:", "host:0", "host:99999", "host:http", "[::1", "[fe80::1%25eth0]", "[fe80::1%eth0]:80", `ho"st`, "ho st", "http://host",
	} {
		if _, err := pusher.New(app, pusher.WithBaseURL("https://"+host)); !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New(WithBaseURL(%q)) = %v, want %v", host, err, pusher.ErrConfiguration)
		}
	}
	for _, base := range []string{"http://host/a/../b", "http://host/./a", "http://host/%2e%2e/a", "http://host//a", "http://host?a=1", "http://host#a", "http://u@host", "ftp://host", "host"} {
		if _, err := pusher.New(app, pusher.WithBaseURL(base)); !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New(WithBaseURL(%q)) = %v, want %v", base, err, pusher.ErrConfiguration)
		}
	}
	for _, host := range []string{"h", "host:1", "host:65535", "127.0.0.1", "[::1]", "[::1]:6001", "a_b.example.", "xn--nxasmq6b.example"} {
		got := sentTo(t, func(opts ...pusher.Option) (*pusher.Client, error) {
			return pusher.New(app, append(opts, pusher.WithBaseURL("https://"+host))...)
		})
		if want := "https://" + host; got != want {
			t.Errorf("WithBaseURL(%q) sends to %s, want %s", host, got, want)
		}
	}
}

// No error mentions a status that was not received.
func TestOptions_ErrorWithoutStatus(t *testing.T) {
	_, err := pusher.New(app, pusher.WithBaseURL("https://::1"))
	if text := fmt.Sprint(err); strings.Contains(text, "status") {
		t.Errorf("New(WithHost) = %s, want no status", text)
	}
}
