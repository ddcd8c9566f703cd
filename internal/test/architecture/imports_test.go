package architecture_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	codegenRuntime = "github.com/oapi-codegen/runtime"
	kinOpenAPI     = "github.com/getkin/kin-openapi"
	crypto         = "golang.org/x/crypto"
	websocket      = "github.com/coder/websocket"
)

// mayImport lists what each package may import besides the standard library: packages
// of this module by their path, others by their module. Test files are not restricted.
var mayImport = map[string][]string{
	".":          nil,
	"gen":        {codegenRuntime},
	"signing":    nil,
	"auth":       {"signing", "internal/sentinel", "internal/redact", "internal/protocol", "internal/encryption"},
	"webhook":    {"signing", "internal/sentinel", "internal/redact", "internal/protocol", "internal/encryption"},
	"pusher":     {"gen", "signing", "auth", "webhook", "internal/sentinel", "internal/redact", "internal/protocol", "internal/encryption", "internal/compat", "internal/batcher"},
	"realtime":   {"auth", "internal/sentinel", "internal/redact", "internal/protocol", "internal/encryption", websocket},
	"pushertest": {"gen", "signing", "webhook", "internal/server", "internal/redact", "internal/protocol", "internal/encryption", "internal/tlsdetect", kinOpenAPI, websocket},

	"internal/server":             {"gen", codegenRuntime, kinOpenAPI},
	"internal/console":            nil,
	"internal/control":            {"signing", "pushertest", "internal/control/api", kinOpenAPI},
	"internal/control/api":        {codegenRuntime},
	"internal/sentinel":           {"signing"},
	"internal/redact":             {"signing"},
	"internal/protocol":           nil,
	"internal/tlsdetect":          nil,
	"internal/encryption":         {"internal/protocol", "internal/redact", crypto},
	"internal/compat":             {"gen", "internal/redact"},
	"internal/batcher":            nil,
	"internal/test/contract":      nil,
	"internal/test/architecture":  nil,
	"internal/release":            {"golang.org/x/mod"},
	"internal/cmd/release":        {"internal/release", "pusher"},
	"internal/cmd/benchratio":     nil,
	"internal/cmd/restdocument":   {kinOpenAPI},
	"internal/cmd/publisherbench": {"pusher"},

	"cmd/pusherctl": {"signing", "auth", "webhook", "pusher", "realtime", "pushertest", "internal/control", "internal/console", "internal/tlsdetect", "github.com/spf13/cobra", "github.com/joho/godotenv", "github.com/schollz/progressbar/v3", "golang.org/x/term", "golang.org/x/crypto/x509roots/fallback"},

	"examples/...": {"gen", "signing", "auth", "webhook", "pusher", "pushertest", "realtime"},
}

// mayLinkKinOpenAPI lists the packages that validate requests against openapi.yaml at
// run time, and the command that reads it. Users of all others must not link an OpenAPI
// parser.
var mayLinkKinOpenAPI = []string{"internal/server", "internal/cmd/restdocument", "internal/control", "pushertest", "cmd/pusherctl", "examples/..."}

// Nested modules, including their tests, use what any user can import: a user can upgrade
// the root module alone, and its internal packages may differ then.
func TestImports_NestedModules(t *testing.T) {
	t.Parallel()
	nested := 0
	for _, module := range modules(t) {
		if module.Path == modulePath {
			continue
		}
		for _, name := range module.Files() {
			if path.Ext(name) != ".go" {
				continue
			}
			nested++
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, module.Dir, name), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				ours := strings.HasPrefix(imported, modulePath+"/") && !strings.HasPrefix(imported, module.Path+"/")
				if ours && slices.Contains(strings.Split(imported, "/"), "internal") {
					t.Errorf("%s/%s imports %s, want only packages that any user can import", module.Dir, name, imported)
				}
			}
		}
	}
	if nested == 0 {
		t.Error("found no Go file in a nested module")
	}
}

type listed struct {
	ImportPath string
	Standard   bool
	DepOnly    bool
	Module     *struct{ Path string }
	Imports    []string
	Deps       []string
}

func TestImports(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for path, pkg := range packages {
		if pkg.DepOnly {
			continue
		}
		name := local(path)
		allowed, known := mayImport[row(name)]
		if !known {
			t.Errorf("package %s has no row in mayImport: add what it may import", name)
			continue
		}
		for _, imported := range pkg.Imports {
			if target := packages[imported]; !target.Standard && !slices.Contains(allowed, importName(target)) {
				t.Errorf("%s imports %s, want only the standard library and %q", name, imported, allowed)
			}
		}
	}
}

func TestImports_KinOpenAPI(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for path, pkg := range packages {
		if pkg.DepOnly || slices.Contains(mayLinkKinOpenAPI, row(local(path))) {
			continue
		}
		for _, dep := range pkg.Deps {
			if module := packages[dep].Module; module != nil && module.Path == kinOpenAPI {
				t.Errorf("%s links %s, want that only of %q", local(path), dep, mayLinkKinOpenAPI)
			}
		}
	}
}

// list returns the packages of the module and all their dependencies, without tests.
func list(t *testing.T) map[string]listed {
	t.Helper()
	goFiles(t)
	packages := map[string]listed{}
	ours := 0
	decoder := json.NewDecoder(strings.NewReader(runGo(t, root, "list", "-deps", "-json=ImportPath,Standard,DepOnly,Module,Imports,Deps", "./...")))
	for {
		var pkg listed
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("decode go list: %v", err)
		}
		packages[pkg.ImportPath] = pkg
		if !pkg.DepOnly {
			ours++
		}
	}
	if ours < 5 {
		t.Fatalf("go list names %d packages of the module, want at least 5", ours)
	}
	return packages
}

func local(path string) string {
	if path == modulePath {
		return "."
	}
	return strings.TrimPrefix(path, modulePath+"/")
}

// row returns the name of the package's row in the tables. Examples share one.
func row(name string) string {
	if strings.HasPrefix(name, "examples/") {
		return "examples/..."
	}
	return name
}

func importName(target listed) string {
	if target.Module == nil || target.Module.Path == modulePath {
		return local(target.ImportPath)
	}
	return target.Module.Path
}
