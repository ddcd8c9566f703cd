//go:build interop

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Two windows of a browser show every order once and in order, although all programs are
// killed and one of the windows is disconnected.
func TestPage(t *testing.T) {
	s := settings{filepath.Join(t.TempDir(), "orders.db"), freeAddress(t), freeAddress(t)}
	programs := map[string]*exec.Cmd{}
	for _, name := range []string{"pusher", "web", "relay"} {
		programs[name] = start(t, s, name)
	}
	waitFor(t, s.pusher)
	waitFor(t, s.web)
	browser := openPage(t, s)

	var want []string
	order := func() {
		t.Helper()
		item := fmt.Sprint("item ", len(want)+1)
		want = append(want, fmt.Sprintf("%s (number %d)", item, len(want)+1))
		var status string
		if browser("order "+item, &status); status != "" {
			t.Fatalf("%s: %s", item, status)
		}
	}
	for _, name := range []string{"pusher", "web", "relay"} {
		order()
		kill(programs[name])
		if name == "web" {
			var status string
			if browser("order nothing", &status); status != "The server is away: look whether the order appears, or try again." {
				t.Errorf("status %q while the server is away", status)
			}
		} else {
			order()
		}
		programs[name] = start(t, s, name)
		waitFor(t, s.web)
		order()
	}
	browser("offline", new(string))
	order()
	browser("online", new(string))
	order()

	var windows [2][]string
	browser(fmt.Sprint("orders ", len(want)), &windows)
	for i, got := range windows {
		if !slices.Equal(got, want) {
			t.Errorf("window %d shows %q, want %q", i+1, got, want)
		}
	}
}

// openPage returns a function that sends a command to testdata/page.cjs.
func openPage(t *testing.T, s settings) func(command string, answer any) {
	modules, err := filepath.Abs("../../internal/test/interop/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.pusher)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "testdata/page.cjs", "http://"+s.web+"/", port)
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	node.Stderr = t.Output()
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = node.Wait() })
	lines := bufio.NewReader(stdout)
	return func(command string, answer any) {
		t.Helper()
		if _, err := fmt.Fprintln(stdin, command); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, answer)
		}
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
}
