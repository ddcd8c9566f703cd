//go:build interop

package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// limitedApp is an app beside the main one, with its secret, that may publish twice a
// second and ask nothing.
const limitedApp = "limited"

// newSoketi runs soketi, and an app on it, until the test ends.
func newSoketi(t *testing.T) *world {
	t.Helper()
	port := freePort(t)
	w := &world{
		server: "soketi", url: fmt.Sprintf("http://127.0.0.1:%d", port),
		app: pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"},
	}
	w.client = newClient(t, w.url, w.app)
	w.backend = newBackend(t, w.app)
	runSoketi(t, port, w.app, w.backend.URL+"/webhook")
	w.js = start(t, "pusherjs.cjs")
	return w
}

func runSoketi(t testing.TB, port int, app pusher.Credentials, webhooks string) *os.Process {
	t.Helper()
	settings := map[string]any{
		"id": app.AppID, "key": app.Key, "secret": app.Secret, "enabled": true,
		"enableClientMessages": true, "enableUserAuthentication": true, "maxConnections": -1,
		"maxBackendEventsPerSecond": -1, "maxClientEventsPerSecond": -1, "maxReadRequestsPerSecond": -1,
		"webhooks": []any{map[string]any{"url": webhooks, "event_types": []string{
			"client_event", "channel_occupied", "channel_vacated", "member_added", "member_removed", "cache_miss",
		}}},
	}
	limited := maps.Clone(settings)
	maps.Copy(limited, map[string]any{"id": limitedApp, "key": limitedApp, "maxBackendEventsPerSecond": 2, "maxReadRequestsPerSecond": 0})
	apps := []any{settings, limited}

	// The keys are dotted because a nested object would replace all defaults of
	// its section.
	config := filepath.Join(t.TempDir(), "soketi.json")
	text := encode(t, map[string]any{
		"host": "127.0.0.1", "port": port,
		"cluster.address": "127.0.0.1", "cluster.hostname": "soketi-local", "cluster.unicast": "127.0.0.1", "cluster.port": freePort(t),
		"metrics.enabled": false, "metrics.host": "127.0.0.1",
		"userAuthenticationTimeout": (10 * time.Minute).Milliseconds(), // closes connections that nobody signs in on
		"httpApi.requestLimitInMb":  1,
		"appManager.array.apps":     apps,
	})
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	command := exec.CommandContext(t.Context(), "node", "node_modules/@soketi/soketi/bin/server.js", "start", "--config="+config)
	command.Env = append(os.Environ(), "SOKETI_HOST=127.0.0.1")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it may have children
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	if err := command.Start(); err != nil {
		t.Fatalf("start soketi: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // it is killed
	}()
	t.Cleanup(func() { // the test's context has killed it by now
		<-ended
		if t.Failed() {
			t.Logf("soketi wrote:\n%s", output.String())
		}
	})

	deadline, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/ready", port)); err == nil {
				_ = response.Body.Close()
				if response.StatusCode == http.StatusOK {
					return command.Process
				}
			}
		case <-ended:
			t.Fatal("soketi ended before it was ready")
		case <-deadline:
			t.Fatalf("soketi was not ready within %v", patience)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// soketiVersion is the one that package-lock.json pins.
func soketiVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("node_modules/@soketi/soketi/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var pinned struct{ Version string }
	if err := json.Unmarshal(text, &pinned); err != nil || pinned.Version == "" {
		t.Fatalf("the version of soketi: %q, %v", pinned.Version, err)
	}
	return pinned.Version
}
