//go:build interop

package generators_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A client with the types of openapi-typescript calls every operation, and compiles in
// TypeScript's strictest configuration.
func TestTypeScript(t *testing.T) {
	dir := withTypes(t)
	run(t, dir, "node_modules/.bin/tsc", "--project", ".")
	if got, want := run(t, dir, "node", "out/client.js", startServer(t).address), "all calls succeeded\n"; got != want {
		t.Errorf("client.js prints %q, want %q", got, want)
	}
}

// Each line of rejected.ts that follows a comment "want: TEXT" must be a compile error
// with that text, and there must be no other error.
func TestTypeScript_RejectedRequests(t *testing.T) {
	dir := withTypes(t)
	want := map[int]string{}
	for i, line := range strings.Split(read(t, filepath.Join(dir, "rejected.ts")), "\n") {
		if text, ok := strings.CutPrefix(line, "// want: "); ok {
			want[i+2] = text
		}
	}
	if len(want) == 0 {
		t.Fatal(`rejected.ts has no comment that begins with "want: "`)
	}

	// Without a project, so that it compiles a file that the project does not have.
	cmd := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "--pretty", "false", "--noEmit", "--strict", "--target", "ES2023", "--module", "NodeNext", "rejected.ts")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("rejected.ts compiles, want compile errors")
	}
	for _, line := range strings.Split(string(out), "\n") {
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

// withTypes returns a temporary folder with the files of testdata/openapi-typescript and
// the generated types.
func withTypes(t *testing.T) string {
	t.Helper()
	dir := copied(t, "testdata/openapi-typescript", "testdata/signing.ts", root+"/openapi.yaml")
	linkModules(t, dir)
	write(t, filepath.Join(dir, "package.json"), `{"type": "module"}`)
	i := slices.IndexFunc(generators, func(g struct{ name, command string }) bool { return g.name == "openapi-fetch" })
	run(t, dir, "node_modules/.bin/openapi-typescript", strings.Fields(generators[i].command)[1:]...)
	return dir
}
