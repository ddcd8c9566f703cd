//go:build interop

package realtime_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// newSoketi runs soketi until the test ends.
func newSoketi(t testing.TB) *environment {
	t.Helper()
	app := pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"}
	port := freePort(t)
	// The keys contain dots because a nested object would replace all defaults of its
	// section.
	text, err := json.Marshal(map[string]any{
		"host": "127.0.0.1", "port": port,
		"cluster.address": "127.0.0.1", "cluster.hostname": "soketi-local", "cluster.unicast": "127.0.0.1", "cluster.port": freePort(t),
		"metrics.enabled": false, "metrics.host": "127.0.0.1",
		"userAuthenticationTimeout": (10 * time.Minute).Milliseconds(), // soketi closes connections without a signed-in user after it
		"httpApi.requestLimitInMb":  1,
		"appManager.array.apps": []any{map[string]any{
			"id": app.AppID, "key": app.Key, "secret": app.Secret, "enabled": true,
			"enableClientMessages": true, "enableUserAuthentication": true, "maxConnections": -1,
			"maxBackendEventsPerSecond": -1, "maxClientEventsPerSecond": -1, "maxReadRequestsPerSecond": -1,
		}},
	})
	noError(t, "encode configuration", err)
	config := filepath.Join(t.TempDir(), "soketi.json")
	noError(t, "write configuration", os.WriteFile(config, text, 0o600))

	command := exec.CommandContext(t.Context(), "node", "../node_modules/@soketi/soketi/bin/server.js", "start", "--config="+config)
	command.Env = append(os.Environ(), "SOKETI_HOST=127.0.0.1")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // kill its child processes too
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	noError(t, "start soketi", command.Start())
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

	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	deadline, tick := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if response, err := http.Get(url + "/ready"); err == nil {
				_ = response.Body.Close()
				if response.StatusCode == http.StatusOK {
					return newEnvironment(t, "soketi", url, app)
				}
			}
		case <-ended:
			t.Fatal("soketi exited before it was ready")
		case <-deadline:
			t.Fatal("soketi was not ready within a minute")
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, "listen", err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
