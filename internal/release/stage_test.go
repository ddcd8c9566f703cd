package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
	"github.com/openchannels/pusher-go/pusher"
)

const repository = "../.." // tests run in the folder of their package

// The modules are staged as a release would publish them. Outside of the repository,
// without replace lines, programs use them and their commands are installed.
//
// Modules of others come from the module cache, so that the test needs no network once
// `go mod download` has filled the cache.
func TestStage(t *testing.T) {
	t.Parallel()
	modules, err := release.Modules(repository)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := release.Packages(repository, modules)
	if err != nil {
		t.Fatal(err)
	}
	proxy := t.TempDir()
	if err := release.Stage(repository, proxy, pusher.Version); err != nil {
		t.Fatal(err)
	}
	cache := strings.TrimSpace(runGo(t, repository, nil, "env", "GOMODCACHE"))
	for _, m := range modules {
		if m.Public() {
			runGo(t, filepath.Join(repository, m.Dir), nil, "mod", "download")
		}
	}
	bin := t.TempDir()
	env := []string{
		"GOPROXY=" + release.ProxyURL(proxy) + "," + release.ProxyURL(filepath.Join(cache, "cache", "download")),
		"GOMODCACHE=" + t.TempDir(), // the version may be in the cache of the machine already
		"GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GOSUMDB=off", "GOPRIVATE=", "GONOPROXY=", "GOWORK=off", "GOTOOLCHAIN=local", "GOBIN=" + bin,
	}

	t.Run("programs", func(t *testing.T) {
		programs, err := filepath.Glob("testdata/strangers/*/main.go")
		if err != nil || len(programs) == 0 {
			t.Fatalf("found %d programs, error %v, want some", len(programs), err)
		}
		var sources []string
		for _, program := range programs {
			source := read(t, program)
			sources = append(sources, source)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "main.go"), source)
			runGo(t, dir, env, "mod", "init", "example.com/stranger")
			for _, m := range modules {
				if m.Public() {
					runGo(t, dir, env, "mod", "edit", "-require="+m.Path+"@v"+pusher.Version)
				}
			}
			runGo(t, dir, env, "mod", "tidy")
			got, want := runGo(t, dir, env, "run", "."), read(t, filepath.Join(filepath.Dir(program), "output.txt"))
			if got != want {
				t.Errorf("%s prints\n%swant\n%s", program, got, want)
			}
		}
		used := strings.Join(sources, "")
		for _, p := range packages {
			if !p.Command && !strings.Contains(used, `"`+p.Path+`"`) {
				t.Errorf("no program in testdata/strangers imports %s", p.Path)
			}
		}
	})

	t.Run("commands", func(t *testing.T) {
		args := []string{"install"}
		for _, p := range packages {
			if p.Command {
				args = append(args, p.Path+"@v"+pusher.Version)
			}
		}
		runGo(t, t.TempDir(), env, args...)
		installed, err := os.ReadDir(bin)
		if err != nil || len(installed) != len(args)-1 || len(installed) == 0 {
			t.Fatalf("go %s: %d programs, error %v", strings.Join(args, " "), len(installed), err)
		}
		demo := exec.CommandContext(t.Context(), filepath.Join(bin, "demo"))
		demo.Env = append(os.Environ(), "PUSHER_URL=")
		if out, err := demo.CombinedOutput(); err != nil {
			t.Errorf("the installed demo: %v\n%s", err, out)
		}
	})
}

// A module that is staged contains the licence, but no file of another module.
func TestStage_Files(t *testing.T) {
	t.Parallel()
	root, proxy := newRepository(t), t.TempDir()
	if err := release.Stage(root, proxy, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ module, want string }{
		{"example.com/lib", ".gitignore LICENSE go.mod lib.go"},
		{"example.com/lib/nested", "LICENSE go.mod nested.go"},
	}
	for _, test := range tests {
		if got := zipped(t, proxy, test.module); got != test.want {
			t.Errorf("%s: the zip file contains %s, want %s", test.module, got, test.want)
		}
	}
	if staged, _ := filepath.Glob(filepath.Join(proxy, "example.com", "lib", "*")); len(staged) != 2 {
		t.Errorf("staged %q, want only @v and nested: modules below examples and internal are not released", staged)
	}
}

func runGo(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), env)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
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
