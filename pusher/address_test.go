package pusher_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// sentTo returns the address of the first request.
func sentTo(t *testing.T, newClient func(opts ...pusher.Option) (*pusher.Client, error)) string {
	t.Helper()
	address := ""
	client, err := newClient(over(func(req *http.Request) (*http.Response, error) {
		address, _, _ = strings.Cut(req.URL.String(), "/apps/")
		return respond(200, "{}")(req)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Fatal(err)
	}
	return address
}

// The last option that sets an address determines the scheme, and options take
// precedence over the environment.
func TestOptions_Precedence(t *testing.T) {
	const plain = "http://key:secret@localhost:6001/apps/3"
	type options = []pusher.Option
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
			setEnv(t, map[string]string{
				"PUSHER_URL": tt.url, "PUSHER_APP_ID": "3", "PUSHER_KEY": "key", "PUSHER_SECRET": "secret",
				"PUSHER_SCHEME": tt.env["PUSHER_SCHEME"], "PUSHER_HOST": tt.env["PUSHER_HOST"],
			})
			got := sentTo(t, func(opts ...pusher.Option) (*pusher.Client, error) {
				if tt.url != "" {
					return pusher.NewFromURL(tt.url, append(tt.options, opts...)...)
				}
				return pusher.NewFromEnv(append(tt.options, opts...)...)
			})
			if got != tt.want {
				t.Errorf("sent to %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWithBaseURL(t *testing.T) {
	tests := []struct {
		base  string
		valid bool
	}{
		{"https://", false},
		{"https://::1", false},
		{"https://host:", false},
		{"https://host:0", false},
		{"https://host:99999", false},
		{"https://host:http", false},
		{"https://[::1", false},
		{"https://[fe80::1%25eth0]", false},
		{"https://[fe80::1%eth0]:80", false},
		{"https://ho\"st", false},
		{"https://ho st", false},
		{"https://http://host", false},
		{"http://host/a/../b", false},
		{"http://host/./a", false},
		{"http://host/%2e%2e/a", false},
		{"http://host//a", false},
		{"http://host?a=1", false},
		{"http://host#a", false},
		{"http://u@host", false},
		{"ftp://host", false},
		{"host", false},
		{"https://h", true},
		{"https://host:1", true},
		{"https://host:65535", true},
		{"https://127.0.0.1", true},
		{"https://[::1]", true},
		{"https://[::1]:6001", true},
		{"https://a_b.example.", true},
		{"https://xn--nxasmq6b.example", true},
	}
	for _, tt := range tests {
		t.Run(tt.base, func(t *testing.T) {
			create := func(opts ...pusher.Option) (*pusher.Client, error) {
				return pusher.New(app, append(opts, pusher.WithBaseURL(tt.base))...)
			}
			if _, err := create(); !tt.valid {
				if !errors.Is(err, pusher.ErrConfiguration) || strings.Contains(err.Error(), "status") {
					t.Errorf("New = %v, want %v, and no status", err, pusher.ErrConfiguration)
				}
				return
			}
			if got := sentTo(t, create); got != tt.base {
				t.Errorf("sent to %s, want %s", got, tt.base)
			}
		})
	}
}
