package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

var app = pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}

func TestWhereAClientSendsItsRequests(t *testing.T) {
	tests := []struct {
		name string
		opts []pusher.Option
		want string
	}{
		{"the first cluster over TLS unless told otherwise", nil, "https://api-mt1.pusher.com/apps/3"},
		{"a cluster", []pusher.Option{pusher.WithCluster("ap2")}, "https://api-ap2.pusher.com/apps/3"},
		{"a dedicated cluster", []pusher.Option{pusher.WithCluster("my-company-1")}, "https://api-my-company-1.pusher.com/apps/3"},
		{"a host", []pusher.Option{pusher.WithHost("api.example.org")}, "https://api.example.org/apps/3"},
		{"a host and port without TLS", []pusher.Option{pusher.WithHost("localhost:6001"), pusher.WithTLS(false)}, "http://localhost:6001/apps/3"},
		{"an IPv6 host", []pusher.Option{pusher.WithHost("[::1]:6001")}, "https://[::1]:6001/apps/3"},
		{"a base URL", []pusher.Option{pusher.WithBaseURL("http://localhost:6001")}, "http://localhost:6001/apps/3"},
		{"a base URL with a slash", []pusher.Option{pusher.WithBaseURL("http://localhost:6001/")}, "http://localhost:6001/apps/3"},
		{"a base URL with a path", []pusher.Option{pusher.WithBaseURL("https://example.org/realtime")}, "https://example.org/realtime/apps/3"},
		{"TLS although the base URL says http", []pusher.Option{pusher.WithBaseURL("http://example.org"), pusher.WithTLS(true)}, "https://example.org/apps/3"},
		{"the last of cluster, host and base URL", []pusher.Option{pusher.WithBaseURL("https://a.example/x"), pusher.WithCluster("eu")}, "https://api-eu.pusher.com/apps/3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, err := pusher.New(app, tt.opts...)
			if err != nil {
				t.Fatalf("New: %v", err)
			}
			if got := fmt.Sprint(client); got != "pusher.Client("+tt.want+")" {
				t.Errorf("New(%s) = %s, want one for %s", tt.name, got, tt.want)
			}
		})
	}
}

func TestNewNamesAllThatIsWrongAtOnce(t *testing.T) {
	_, err := pusher.New(pusher.Credentials{AppID: "a/b", Key: "", Secret: "with space"},
		pusher.WithCluster("EU"),
		pusher.WithHost("a b"),
		pusher.WithBaseURL("ftp://example.org"),
		pusher.WithHTTPProxy("://"),
		pusher.WithHTTPClient(nil),
		pusher.WithTimeout(0),
		pusher.WithRetry(pusher.Retry{Attempts: -1}),
		pusher.WithLogger(nil),
		pusher.WithMaxEventBytes(0),
	)
	if !errors.Is(err, pusher.ErrConfiguration) {
		t.Fatalf("New = %v, want %v", err, pusher.ErrConfiguration)
	}
	for _, want := range []string{
		"app ID", "key is empty", "secret has a space",
		"WithCluster", "WithHost", "WithBaseURL", "WithHTTPProxy", "WithHTTPClient", "WithTimeout", "WithRetry", "WithLogger", "WithMaxEventBytes",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New names no %s in: %v", want, err)
		}
	}
}

