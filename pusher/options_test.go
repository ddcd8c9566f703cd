package pusher_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestOptions_Address(t *testing.T) {
	tests := []struct {
		name string
		opts []pusher.Option
		want string
	}{
		{"default", nil, "https://api-mt1.pusher.com/apps/3"},
		{"cluster", []pusher.Option{pusher.WithCluster("ap2")}, "https://api-ap2.pusher.com/apps/3"},
		{"dedicated cluster", []pusher.Option{pusher.WithCluster("my-company-1")}, "https://api-my-company-1.pusher.com/apps/3"},
		{"base URL", []pusher.Option{pusher.WithBaseURL("http://localhost:6001")}, "http://localhost:6001/apps/3"},
		{"base URL with a trailing slash", []pusher.Option{pusher.WithBaseURL("http://localhost:6001/")}, "http://localhost:6001/apps/3"},
		{"base URL with a path", []pusher.Option{pusher.WithBaseURL("https://example.org/realtime")}, "https://example.org/realtime/apps/3"},
		{"last of cluster, host and base URL", []pusher.Option{pusher.WithBaseURL("https://a.example/x"), pusher.WithCluster("eu")}, "https://api-eu.pusher.com/apps/3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, err := pusher.New(app, tt.opts...)
			if err != nil {
				t.Fatalf("New: %v", err)
			}
			if got := fmt.Sprint(client); got != "pusher.Client("+tt.want+")" {
				t.Errorf("New(%s) = %s, want a client for %s", tt.name, got, tt.want)
			}
		})
	}
}

func TestOptions_Invalid(t *testing.T) {
	tests := []struct {
		name string
		opt  pusher.Option
	}{
		{"empty cluster", pusher.WithCluster("")},
		{"cluster with a dot", pusher.WithCluster("eu.example.org/")},
		{"cluster that ends in a hyphen", pusher.WithCluster("eu-")},
		{"empty host", pusher.WithBaseURL("https://")},
		{"host with a scheme", pusher.WithBaseURL("https://https://example.org")},
		{"host with a user", pusher.WithBaseURL("https://user@example.org")},
		{"port without a host", pusher.WithBaseURL("https://:6001")},
		{"base URL without a scheme", pusher.WithBaseURL("example.org")},
		{"base URL without a host", pusher.WithBaseURL("https://")},
		{"base URL with a user", pusher.WithBaseURL("https://u:p@example.org")},
		{"base URL with a query", pusher.WithBaseURL("https://example.org?x=1")},
		{"base URL with a fragment", pusher.WithBaseURL("https://example.org#x")},
		{"invalid base URL", pusher.WithBaseURL("http://[::1")},
		{"invalid proxy URL", pusher.WithHTTPProxy("http://user:pass word@proxy:port")},
		{"proxy without a scheme", pusher.WithHTTPProxy("proxy:3128")},
		{"proxy with an unknown scheme", pusher.WithHTTPProxy("ftp://proxy:3128")},
		{"negative retry delay", pusher.WithRetry(pusher.Retry{BaseDelay: -1})},
		{"retry delay of years", pusher.WithRetry(pusher.Retry{MaxDelay: 1<<63 - 1})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pusher.New(app, tt.opt); !errors.Is(err, pusher.ErrConfiguration) {
				t.Errorf("New(%s) = %v, want %v", tt.name, err, pusher.ErrConfiguration)
			}
		})
	}
	t.Run("proxy and HTTP client", func(t *testing.T) {
		_, err := pusher.New(app, pusher.WithHTTPProxy("http://proxy:3128"), pusher.WithHTTPClient(http.DefaultClient))
		if !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New = %v, want %v", err, pusher.ErrConfiguration)
		}
	})
}

func TestWithEncryptionMasterKey_Invalid(t *testing.T) {
	for name, key := range map[string]string{
		"empty":                           "",
		"not Base64":                      "!!!",
		"31 bytes":                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"32 characters instead of base64": "This is a key with 32 characters",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pusher.New(app, pusher.WithEncryptionMasterKey(key))
			if !errors.Is(err, pusher.ErrConfiguration) || key != "" && strings.Contains(err.Error(), key) {
				t.Errorf("New with a master key (%s) = %v, want %v without the key", name, err, pusher.ErrConfiguration)
			}
		})
	}
}
