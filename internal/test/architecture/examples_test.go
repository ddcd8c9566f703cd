package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
)

// notCalled has the methods that other packages call through an interface.
var notCalled = map[string]bool{
	"Error": true, "Unwrap": true, "String": true, "Format": true, "LogValue": true, "MarshalJSON": true, "MarshalText": true,
}

// Every exported function and method occurs in an Example of its package.
func TestExamples(t *testing.T) {
	t.Parallel()
	packages, err := release.Packages(root, modules(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range packages {
		if pkg.Command || pkg.Dir == "gen" { // gen is generated, and used through pusher
			continue
		}
		t.Run(pkg.Dir, func(t *testing.T) {
			used := map[string]bool{}
			for _, file := range parse(t, pkg, true) {
				ast.Inspect(file, func(node ast.Node) bool {
					if selector, ok := node.(*ast.SelectorExpr); ok {
						used[selector.Sel.Name] = true
					}
					return true
				})
			}
			for _, file := range parse(t, pkg, false) {
				for _, decl := range file.Decls {
					if function, ok := decl.(*ast.FuncDecl); ok && exportedFunc(function) && !used[function.Name.Name] && !notCalled[function.Name.Name] {
						t.Errorf("%s occurs in no Example", function.Name.Name)
					}
				}
			}
		})
	}
}

// exportedFunc reports whether the function, and the type of its receiver, are exported.
func exportedFunc(function *ast.FuncDecl) bool {
	if function.Recv != nil {
		receiver := function.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		if generic, ok := receiver.(*ast.IndexExpr); ok {
			receiver = generic.X
		}
		if name, ok := receiver.(*ast.Ident); !ok || !name.IsExported() {
			return false
		}
	}
	return function.Name.IsExported()
}

// parse returns the files of the package, or those with its examples.
func parse(t *testing.T, pkg release.Package, examples bool) (files []*ast.File) {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(root, pkg.Dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		name := filepath.Base(source)
		if isTest := strings.HasSuffix(name, "_test.go"); isTest != examples || isTest && !strings.HasPrefix(name, "example") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, read(t, source), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
