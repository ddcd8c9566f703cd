package architecture_test

import (
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

// guides returns the paths of README.md and of the pages in docs.
func guides(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("found %d pages in docs (error %v), want at least one", len(pages), err)
	}
	return append([]string{filepath.Join(root, "README.md")}, pages...)
}

// Every Go snippet of the README and of the guides is part of an Example with an
// output, so it compiles and runs; a snippet of declarations is part of a file that has
// such Examples. The whitespace may differ, the comments may not.
func TestDocs_Snippets(t *testing.T) {
	t.Parallel()
	runnable := examples(t)
	found := 0
	for _, path := range guides(t) {
		t.Run(strings.TrimPrefix(filepath.ToSlash(path), root+"/"), func(t *testing.T) {
			for _, snippet := range snippets(t, path) {
				found++
				if formatted, err := format.Source([]byte(snippet)); err != nil || string(formatted) != snippet {
					t.Errorf("not formatted by gofmt (error %v):\n%s", err, snippet)
				}
				if !isProgram(snippet) { // programs are run by TestDocs_Programs
					checkSnippet(t, snippet, runnable)
				}
			}
		})
	}
	if found == 0 {
		t.Error("found no Go snippet in README.md and docs")
	}
}

func checkSnippet(t *testing.T, snippet string, runnable []example) {
	t.Helper()
	found, declares := false, isDeclaration(snippet)
	for _, example := range runnable {
		text := example.tokens
		if declares && example.runs {
			text = example.file
		}
		if !strings.Contains(text, tokens(snippet)) {
			continue
		}
		found = true
		if !example.runs {
			t.Errorf("%s contains this snippet but has no // Output: comment, so it does not run:\n%s", example.name, snippet)
		}
	}
	if !found {
		t.Errorf("no Example function contains this snippet:\n%s", snippet)
	}
}

// A program of the README works when it is pasted into a new module.
func TestDocs_Programs(t *testing.T) {
	t.Parallel()
	programs := 0
	for _, snippet := range snippets(t, filepath.Join(root, "README.md")) {
		if !isProgram(snippet) {
			continue
		}
		programs++
		server := pushertest.NewServer()
		defer server.Close()
		dir := consumer(t)
		write(t, filepath.Join(dir, "main.go"), snippet)
		runGo(t, dir, "mod", "tidy")
		runGo(t, dir, "build", ".")

		program := exec.CommandContext(t.Context(), filepath.Join(dir, "consumer"))
		program.Env = append(os.Environ(), "PUSHER_URL="+server.PusherURL())
		if out, err := program.CombinedOutput(); err != nil || len(server.Events()) == 0 {
			t.Errorf("error %v, %d events reached the server, output\n%s\nwant at least one event from\n%s", err, len(server.Events()), out, snippet)
		}
	}
	if programs == 0 {
		t.Error("README.md has no complete program")
	}
}

// The index and llms.txt list every page, and every link leads somewhere.
func TestDocs_Links(t *testing.T) {
	t.Parallel()
	index := read(t, filepath.Join(root, "docs", "README.md"))
	llms := read(t, filepath.Join(root, "llms.txt"))
	for _, path := range guides(t)[1:] {
		page := filepath.Base(path)
		if page != "README.md" && !strings.Contains(index, "("+page+")") {
			t.Errorf("docs/README.md does not link to %s", page)
		}
		if !strings.Contains(llms, "(docs/"+page+")") {
			t.Errorf("llms.txt does not link to docs/%s", page)
		}
	}

	texts := guides(t)
	for _, name := range []string{"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "llms.txt"} {
		texts = append(texts, filepath.Join(root, name))
	}
	for _, path := range texts {
		text := code.ReplaceAllString(read(t, path), "")
		for _, link := range linkTarget.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, ":") {
				continue // another site
			}
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), filepath.FromSlash(target))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, link[1])
			} else if anchor != "" && !hasHeading(read(t, file), anchor) {
				t.Errorf("%s links to %s, which has no such heading", path, link[1])
			}
		}
	}
}

var (
	code        = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	linkTarget  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// hasHeading reports whether a heading of the text has the anchor that GitHub
// derives from it.
func hasHeading(text, anchor string) bool {
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := notInAnchor.ReplaceAllString(strings.ToLower(match[1]), "")
		if strings.ReplaceAll(name, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// example is an Example function of the module.
type example struct {
	name   string
	tokens string // of the body
	file   string // tokens of the whole file
	runs   bool   // go test runs an Example only if it has an // Output: comment
}

func isProgram(snippet string) bool { return strings.HasPrefix(snippet, "package main\n") }

// isDeclaration reports whether the snippet consists of declarations, which cannot be
// part of an Example if other functions use them.
func isDeclaration(snippet string) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+snippet, parser.SkipObjectResolution)
	return err == nil
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func snippets(t *testing.T, path string) []string {
	t.Helper()
	text := read(t, path)
	var found []string
	for _, block := range goBlock.FindAllStringSubmatch(text, -1) {
		found = append(found, block[1])
	}
	if opened := strings.Count(text, "```go"); len(found) != opened {
		t.Fatalf("%s: found %d complete blocks of Go, want all %d that are opened", path, len(found), opened)
	}
	return found
}

// examples returns the Example functions of all test files, including those of
// nested modules.
func examples(t *testing.T) []example {
	t.Helper()
	var found []example
	for _, path := range goFiles(t) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		source := read(t, path)
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("parse %s: %v", path, err)
		}
		outputs := map[string]bool{}
		for _, documented := range doc.Examples(file) {
			outputs[documented.Name] = documented.Output != "" || documented.EmptyOutput
		}
		for _, decl := range file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name, isExample := strings.CutPrefix(function.Name.Name, "Example")
			if _, documented := outputs[name]; !isExample || !documented {
				continue
			}
			body := source[files.Position(function.Body.Lbrace).Offset+1 : files.Position(function.Body.Rbrace).Offset]
			found = append(found, example{path + " " + function.Name.Name, tokens(body), tokens(source), outputs[name]})
		}
	}
	return found
}

// tokens returns the tokens of source, separated in a way that makes texts with
// different whitespace equal. It also folds whitespace within comments.
func tokens(source string) string {
	const separator = "\x00"
	folded := []string{""}
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(source)), []byte(source), nil, scanner.ScanComments)
	for {
		_, kind, text := s.Scan()
		switch {
		case kind == token.EOF:
			return strings.Join(append(folded, ""), separator)
		case kind == token.SEMICOLON && text == "\n": // the end of a line
		case kind == token.COMMENT:
			folded = append(folded, strings.Join(strings.Fields(text), " "))
		case text == "":
			folded = append(folded, kind.String())
		default:
			folded = append(folded, text)
		}
	}
}
