//go:build interop

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The TypeScript types in the repository are those of the schema, shop.ts compiles with
// them, and every line of mistakes.ts is an error.
func TestEventsSchema_TypeScript(t *testing.T) {
	generated := filepath.Join(t.TempDir(), "events.ts")
	npm(t, "json2ts", "--input", "events.schema.json", "--output", generated)
	got, err := os.ReadFile(generated)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("web/events.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("web/events.ts is outdated, run: npm run generate\ntypes of the schema:\n%s", got)
	}
	npm(t, "tsc")
}

// npm runs a program of web/node_modules, which make e2e installs.
func npm(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", name), args...)
	cmd.Dir = "web"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
