//go:build interop

package interop_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// pusherctl doctor finds out what is wrong with an app on soketi, which responds in
// another way than Pusher: it never answers a TLS handshake, identifies apps by their ID
// only and does not check timestamps.
func TestSoketi_Doctor(t *testing.T) {
	env := newSoketi(t)
	program := filepath.Join(t.TempDir(), "pusherctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/pusherctl").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	host := strings.TrimPrefix(env.url, "http://")
	right := env.app
	const webhookPath, authPath = "/webhook", "/pusher/auth?user=7"
	for _, c := range []struct {
		name   string
		app    pusher.Credentials
		scheme string
		host   string
		flags  []string
		step   string // the first step that has failed, or "" if all is well
		found  string
	}{
		{name: "right", app: right, flags: []string{"--webhook", env.backend.URL + webhookPath, "--auth-endpoint", env.backend.URL + authPath}},
		{name: "server not running", app: right, host: "127.0.0.1:1", step: "TCP", found: "refused"},
		{name: "https to an http port", app: right, scheme: "https", step: "TLS", found: "speaks http"},
		{name: "wrong app ID", app: pusher.Credentials{AppID: "7", Key: right.Key, Secret: right.Secret}, step: "app ID", found: "The app 7 could not be found"},
		{name: "wrong key", app: pusher.Credentials{AppID: right.AppID, Key: "another-key", Secret: right.Secret}, step: "key", found: "the HTTP API accepts"},
		{name: "wrong secret", app: pusher.Credentials{AppID: right.AppID, Key: right.Key, Secret: "another-secret"}, step: "secret", found: "does not match"},
		{name: "over a limit", app: pusher.Credentials{AppID: limitedApp, Key: limitedApp, Secret: right.Secret}, step: "quota", found: "429"},
		{name: "authorization endpoint not called", app: right, step: "auth endpoint", found: "do not call",
			flags: []string{"--auth-endpoint", env.backend.URL + authPath, "--origin", "http://localhost:5173", "--auth-header", "X-CSRF-TOKEN: t"}},
		{name: "authorization endpoint rejecting", app: right, step: "auth endpoint", found: "403",
			flags: []string{"--auth-endpoint", env.backend.URL + authPath, "--auth-channel", "private-not-for-7"}},
		{name: "webhook path missing", app: right, step: "webhook", found: "404", flags: []string{"--webhook", env.backend.URL + "/webhooks"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"doctor", "--json", "--app-id", c.app.AppID, "--key", c.app.Key, "--host", host, "--scheme", "http"}
			if c.scheme != "" {
				args = append(args, "--scheme", c.scheme)
			}
			if c.host != "" {
				args = append(args, "--host", c.host)
			}
			command := exec.CommandContext(t.Context(), program, append(args, c.flags...)...)
			command.Env = append(os.Environ(), "PUSHER_APP_SECRET="+c.app.Secret)
			start := time.Now()
			out, err := command.Output()
			elapsed := time.Since(start)
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			var step, found string
			for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More() && step == ""; {
				var line struct{ Step, Verdict, Found string }
				if err := decoder.Decode(&line); err != nil {
					t.Fatalf("%v in\n%s", err, out)
				}
				if line.Verdict == "failed" {
					step, found = line.Step, line.Found
				}
			}
			if step != c.step || !strings.Contains(found, c.found) || (err != nil) != (c.step != "") {
				t.Errorf("got step %q, found %q, error %v\nwant step %q, found %q\n%s", step, found, err, c.step, c.found, out)
			}
			if bytes.Contains(out, []byte(c.app.Secret)) {
				t.Errorf("the output has the secret:\n%s", out)
			}
			t.Logf("| %s | %s | %s | %d ms |", c.name, step, found, elapsed.Milliseconds())
			if c.step == "" {
				t.Logf("%s", out)
			}
		})
	}
}
