package architecture_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The generator is not among the modules of a consumer as long as no importable package
// lies next to tools.go, which go mod tidy reads whatever its build tag is.
func TestConsumerModules(t *testing.T) {
	t.Parallel()
	const system = "golang.org/x/sys" // of crypto
	tests := []struct {
		imports []string
		want    []string
	}{
		{
			[]string{"auth", "pusher", "webhook"},
			[]string{"github.com/apapsch/go-jsonmerge/v2", "github.com/google/uuid", codegenRuntime, modulePath, crypto, system}, // the first two are of runtime
		},
		{[]string{"realtime"}, []string{"github.com/coder/websocket", modulePath, crypto, system}},
		{[]string{"signing"}, []string{modulePath}},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.imports, " "), func(t *testing.T) {
			dir := consumer(t)
			program := "package consumer\n"
			for _, name := range tt.imports {
				program += "\nimport _ \"" + modulePath + "/" + name + "\"\n"
			}
			write(t, filepath.Join(dir, "consumer.go"), program)
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
			if !slices.Equal(got, tt.want) {
				t.Errorf("a module that imports %s requires %q, want %q", tt.imports, got, tt.want)
			}
		})
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
