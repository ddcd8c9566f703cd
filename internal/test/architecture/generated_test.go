package architecture_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGeneratedCode(t *testing.T) {
	t.Parallel()
	committed := generated(t, root)
	first, second := generate(t, beforeGeneration(t)), generate(t, beforeGeneration(t))
	if got, want := names(committed), names(first); !slices.Equal(got, want) {
		t.Fatalf("gen/ holds %q, but openapi.yaml generates %q: run make generate and commit the result", got, want)
	}
	for path := range committed {
		if first[path] != second[path] {
			t.Errorf("%s differs when it is generated twice:\n%s", path, difference(first[path], second[path]))
		}
		if committed[path] != first[path] {
			t.Errorf("gen/ differs from what openapi.yaml generates: run make generate and commit the result\n%s:\n%s",
				path, difference(committed[path], first[path]))
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

// beforeGeneration copies the input of the generator into a new folder.
func beforeGeneration(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range append(find(t, root, isWritten), "go.mod", "go.sum", "generate.go", "tools.go", "openapi.yaml", "internal/cmd/restdocument/main.go") {
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
	for _, folder := range []string{"gen", "internal/server"} {
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
