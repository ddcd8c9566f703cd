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

// example is an Example function of the module.
type example struct {
	name   string
	tokens string
	runs   bool // go test runs an example only if it says what it prints
}

// A snippet is code that runs when it is part of an Example with an output. The
// two need not be spaced alike, but a comment in one is a comment in the other.
func TestEveryGoSnippetOfTheREADMERunsAsAnExample(t *testing.T) {
	t.Parallel()
	runnable := examples(t)
	for _, snippet := range snippets(t, read(t, filepath.Join(root, "README.md"))) {
		if formatted, err := format.Source([]byte(snippet)); err != nil || string(formatted) != snippet {
			t.Errorf("not as gofmt would have it (error %v):\n%s", err, snippet)
		}
		if isProgram(snippet) {
			continue // TestTheREADMEsProgramsRun
		}
		found := false
		for _, example := range runnable {
			if strings.Contains(example.tokens, tokens(snippet)) {
				found = true
				if !example.runs {
					t.Errorf("%s holds this snippet, but has no // Output: and so does not run:\n%s", example.name, snippet)
				}
			}
		}
		if !found {
			t.Errorf("in the body of no Example function:\n%s", snippet)
		}
	}
}

// A stranger pastes a program of the README into a module of their own.
func TestTheREADMEsProgramsRun(t *testing.T) {
	t.Parallel()
	programs := 0
	for _, snippet := range snippets(t, read(t, filepath.Join(root, "README.md"))) {
		if !isProgram(snippet) {
			continue
		}
		programs++
		server := pushertest.NewServer()
		defer server.Close()
		dir := consumer(t)
		write(t, filepath.Join(dir, "main.go"), snippet)
		runGo(t, dir, "mod", "tidy")
		runGo(t, dir, "build", "-o", "program", ".")

		program := exec.CommandContext(t.Context(), filepath.Join(dir, "program"))
		program.Env = append(os.Environ(), "PUSHER_URL="+server.PusherURL())
		if out, err := program.CombinedOutput(); err != nil || len(server.Events()) == 0 {
			t.Errorf("the program ended with %v, %d events reached the server, and it printed\n%s\nwant at least one event from\n%s", err, len(server.Events()), out, snippet)
		}
	}
	if programs == 0 {
		t.Error("README.md has no program to paste")
	}
}

func isProgram(snippet string) bool { return strings.HasPrefix(snippet, "package main\n") }

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func snippets(t *testing.T, text string) []string {
	t.Helper()
	var found []string
	for _, block := range goBlock.FindAllStringSubmatch(text, -1) {
		found = append(found, block[1])
	}
	if opened := strings.Count(text, "```go"); len(found) == 0 || len(found) != opened {
		t.Fatalf("README.md: read %d blocks of Go, want all %d that are opened, and some", len(found), opened)
	}
	return found
}

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
			found = append(found, example{path + " " + function.Name.Name, tokens(body), outputs[name]})
		}
	}
	return found
}

// tokens folds the space between the tokens of a text, and within its comments.
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
