//go:build interop

package interop_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestControl_Examples runs the suites of examples/control, each with the test runner of its
// language, against one server that needs a token.
func TestControl_Examples(t *testing.T) {
	c := startControlled(t, "--control-token", "the-token")
	for _, suite := range []struct {
		name    string
		command []string
		passed  string // part of the output
	}{
		{"node", []string{"node", "--test"}, "# pass 3"},
		{"ruby", []string{"rspec"}, "3 examples, 0 failures"},
		{"php", []string{"phpunit"}, "OK (3 tests,"},
	} {
		t.Run(suite.name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), suite.command[0], suite.command[1:]...)
			command.Dir = "../../../examples/control/" + suite.name
			command.Env = append(os.Environ(), "PUSHERCTL_CONTROL="+c.Control, "PUSHERCTL_CONTROL_TOKEN=the-token")
			out, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(out), suite.passed) {
				t.Errorf("%s: %v\n%s\nwant %s", suite.command, err, out, suite.passed)
			}
		})
	}
}

// TestControl_Docs runs the commands of docs/control-api.md, in order.
func TestControl_Docs(t *testing.T) {
	page, err := os.ReadFile("../../../docs/control-api.md")
	if err != nil {
		t.Fatal(err)
	}
	c := startControlled(t)
	const address = "127.0.0.1:6001" // of pusherctl serve
	host := strings.TrimSuffix(strings.TrimPrefix(c.Control, "http://"), "/control")
	script := "pusherctl() { " + c.program + ` "$@"; }` + "\ncurl() { command curl --fail-with-body \"$@\"; }\n"
	for _, block := range strings.Split(string(page), "```sh\n")[2:] { // the first one starts the server
		block, _, _ = strings.Cut(block, "```")
		script += strings.ReplaceAll(block, address, host)
	}
	out, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	for _, want := range []string{
		`{"id":"7","key":"test-key","pusher_url":"http://test-key:test-secret@` + host + `/apps/7","secret":"test-secret"}`,
		`{"events":[{"channel":"orders","connections":0,"data":"{\"id\":1}","name":"created","time":"`,
		`{"connections":[],"total":0}`,
	} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("the commands printed, with the error %v,\n%s\nwant %s", err, out, want)
		}
	}
}

// A controlled is a running `pusherctl serve`, with the settings that it prints with --json.
type controlled struct {
	PusherURL string `json:"url"`
	Control   string // URL of the control API
	program   string
}

func startControlled(t *testing.T, flags ...string) controlled {
	t.Helper()
	program := filepath.Join(t.TempDir(), "pusherctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/pusherctl").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	command := exec.CommandContext(t.Context(), program, append([]string{"serve", "--json", "--addr", "127.0.0.1:0"}, flags...)...)
	command.Env = append(os.Environ(), "PUSHER_URL=", "PUSHERCTL_APPS=")
	command.Dir = t.TempDir() // without a file .env
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start pusherctl serve: %v", err)
	}
	lines := bufio.NewScanner(stdout)
	c := controlled{program: program}
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), &c); err != nil || c.Control == "" {
		t.Fatalf("pusherctl serve printed %s, want the URL of the control API", lines.Text())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			t.Log(lines.Text())
		}
	}()
	t.Cleanup(func() { // the end of the test's context has killed it
		<-done
		_ = command.Wait()
	})
	return c
}

// get decodes the response to a GET request of the control API.
func (c controlled) get(t *testing.T, path string, result any) {
	t.Helper()
	resp, err := http.Get(c.Control + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(result); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", path, resp.StatusCode, err)
	}
}
