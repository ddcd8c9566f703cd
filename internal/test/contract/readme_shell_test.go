//go:build interop

package contract_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

// The shell script of README.md publishes an event. It needs bash, curl and openssl.
func TestReadme_Shell(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Without Go\n")
	_, script, _ := strings.Cut(section, "```sh\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("README.md has no script in the section Without Go")
	}

	server := pushertest.NewServer(pushertest.WithApp(pushertest.App{ID: "1", Key: "app-key", Secret: "app-secret"}))
	defer server.Close()
	const address = "http://127.0.0.1:6001" // of pusherctl serve
	if !strings.Contains(script, address) {
		t.Fatalf("the script does not contain %s:\n%s", address, script)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Replace(script, address, server.URL, 1))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	events := server.Events()
	if len(events) != 1 || events[0].Channel != "my-channel" || events[0].Name != "my-event" || events[0].Data != `{"message":"hello world"}` {
		t.Errorf("the script published %+v, want the event my-event on my-channel", events)
	}
}