func TestUnusableOptions(t *testing.T) {
	tests := []struct {
		name string
		opt  pusher.Option
	}{
		{"an empty cluster", pusher.WithCluster("")},
		{"a cluster with a dot", pusher.WithCluster("eu.example.org/")},
		{"a cluster that ends in a hyphen", pusher.WithCluster("eu-")},
		{"an empty host", pusher.WithHost("")},
		{"a host with a scheme", pusher.WithHost("https://example.org")},
		{"a host with a path", pusher.WithHost("example.org/x")},
		{"a host with a user", pusher.WithHost("user@example.org")},
		{"a host with a port alone", pusher.WithHost(":6001")},
		{"a base URL without a scheme", pusher.WithBaseURL("example.org")},
		{"a base URL without a host", pusher.WithBaseURL("https://")},
		{"a base URL with a user", pusher.WithBaseURL("https://u:p@example.org")},
		{"a base URL with a query", pusher.WithBaseURL("https://example.org?x=1")},
		{"a base URL with a fragment", pusher.WithBaseURL("https://example.org#x")},
		{"a base URL that does not parse", pusher.WithBaseURL("http://[::1")},
		{"a proxy that does not parse", pusher.WithHTTPProxy("http://user:pass word@proxy:port")},
		{"a proxy without a scheme", pusher.WithHTTPProxy("proxy:3128")},
		{"a proxy with an unknown scheme", pusher.WithHTTPProxy("ftp://proxy:3128")},
		{"a retry pause below zero", pusher.WithRetry(pusher.Retry{BaseDelay: -1})},
		{"a retry pause of years", pusher.WithRetry(pusher.Retry{MaxDelay: 1<<63 - 1})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := pusher.New(app, tt.opt); !errors.Is(err, pusher.ErrConfiguration) {
				t.Errorf("New(%s) = %v, want %v", tt.name, err, pusher.ErrConfiguration)
			}
		})
	}
	t.Run("a proxy beside an HTTP client", func(t *testing.T) {
		_, err := pusher.New(app, pusher.WithHTTPProxy("http://proxy:3128"), pusher.WithHTTPClient(http.DefaultClient))
		if !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("New = %v, want %v", err, pusher.ErrConfiguration)
		}
	})
}

func TestNewFromURL(t *testing.T) {
	tests := []struct {
		name, url string
		opts      []pusher.Option
		want      string // of the client, empty if it is refused
	}{
		{"the form that the documentation gives", "http://key:secret@api-eu.pusher.com/apps/42", nil, "http://api-eu.pusher.com/apps/42"},
		{"the gem's URL with TLS turned on", "http://key:secret@api.pusherapp.com/apps/42", []pusher.Option{pusher.WithTLS(true)}, "https://api.pusherapp.com/apps/42"},
		{"a port", "https://key:secret@localhost:6001/apps/app-id", nil, "https://localhost:6001/apps/app-id"},
		{"a path in front", "https://key:secret@example.org/realtime/apps/42/", nil, "https://example.org/realtime/apps/42"},
		{"a secret with escapes", "https://key:s%40cret@example.org/apps/42", nil, "https://example.org/apps/42"},
		{"nothing", "", nil, ""},
		{"no scheme", "key:secret@api.pusherapp.com/apps/42", nil, ""},
		{"another scheme", "ws://key:secret@api.pusherapp.com/apps/42", nil, ""},
		{"no secret", "https://key@api.pusherapp.com/apps/42", nil, ""},
		{"no key", "https://:secret@api.pusherapp.com/apps/42", nil, ""},
		{"no host", "https://key:secret@/apps/42", nil, ""},
		{"no app", "https://key:secret@api.pusherapp.com/apps/", nil, ""},
		{"another path", "https://key:secret@api.pusherapp.com/42", nil, ""},
		{"something behind the app", "https://key:secret@api.pusherapp.com/apps/42/events", nil, ""},
		{"a query", "https://key:secret@api.pusherapp.com/apps/42?cluster=eu", nil, ""},
		{"what url.Parse refuses", "https://key:sec%zzret@api.pusherapp.com/apps/42", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, err := pusher.NewFromURL(tt.url, tt.opts...)
			if tt.want == "" {
				if !errors.Is(err, pusher.ErrConfiguration) {
					t.Errorf("NewFromURL(%s) = %v, want %v", tt.name, err, pusher.ErrConfiguration)
				}
				return
			}
			if err != nil {
				t.Fatalf("NewFromURL: %v", err)
			}
			if got := fmt.Sprint(client); got != "pusher.Client("+tt.want+")" {
				t.Errorf("NewFromURL = %s, want one for %s", got, tt.want)
			}
		})
	}
}

