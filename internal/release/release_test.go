package release_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
)

func TestModules(t *testing.T) {
	t.Parallel()
	modules, err := release.Modules(newRepository(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range modules {
		if m.Public() {
			got = append(got, m.Path+" "+m.Tag("1.2.3"))
		}
	}
	want := []string{"example.com/lib v1.2.3", "example.com/lib/nested nested/v1.2.3"}
	if !slices.Equal(got, want) {
		t.Errorf("public modules %q, want %q", got, want)
	}
	if first, last := modules[0].Path, modules[len(modules)-1].Path; first != "example.com/lib" || last != "example.com/lib/examples/a" {
		t.Errorf("the first module is %s and the last %s, want lib first and examples/a, which requires all others, last", first, last)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, text, want string }{
		{name: "consistent"},
		{
			"another version", "nested/go.mod", "module example.com/lib/nested\n\ngo 1.26.0\n\nrequire example.com/lib v1.2.2\n",
			"example.com/lib/nested requires example.com/lib@v1.2.2, want v1.2.3: run go -C nested mod edit -require=example.com/lib@v1.2.3",
		},
		{
			"replace in the root module", "go.mod", "module example.com/lib\n\ngo 1.26.0\n\nreplace example.com/other => ../other\n",
			"example.com/lib has a replace line: go install would reject the commands of the module",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := newRepository(t)
			if test.file != "" {
				write(t, filepath.Join(root, test.file), test.text)
			}
			modules, err := release.Modules(root)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := release.Check(modules, "1.2.3"); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("Check = %q, want %q", got, test.want)
			}
		})
	}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	root := newRepository(t)
	write(t, filepath.Join(root, "cmd", "tool", "main.go"), "package main\n\nfunc main() {}\n")
	write(t, filepath.Join(root, "empty", "empty.go"), "package empty\n")
	write(t, filepath.Join(root, "internal", "hidden", "hidden.go"), "package hidden\n\nconst C = 1\n")
	modules, err := release.Modules(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := release.Packages(root, modules)
	if err != nil {
		t.Fatal(err)
	}
	want := []release.Package{
		{"example.com/lib", ".", false},
		{"example.com/lib/cmd/tool", "cmd/tool", true},
		{"example.com/lib/nested", "nested", false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("packages %v, want %v", got, want)
	}
}

// newRepository returns the folder of a repository with four modules in version 1.2.3.
func newRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		".gitignore":         "/bin/\n",
		"LICENSE":            "A licence.\n",
		"go.mod":             "module example.com/lib\n\ngo 1.26.0\n",
		"lib.go":             "package lib\n\nconst C = 1\n",
		"bin/ignored.go":     "package ignored\n",
		"nested/go.mod":      "module example.com/lib/nested\n\ngo 1.26.0\n\nreplace example.com/lib => ..\n\nrequire example.com/lib v1.2.3\n",
		"nested/nested.go":   "package nested\n\nconst C = 1\n",
		"examples/a/go.mod":  "module example.com/lib/examples/a\n\ngo 1.26.0\n\nrequire (\n\texample.com/lib v1.2.3\n\texample.com/lib/nested v1.2.3\n)\n",
		"internal/it/go.mod": "module example.com/lib/internal/it\n\ngo 1.26.0\n\nrequire example.com/lib v1.2.3\n",
	} {
		write(t, filepath.Join(root, filepath.FromSlash(name)), text)
	}
	if out, err := exec.CommandContext(t.Context(), "git", "-C", root, "init", "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	return root
}

// zipped lists the files in the staged zip file of the module, sorted.
func zipped(t *testing.T, proxy, module string) string {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(proxy, filepath.FromSlash(module), "@v", "v1.2.3.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, file := range archive.File {
		names = append(names, strings.TrimPrefix(file.Name, module+"@v1.2.3/"))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
