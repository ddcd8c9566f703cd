package architecture_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
)

var update = flag.Bool("update", false, "write the exported names to testdata/api instead of comparing them")

const recordedNames = "testdata/api"

// The exported names of all public modules are recorded in the repository, so that a
// review shows every change of the API.
func TestExportedNames(t *testing.T) {
	t.Parallel()
	packages, err := release.Packages(root, modules(t))
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]bool{}
	for _, pkg := range packages {
		if pkg.Command {
			continue
		}
		path := pkg.Dir
		name := strings.ReplaceAll(path, "/", "_") + ".txt"
		records[name] = true
		t.Run(path, func(t *testing.T) {
			recorded := filepath.Join(recordedNames, name)
			got := exported(t, pkg)
			if *update {
				write(t, recorded, got)
				return
			}
			if want := read(t, recorded); got != want {
				t.Errorf("the exported names of %s differ from %s: if that is intended, run make api and describe the change in CHANGELOG.md\n%s", path, recorded, difference(want, got))
			}
		})
	}
	checkRecords(t, records)
}

// checkRecords checks that each file with recorded names is that of a package.
func checkRecords(t *testing.T, records map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir(recordedNames)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if records[entry.Name()] {
			continue
		}
		if !*update {
			t.Errorf("%s/%s: there is no such package: run make api", recordedNames, entry.Name())
		} else if err := os.Remove(filepath.Join(recordedNames, entry.Name())); err != nil {
			t.Error(err)
		}
	}
}

// exported returns the declarations of all exported names, without comments and bodies.
func exported(t *testing.T, pkg release.Package) string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	sources, err := filepath.Glob(filepath.Join(root, pkg.Dir, "*.go"))
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
	documented, err := doc.NewFromFiles(fset, files, pkg.Path)
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
		t.Fatalf("%s exports nothing", pkg.Path)
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
