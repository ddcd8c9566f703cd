package architecture_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// The API gains an operation, which Laravel Reverb in fact has, and a field in
// an answer. Both reach the user as typed code without a line by hand: the
// program in testdata/newoperation uses them.
func TestAChangedDocumentReachesTheUserAsTypedCode(t *testing.T) {
	t.Parallel()
	dir := beforeGeneration(t)
	document := filepath.Join(dir, "openapi.yaml")
	text := insertBefore(t, read(t, document), "\nwebhooks:\n", read(t, "testdata/newoperation/path.yaml"))
	text = insertBefore(t, text, "        cache:\n", "        encrypted: {type: boolean}\n")
	write(t, document, text)
	write(t, filepath.Join(dir, "newoperation", "main.go"), read(t, "testdata/newoperation/main.go"))

	generate(t, dir)
	runGo(t, dir, "build", "./gen/...")
	if got, want := runGo(t, dir, "run", "./newoperation"), "connections 7\nencrypted true\n"; got != want {
		t.Errorf("the program printed %q, want %q", got, want)
	}
}

func insertBefore(t *testing.T, text, mark, addition string) string {
	t.Helper()
	before, after, found := strings.Cut(text, mark)
	if !found || strings.Contains(after, mark) {
		t.Fatalf("openapi.yaml does not hold %q just once: give this test another place to insert at", mark)
	}
	return before + addition + mark + after
}
