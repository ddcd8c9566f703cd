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

// limitedApp is the ID and key of an additional app that may publish two events a second
// and send no queries. Its secret is that of the main app.
const limitedApp = "limited"

// newSoketi runs soketi until the test ends.
func newSoketi(t *testing.T) *environment {
	t.Helper()
	port := freePort(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	app := pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"}
	backend := newBackend(t, app)
	runSoketi(t, port, app, backend.URL+"/webhook")
	return &environment{url: url, app: app, client: newClient(t, url, app), backend: backend, pusherJS: startScript(t, "pusherjs.cjs")}
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

	// The keys contain dots because a nested object would replace all defaults of its
	// section.
	config := filepath.Join(t.TempDir(), "soketi.json")
	text := encodeJSON(t, map[string]any{
		"host": "127.0.0.1", "port": port,
		"cluster.address": "127.0.0.1", "cluster.hostname": "soketi-local", "cluster.unicast": "127.0.0.1", "cluster.port": freePort(t),
		"metrics.enabled": false, "metrics.host": "127.0.0.1",
		"userAuthenticationTimeout": (10 * time.Minute).Milliseconds(), // soketi closes connections without a signed-in user after it
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
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // kill its child processes too
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	if err := command.Start(); err != nil {
		t.Fatalf("start soketi: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() { // the end of the test's context has killed it
		<-ended
		if t.Failed() {
			t.Logf("output of soketi:\n%s", output.String())
		}
	})

	deadline, tick := time.After(timeout), time.NewTicker(50*time.Millisecond)
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
			t.Fatal("soketi exited before it was ready")
		case <-deadline:
			t.Fatalf("soketi was not ready within %v", timeout)
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

// soketiVersion returns the installed version.
func soketiVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("node_modules/@soketi/soketi/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var pinned struct{ Version string }
	if err := json.Unmarshal(text, &pinned); err != nil || pinned.Version == "" {
		t.Fatalf("version of soketi: got %q, %v", pinned.Version, err)
	}
	return pinned.Version
}
