package pusher_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// checkAddress fails the test unless the client has the address, or err is
// ErrConfiguration if want is empty.
func checkAddress(t *testing.T, client *pusher.Client, err error, want string) {
	t.Helper()
	switch {
	case want == "" && !errors.Is(err, pusher.ErrConfiguration):
		t.Errorf("got %v and %v, want %v", client, err, pusher.ErrConfiguration)
	case want != "" && (err != nil || fmt.Sprint(client) != "pusher.Client("+want+")"):
		t.Errorf("got %v and %v, want a client for %s", client, err, want)
	}
}

func TestNewFromURL(t *testing.T) {
	tests := []struct {
		name, url string
		want      string // the address of the client, empty if the URL is invalid
	}{
		{"http", "http://key:secret@api-eu.pusher.com/apps/42", "http://api-eu.pusher.com/apps/42"},
		{"port", "https://key:secret@localhost:6001/apps/app-id", "https://localhost:6001/apps/app-id"},
		{"path prefix", "https://key:secret@example.org/realtime/apps/42/", "https://example.org/realtime/apps/42"},
		{"path prefix with escapes", "https://key:secret@example.org/a%2Fb%20c/apps/42", "https://example.org/a%2Fb%20c/apps/42"},
		{"path prefix with /apps/", "https://key:secret@example.org/apps/v1/apps/42", "https://example.org/apps/v1/apps/42"},
		{"escaped secret", "https://key:s%40cret@example.org/apps/42", "https://example.org/apps/42"},
		{"empty", "", ""},
		{"no scheme", "key:secret@api.pusherapp.com/apps/42", ""},
		{"unknown scheme", "ws://key:secret@api.pusherapp.com/apps/42", ""},
		{"no secret", "https://key@api.pusherapp.com/apps/42", ""},
		{"no key", "https://:secret@api.pusherapp.com/apps/42", ""},
		{"no host", "https://key:secret@/apps/42", ""},
		{"no app ID", "https://key:secret@api.pusherapp.com/apps/", ""},
		{"no /apps", "https://key:secret@api.pusherapp.com/42", ""},
		{"path after the app ID", "https://key:secret@api.pusherapp.com/apps/42/events", ""},
		{"query", "https://key:secret@api.pusherapp.com/apps/42?cluster=eu", ""},
		{"invalid escape", "https://key:sec%zzret@api.pusherapp.com/apps/42", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, err := pusher.NewFromURL(tt.url)
			checkAddress(t, client, err, tt.want)
		})
	}
}

func TestNewFromEnv(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string // the address of the client, empty if the URL is invalid
	}{
		{"PUSHER_URL", map[string]string{"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42"}, "https://api-eu.pusher.com/apps/42"},
		{"PUSHER_URL takes precedence over separate variables", map[string]string{
			"PUSHER_URL": "https://key:secret@api-eu.pusher.com/apps/42", "PUSHER_APP_ID": "7", "PUSHER_HOST": "example.org",
		}, "https://api-eu.pusher.com/apps/42"},
		{"empty PUSHER_URL", map[string]string{
			"PUSHER_URL": "", "PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret",
		}, "https://api-mt1.pusher.com/apps/7"},
		{"Laravel's variables, with an empty host", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_APP_CLUSTER": "ap1",
			"PUSHER_HOST": "", "PUSHER_PORT": "", "PUSHER_SCHEME": "",
		}, "https://api-ap1.pusher.com/apps/7"},
		{"short names", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_KEY": "key", "PUSHER_SECRET": "secret", "PUSHER_CLUSTER": "eu",
		}, "https://api-eu.pusher.com/apps/7"},
		{"PUSHER_HOST takes precedence over the cluster", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_APP_CLUSTER": "eu",
			"PUSHER_HOST": "localhost", "PUSHER_PORT": "6001", "PUSHER_SCHEME": "http",
		}, "http://localhost:6001/apps/7"},
		{"empty", nil, ""},
		{"invalid PUSHER_URL", map[string]string{"PUSHER_URL": "https://example.org"}, ""},
		{"no secret", map[string]string{"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key"}, ""},
		{"unknown PUSHER_SCHEME", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_SCHEME": "wss",
		}, ""},
		{"invalid PUSHER_PORT", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_PORT": "many",
		}, ""},
		{"port in PUSHER_HOST and PUSHER_PORT", map[string]string{
			"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret", "PUSHER_HOST": "localhost:6001", "PUSHER_PORT": "6002",
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setEnv(t, tt.env)
			client, err := pusher.NewFromEnv()
			checkAddress(t, client, err, tt.want)
		})
	}
}

// TestNewFromEnv_Precedence checks that the PUSHER_APP_ names take precedence over the
// short ones.
func TestNewFromEnv_Precedence(t *testing.T) {
	setEnv(t, map[string]string{
		"PUSHER_APP_ID":  app.AppID,
		"PUSHER_APP_KEY": app.Key, "PUSHER_KEY": "other-key",
		"PUSHER_APP_SECRET": app.Secret, "PUSHER_SECRET": "other-secret",
		"PUSHER_APP_CLUSTER": "eu", "PUSHER_CLUSTER": "ap1",
	})
	client, err := pusher.NewFromEnv(over(func(req *http.Request) (*http.Response, error) {
		if _, err := verify(req, time.Now()); err != nil || req.URL.Host != "api-eu.pusher.com" {
			t.Errorf("request to %s: %v; want api-eu.pusher.com, signed with PUSHER_APP_KEY and PUSHER_APP_SECRET", req.URL.Host, err)
		}
		return respond(200, "{}")(req)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger = %v, want no error", err)
	}
}

// setEnv sets these PUSHER_ variables and empties all others.
func setEnv(t *testing.T, env map[string]string) {
	for _, name := range []string{
		"PUSHER_URL", "PUSHER_APP_ID", "PUSHER_APP_KEY", "PUSHER_APP_SECRET", "PUSHER_APP_CLUSTER",
		"PUSHER_KEY", "PUSHER_SECRET", "PUSHER_CLUSTER", "PUSHER_HOST", "PUSHER_PORT", "PUSHER_SCHEME",
	} {
		t.Setenv(name, env[name])
	}
}

// The text names the variable to change.
func TestNewFromEnv_Text(t *testing.T) {
	credentials := func(name, value string) map[string]string {
		env := map[string]string{"PUSHER_APP_ID": "7", "PUSHER_APP_KEY": "key", "PUSHER_APP_SECRET": "secret"}
		env[name] = value
		return env
	}
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing", nil, "pusher: NewFromEnv: invalid configuration: neither PUSHER_URL nor PUSHER_APP_ID is set"},
		{"no secret", credentials("PUSHER_APP_SECRET", ""), "pusher: NewFromEnv: invalid configuration: neither PUSHER_URL nor PUSHER_APP_SECRET is set"},
		{"URL as host", credentials("PUSHER_HOST", "https://api-eu.pusher.com"),
			"pusher: NewFromEnv: invalid configuration: PUSHER_HOST: want a host name without https://; PUSHER_URL is the variable for a URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setEnv(t, tt.env)
			if _, err := pusher.NewFromEnv(); err == nil || err.Error() != tt.want {
				t.Errorf("NewFromEnv = %v, want %s", err, tt.want)
			}
		})
	}
}
