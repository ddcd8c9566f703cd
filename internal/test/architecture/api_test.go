package architecture_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the exported names to testdata/api instead of comparing them")

// public lists the packages whose exported names are recorded.
var public = []string{"auth", "gen", "pusher", "pushertest", "signing", "webhook"}

// The exported names are recorded in the repository, so that a review shows every
// change of the API.
func TestExportedNames(t *testing.T) {
	t.Parallel()
	for _, path := range public {
		t.Run(path, func(t *testing.T) {
			recorded := filepath.Join("testdata", "api", strings.ReplaceAll(path, "/", "_")+".txt")
			got := exported(t, path)
			if *update {
				write(t, recorded, got)
				return
			}
			if want := read(t, recorded); got != want {
				t.Errorf("the exported names of %s differ from %s: if that is intended, run make api and describe the change in CHANGELOG.md\n%s", path, recorded, difference(want, got))
			}
		})
	}
}

// exported returns the declarations of all exported names, without comments and bodies.
func exported(t *testing.T, path string) string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	sources, err := filepath.Glob(filepath.Join(root, path, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, source, read(t, source), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	documented, err := doc.NewFromFiles(fset, files, modulePath+"/"+path)
	if err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	declare := func(node ast.Node) {
		if err := (&printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}).Fprint(&out, fset, node); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n\n")
	}
	values := func(list []*doc.Value) {
		for _, value := range list {
			declare(value.Decl)
		}
	}
	functions := func(list []*doc.Func) {
		for _, function := range list {
			function.Decl.Body = nil
			declare(function.Decl)
		}
	}
	values(documented.Consts)
	values(documented.Vars)
	functions(documented.Funcs)
	for _, named := range documented.Types {
		declare(named.Decl)
		values(named.Consts)
		values(named.Vars)
		functions(named.Funcs)
		functions(named.Methods)
	}
	if out.Len() == 0 {
		t.Fatalf("%s exports nothing", path)
	}
	return out.String()
}

// difference returns the lines that only one of the texts has, those of before with a
// minus sign and those of after with a plus sign.
func difference(before, after string) string {
	count := map[string]int{}
	for line := range strings.Lines(before) {
		count[line]--
	}
	for line := range strings.Lines(after) {
		count[line]++
	}
	var lines []string
	take := func(text, sign string, direction int) {
		for line := range strings.Lines(text) {
			if count[line]*direction > 0 {
				count[line] -= direction
				lines = append(lines, sign+strings.TrimSuffix(line, "\n"))
			}
		}
	}
	take(before, "-", -1)
	take(after, "+", 1)
	if lines == nil {
		return "the order of the lines differs"
	}
	return strings.Join(lines, "\n")
}
