package architecture_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
)

// The generator is not among the modules of a consumer as long as no importable package
// lies next to tools.go, which go mod tidy reads whatever its build tag is.
func TestConsumerModules(t *testing.T) {
	t.Parallel()
	dir := consumer(t)
	write(t, filepath.Join(dir, "consumer.go"), "package consumer\n\nimport (\n"+
		"\t_ \""+modulePath+"/auth\"\n\t_ \""+modulePath+"/pusher\"\n\t_ \""+modulePath+"/webhook\"\n)\n")
	runGo(t, dir, "mod", "tidy")

	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal([]byte(runGo(t, dir, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, required := range mod.Require {
		got = append(got, required.Path)
	}
	slices.Sort(got)
	want := []string{
		"github.com/apapsch/go-jsonmerge/v2", // of runtime
		"github.com/google/uuid",             // of runtime
		codegenRuntime,
		modulePath,
		crypto,
		"golang.org/x/sys", // of crypto
	}
	if !slices.Equal(got, want) {
		t.Errorf("a module that imports auth, pusher and webhook requires %q, want %q", got, want)
	}
}

// consumer returns the folder of a new module that requires this one.
func consumer(t *testing.T) (dir string) {
	t.Helper()
	goFiles(t)
	read(t, filepath.Join(root, "go.mod"))
	home, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/consumer\n\ngo 1.26.0\n\n"+
		"require "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+filepath.ToSlash(home)+"\n")
	write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(root, "go.sum")))
	return dir
}