func TestNewFromEnv(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string // of the client, empty if it is refused
	}{
		{"PUSHER_URL", map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"}, "https://api-eu.pusher.com/apps/42"},
		{"PUSHER_URL beats the separate variables", map[string]string{
			"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42", "PUSHER_APP_ID": "7", "PUSHER_HOST": "example.org",
		}, "https://api-eu.pusher.com/apps/42"},
		{"an empty PUSHER_URL counts as unset", map[string]string{
			"PUSHER_URL": "", "PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret",
		}, "https://api-mt1.pusher.com/apps/7"},
		{"Laravel's variables, those for a host empty", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_APP_CLUSTER": "ap1",
			"PUSHER_HOST": "", "PUSHER_PORT": "", "PUSHER_SCHEME": "",
		}, "https://api-ap1.pusher.com/apps/7"},
		{"the short names", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_KEY": "key", "PUSHER_SECRET": "secret", "PUSHER_CLUSTER": "eu",
		}, "https://api-eu.pusher.com/apps/7"},
		{"a host beats the cluster", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_APP_CLUSTER": "eu",
			"PUSHER_HOST": "localhost", "PUSHER_PORT": "6001", "PUSHER_SCHEME": "http",
		}, "http://localhost:6001/apps/7"},
		{"nothing", nil, ""},
		{"a bad PUSHER_URL", map[string]string{"PUSHER_URL": "https://example.org"}, ""},
		{"no secret", map[string]string{"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key"}, ""},
		{"an unknown scheme", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_SCHEME": "wss",
		}, ""},
		{"a port that is none", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_PORT": "many",
		}, ""},
		{"two ports", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_HOST": "localhost:6001", "PUSHER_PORT": "6002",
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setEnv(t, tt.env)
			client, err := pusher.NewFromEnv()
			if tt.want == "" {
				if !errors.Is(err, pusher.ErrConfiguration) {
					t.Errorf("NewFromEnv = %v, want %v", err, pusher.ErrConfiguration)
				}
				return
			}
			if err != nil {
				t.Fatalf("NewFromEnv: %v", err)
			}
			if got := fmt.Sprint(client); got != "pusher.Client("+tt.want+")" {
				t.Errorf("NewFromEnv = %s, want one for %s", got, tt.want)
			}
		})
	}
}

// setEnv makes the environment hold these PUSHER_ variables and no others.
func setEnv(t *testing.T, env map[string]string) {
	for _, name := range []string{
		"PUSHER_URL", "PUSHER_APP_ID", "PUSHER_APP_KEY", "PUSHER_APP_SECRET", "PUSHER_APP_CLUSTER",
		"PUSHER_KEY", "PUSHER_SECRET", "PUSHER_CLUSTER", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_SCHEME",
	} {
		t.Setenv(name, env[name])
	}
}

func TestTheDefaultClient(t *testing.T) {
	ctx := context.Background()
	t.Cleanup(func() { pusher.SetDefault(nil) })

	setEnv(t, nil)
	pusher.SetDefault(nil)
	if _, err := pusher.Default().Trigger(ctx, "c", "e", ""); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("Default().Trigger without an environment = %v, want %v", err, pusher.ErrConfiguration)
	}

	setEnv(t, map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"})
	pusher.SetDefault(nil)
	if got, want := fmt.Sprint(pusher.Default()), "pusher.Client(https://api-eu.pusher.com/apps/42)"; got != want {
		t.Errorf("Default() = %s, want %s", got, want)
	}
	if first := pusher.Default(); pusher.Default() != first {
		t.Error("Default() made a second client, want the same one")
	}

	mine, err := pusher.New(app)
	if err != nil {
		t.Fatal(err)
	}
	pusher.SetDefault(mine)
	if pusher.Default() != mine {
		t.Error("Default() is not the client given to SetDefault")
	}
}

func TestAClientThatWasNotMadeWithNewRefuses(t *testing.T) {
	ctx := context.Background()
	for name, client := range map[string]*pusher.Client{"a nil client": nil, "the zero client": {}} {
		t.Run(name, func(t *testing.T) {
			_, trigger := client.Trigger(ctx, "c", "e", "")
			_, batch := client.TriggerBatch(ctx, []pusher.Event{{Channel: "c", Name: "e"}})
			_, get := client.Get(ctx, "/channels", nil)
			_, api := client.API().ListChannelUsersWithResponse(ctx, client.AppID(), "c")
			for _, err := range []error{trigger, batch, get, api, client.SendToUser(ctx, "u", "e", "")} {
				if !errors.Is(err, pusher.ErrConfiguration) {
					t.Errorf("a call on %s = %v, want %v", name, err, pusher.ErrConfiguration)
				}
			}
			_ = fmt.Sprint(client)
		})
	}
}
