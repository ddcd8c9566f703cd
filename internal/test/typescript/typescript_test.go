//go:build interop

package typescript_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Clients run in a temporary folder, so that nothing is generated in this one.
func TestClient(t *testing.T) {
	dir := generateTypes(t)
	if out, err := tsc(dir, "--project", "."); err != nil {
		t.Fatalf("client.ts does not compile: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), "node", filepath.Join("out", "client.js"), startDevserver(t))
	run.Dir = dir
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("client.js: %v\n%s", err, out)
	}
	if want := "all calls succeeded\n"; string(out) != want {
		t.Errorf("client.js prints %q, want %q", out, want)
	}
}

// Each line of rejected.ts that follows a comment "want: TEXT" must be a compile error
// with that text, and there must be no other error.
func TestRejectedRequests(t *testing.T) {
	dir := generateTypes(t)
	want := map[int]string{}
	source, err := os.ReadFile("rejected.ts")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(source), "\n") {
		if text, ok := strings.CutPrefix(line, "// want: "); ok {
			want[i+2] = text
		}
	}
	if len(want) == 0 {
		t.Fatal(`rejected.ts has no comment that begins with "want: "`)
	}

	// Without a project, so that it compiles a file that the project does not have.
	options := []string{"--noEmit", "--strict", "--target", "ES2023", "--module", "NodeNext", "rejected.ts"}
	out, err := tsc(dir, options...)
	if err == nil {
		t.Fatal("rejected.ts compiles, want compile errors")
	}
	for _, line := range strings.Split(out, "\n") {
		position, message, ok := strings.Cut(line, ": error ")
		if !ok {
			continue // a continuation of the message before
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(position, "rejected.ts("), ",")
		n, err := strconv.Atoi(number)
		text := want[n]
		if err != nil || text == "" {
			t.Errorf("unexpected error: %s", line)
			continue
		}
		delete(want, n)
		if !strings.Contains(message, text) {
			t.Errorf("rejected.ts:%d: error %q, want one with %q", n, message, text)
		}
	}
	for n, text := range want {
		t.Errorf("rejected.ts:%d compiles, want an error with %q", n, text)
	}
}

// generateTypes returns a folder with the sources and with the types generated from
// openapi.yaml.
func generateTypes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err != nil {
		t.Fatalf("%v: run `make e2e`, which installs it", err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(sources, "package.json", "tsconfig.json") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	document := filepath.Join("..", "..", "..", "openapi.yaml")
	types := filepath.Join(dir, "openapi.d.ts")
	generate := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "openapi-typescript"), document, "--output", types)
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("openapi-typescript: %v\n%s", err, out)
	}
	return dir
}

func tsc(dir string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(dir, "node_modules", ".bin", "tsc"), slices.Insert(args, 0, "--pretty", "false")...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// startDevserver runs the development server until the test ends, and returns its
// PUSHER_URL.
func startDevserver(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "devserver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../examples/devserver").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	server := exec.CommandContext(t.Context(), program, "-addr", "127.0.0.1:0")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "export PUSHER_URL="); ok {
			go func() {
				for lines.Scan() { // so that the server never blocks on a full pipe
				}
			}()
			return address
		}
	}
	t.Fatalf("devserver printed no PUSHER_URL: %v", lines.Err())
	return ""
}
