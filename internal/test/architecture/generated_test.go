package architecture_test

import (
	"io/fs"
	"maps"
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

// beforeGeneration copies the input of the generator into a new folder.
func beforeGeneration(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range append(find(t, root, ".yaml"), "go.mod", "go.sum", "generate.go", "tools.go", "openapi.yaml") {
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
	for _, path := range find(t, dir, ".gen.go") {
		texts[path] = read(t, filepath.Join(dir, path))
	}
	return texts
}

// find lists the files in gen/ below dir whose names have the suffix.
func find(t *testing.T, dir, end string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(dir, "gen"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, end) {
			path, err = filepath.Rel(dir, path)
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d files *%s in %s/gen, error %v, want some", len(found), end, dir, err)
	}
	return found
}

func names(texts map[string]string) []string { return slices.Sorted(maps.Keys(texts)) }
