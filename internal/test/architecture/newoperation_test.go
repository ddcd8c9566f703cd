package architecture_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// The document gets an operation, one that Laravel Reverb has, and two optional
// properties of a response. They reach users as generated code: the program in
// testdata/newoperation uses them.
func TestChangedDocument(t *testing.T) {
	t.Parallel()
	dir := beforeGeneration(t)
	document := filepath.Join(dir, "openapi.yaml")
	text := insertBefore(t, read(t, document), "\nwebhooks:\n", read(t, "testdata/newoperation/path.yaml"))
	text = insertBefore(t, text, "        cache:\n", "        encrypted: {type: boolean}\n        since: {type: string, format: date-time}\n")
	write(t, document, text)
	write(t, filepath.Join(dir, "newoperation", "main.go"), read(t, "testdata/newoperation/main.go"))

	generate(t, dir)
	runGo(t, dir, "build", "./gen/...")
	if got, want := runGo(t, dir, "run", "./newoperation"), "connections 7\nencrypted true since 2026\n"; got != want {
		t.Errorf("the program printed %q, want %q", got, want)
	}
}

func insertBefore(t *testing.T, text, mark, addition string) string {
	t.Helper()
	before, after, found := strings.Cut(text, mark)
	if !found || strings.Contains(after, mark) {
		t.Fatalf("openapi.yaml does not contain %q exactly once: choose another place to insert at", mark)
	}
	return before + addition + mark + after
}
