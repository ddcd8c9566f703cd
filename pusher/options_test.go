package pusher_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestOptions_Invalid(t *testing.T) {
	tests := []struct {
		name string
		opt  pusher.Option
	}{
		{"empty cluster", pusher.WithCluster("")},
		{"cluster with a dot", pusher.WithCluster("eu.example.org/")},
		{"cluster that ends in a hyphen", pusher.WithCluster("eu-")},
		{"invalid proxy URL", pusher.WithHTTPProxy("http://user:pass word@proxy:port")},
		{"proxy without a scheme", pusher.WithHTTPProxy("proxy:3128")},
		{"proxy with an unknown scheme", pusher.WithHTTPProxy("ftp://proxy:3128")},
		{"negative retry delay", pusher.WithRetry(pusher.Retry{BaseDelay: -1})},
		{"retry delay of more than a day", pusher.WithRetry(pusher.Retry{MaxDelay: 24*time.Hour + 1})},
		{"retry delay of years", pusher.WithRetry(pusher.Retry{MaxDelay: 1<<63 - 1})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pusher.New(app, tt.opt); !errors.Is(err, pusher.ErrConfiguration) {
				t.Errorf("New(%s) = %v, want %v", tt.name, err, pusher.ErrConfiguration)
			}
		})
	}
	if _, err := pusher.New(app, pusher.WithRetry(pusher.Retry{BaseDelay: 24 * time.Hour, MaxDelay: 24 * time.Hour})); err != nil {
		t.Errorf("New with delays of a day = %v, want no error", err)
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
func TestOptions_Address(t *testing.T) {
	const plain = "http://key:secret@localhost:6001/apps/3"
	type options = []pusher.Option
	tests := []struct {
		name    string
		env     map[string]string
		url     string
		options options
		want    string
	}{
		{"default", nil, "", nil, "https://api-mt1.pusher.com"},
		{"cluster", nil, "", options{pusher.WithCluster("ap2")}, "https://api-ap2.pusher.com"},
		{"dedicated cluster", nil, "", options{pusher.WithCluster("my-company-1")}, "https://api-my-company-1.pusher.com"},
		{"base URL", nil, "", options{pusher.WithBaseURL("http://localhost:6001")}, "http://localhost:6001"},
		{"base URL with a trailing slash", nil, "", options{pusher.WithBaseURL("http://localhost:6001/")}, "http://localhost:6001"},
		{"base URL with a path", nil, "", options{pusher.WithBaseURL("https://example.org/realtime")}, "https://example.org/realtime"},
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
		{"http://u:p@host", false},
		{"https://:6001", false},
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

func TestWithPathPrefix(t *testing.T) {
	for _, tt := range []struct{ base, prefix, want string }{
		{"https://example.com", "/reverb", "/reverb/apps/3/channels/c;,"},
		{"https://example.com", "/a/b.c/~d/", "/a/b.c/~d/apps/3/channels/c;,"},
		{"https://example.com/signed", "/reverb", "/reverb/signed/apps/3/channels/c;,"},
		{"https://example.com/a%2Fb", "/reverb", "/reverb/a%2Fb/apps/3/channels/c%3B%2C"},
	} {
		sent := ""
		client := newClient(t, pusher.WithBaseURL(tt.base), pusher.WithPathPrefix(tt.prefix), over(func(req *http.Request) (*http.Response, error) {
			sent = req.URL.EscapedPath()
			req = req.Clone(req.Context())
			prefix := strings.TrimSuffix(tt.prefix, "/")
			req.URL.Path, req.URL.RawPath = strings.TrimPrefix(req.URL.Path, prefix), strings.TrimPrefix(req.URL.RawPath, prefix)
			if _, err := verify(req, time.Time{}); err != nil {
				t.Errorf("the path without %s is not signed: %v", prefix, err)
			}
			return respond(200, completeBody)(req)
		}))
		if _, err := client.ChannelInfo(t.Context(), "c;,"); err != nil || sent != tt.want {
			t.Errorf("ChannelInfo with %s and %s = %v, sent %s, want %s", tt.base, tt.prefix, err, sent, tt.want)
		}
	}
	for _, prefix := range []string{"", "/", "reverb", "//reverb", "/a//b", "/a/../b", "/..", "/a?b", "/a#b", "/a%20b", "/ä", "https://example.com/reverb"} {
		if _, err := pusher.New(app, pusher.WithPathPrefix(prefix)); !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New(WithPathPrefix(%q)) = %v, want %v", prefix, err, pusher.ErrConfiguration)
		}
	}
}

func TestWithMaxBodyBytes(t *testing.T) {
	// {"channels":["c"],"data":"…","name":"e"} has 39 bytes besides the data.
	const limit, rest = 100, 39
	client, server := serve(t, respond(200, "{}"), pusher.WithMaxBodyBytes(limit))
	for _, size := range []int{limit - rest, limit - rest + 1} {
		_, err := client.Trigger(t.Context(), "c", "e", strings.Repeat("x", size))
		if sent := server.requests(); size <= limit-rest && (err != nil || len(sent) != 1 || len(sent[0].body) != limit) {
			t.Errorf("Trigger with %d bytes = %v, sent %v, want a body of %d bytes", size, err, sent, limit)
		} else if size > limit-rest && (!errors.Is(err, pusher.ErrTooLarge) || len(sent) != 0) {
			t.Errorf("Trigger with %d bytes = %v, sent %v, want %v and nothing", size, err, sent, pusher.ErrTooLarge)
		}
	}
}

// An invalid cluster is quoted, unless it looks like a part of KEY:SECRET@HOST.
func TestWithCluster_Quote(t *testing.T) {
	for setting, quoted := range map[string]bool{
		"EU":                             true,
		"key:" + strings.Repeat("x", 16): true,
		"key:" + strings.Repeat("x", 17): false,
		strings.Repeat("X", 21):          true,
		strings.Repeat("X", 100):         true,
		strings.Repeat("X", 101):         false,
		"a@b":                            false,
		"a/b":                            false,
	} {
		_, err := pusher.New(app, pusher.WithCluster(setting))
		if err == nil || strings.Contains(err.Error(), setting) != quoted {
			t.Errorf("New(WithCluster(%q)) = %v, want an error that quotes it: %t", setting, err, quoted)
		}
	}
}
