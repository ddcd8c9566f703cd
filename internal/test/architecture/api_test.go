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

// public are the packages whose exported names are a promise.
var public = []string{"auth", "gen", "pusher", "pushertest", "signing", "webhook"}

// What a package exports is committed text, so that a change of it is seen in
// review and not by those who upgrade.
func TestExportedNamesAreTheRecordedOnes(t *testing.T) {
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
				t.Errorf("%s exports what %s does not record: look at the difference, run make api, and note it in CHANGELOG.md\n%s", path, recorded, firstDifference(got, want))
			}
		})
	}
}

// exported declares all that the package exports, without comments and bodies.
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
