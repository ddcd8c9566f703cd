package architecture_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
)

const (
	modulePath = "github.com/openchannels/pusher-go"
	root       = "../../.." // of the module; tests run in the folder of their package
)

// runGo runs the go command in dir and returns its output. It needs no network once the
// modules of go.mod are in the module cache.
func runGo(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// goFiles lists the Go files of the module. It opens each, because go test caches a
// result until a file changes that the test itself has opened; it does not see the files
// that a go command reads.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && isOutside(entry.Name()) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		files = append(files, path)
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		return file.Close()
	})
	if err != nil {
		t.Fatalf("list the Go files: %v", err)
	}
	if len(files) == 0 {
		t.Fatalf("no Go file below %s", root)
	}
	return files
}

// modules returns the modules of the repository.
func modules(t *testing.T) []release.Module {
	t.Helper()
	goFiles(t)
	found, err := release.Modules(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 2 {
		t.Fatalf("found %d modules, want the root module and nested ones", len(found))
	}
	return found
}

// isOutside reports whether the go command ignores folders of this name.
func isOutside(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules"
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
