package architecture_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The committed code is what openapi.yaml generates, and the code written by hand compiles
// with it. If a property has been renamed, this test names the lines to change; `make test`
// and CI run it before all others.
func TestGeneratedCode(t *testing.T) {
	t.Parallel()
	committed := generated(t, root)
	dir := beforeGeneration(t)
	first, second := generate(t, dir), generate(t, beforeGeneration(t))
	if lines := brokenLines(t, dir); len(lines) > 0 {
		t.Errorf("with the code that openapi.yaml generates, these lines do not compile: run make generate, then change them\n%s", strings.Join(lines, "\n"))
	}
	for _, name := range removedProperties(committed, first) {
		t.Errorf("openapi.yaml has no property %q any more: change its examples, gen/rest.overlay.yaml, and the texts %[1]q in internal/compat and pushertest", name)
	}
	if got, want := names(committed), names(first); !slices.Equal(got, want) {
		t.Fatalf("gen/ holds %q, but openapi.yaml generates %q: run make generate and commit the result", got, want)
	}
	for _, path := range names(committed) {
		if first[path] != second[path] {
			t.Errorf("%s differs when it is generated twice:\n%s", path, difference(first[path], second[path]))
		}
		if committed[path] != first[path] {
			t.Errorf("%s differs from what openapi.yaml generates: run make generate and commit the result\n%s",
				path, difference(withoutDocument(committed[path]), withoutDocument(first[path])))
		}
	}
}

// The template of the responses is the generator's own, except where it decodes them:
// a new version of the generator that changes the rest is noticed here.
func TestTemplate(t *testing.T) {
	t.Parallel()
	generator := strings.TrimSpace(runGo(t, root, "list", "-m", "-f", "{{.Dir}}", "github.com/oapi-codegen/oapi-codegen/v2"))
	const name = "client-with-responses.tmpl"
	own := read(t, filepath.Join(root, "gen", name))
	_, own, _ = strings.Cut(own, "*/ -}}\n") // the comment at the top
	theirs := read(t, filepath.Join(generator, "pkg/codegen/templates", name))
	want := strings.Replace(theirs, "    {{genResponseUnmarshal .}}\n", `    {{range getResponseTypeDefinitions . -}}
    if response.{{.TypeName}}, err = decode[{{.Schema.TypeDecl}}](rsp, bodyBytes); err != nil {
        return nil, err
    }
    {{end}}
`, 1)
	if own != want {
		t.Errorf("gen/%s differs from the generator's template in more than the call of decode: copy the new template and change it again\n%s", name, difference(want, own))
	}
}

// withoutDocument removes the lines of the compressed document that the server embeds.
func withoutDocument(code string) string {
	return regexp.MustCompile(`(?m)^\t"[A-Za-z0-9+/=]+",\n`).ReplaceAllString(code, "")
}

// removedProperties returns the names of properties that are only in the committed code.
func removedProperties(committed, generated map[string]string) []string {
	property := regexp.MustCompile(`json:"(\w+)`)
	names := func(texts map[string]string) map[string]bool {
		found := map[string]bool{}
		for _, match := range property.FindAllStringSubmatch(texts["gen/pusher.gen.go"], -1) {
			found[match[1]] = true
		}
		return found
	}
	after := names(generated)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names(committed))), func(name string) bool { return after[name] })
}

// brokenLines compiles the module with the generated code in dir instead of the committed
// code, and returns the errors.
func brokenLines(t *testing.T, dir string) []string {
	t.Helper()
	replace := map[string]string{}
	for _, path := range find(t, dir, isGenerated) {
		absolute, err := filepath.Abs(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		replace[absolute] = filepath.Join(dir, path)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "overlay.json")
	write(t, name, string(overlay))
	// One analyzer is enough to compile everything, tests included.
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-nilfunc", "-overlay", name, "./...")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		if line = strings.TrimPrefix(line, "vet: "); !strings.HasPrefix(line, "#") && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// beforeGeneration copies the input of the generator into a new folder.
func beforeGeneration(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range append(find(t, root, isWritten), "go.mod", "go.sum", "generate.go", "tools.go", "openapi.yaml", "internal/control/openapi.yaml", "internal/cmd/restdocument/main.go") {
		write(t, filepath.Join(dir, path), read(t, filepath.Join(root, path)))
	}
	return dir
}

// generate runs go generate in dir.
func generate(t *testing.T, dir string) map[string]string {
	t.Helper()
	runGo(t, dir, "generate", ".")
	return generated(t, dir)
}

// generated returns the text of each generated file below dir.
func generated(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, path := range find(t, dir, isGenerated) {
		texts[path] = read(t, filepath.Join(dir, path))
	}
	return texts
}

func isGenerated(path string) bool {
	return strings.HasSuffix(path, ".gen.go") || path == "gen/openapi.rest.json"
}

func isWritten(path string) bool { return !isGenerated(path) }

// find lists the files in the folders of generated code below dir.
func find(t *testing.T, dir string, include func(path string) bool) []string {
	t.Helper()
	var found []string
	for _, folder := range []string{"gen", "internal/server", "internal/control/api"} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if path := filepath.Join(folder, entry.Name()); include(path) {
				found = append(found, path)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no such file in %s", dir)
	}
	return found
}

func names(texts map[string]string) []string { return slices.Sorted(maps.Keys(texts)) }
