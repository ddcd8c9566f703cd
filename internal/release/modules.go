package release

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// A Module is one of the repository's Go modules.
type Module struct {
	Path string // such as "github.com/openchannels/pusher-go/otelpusher"
	Dir  string // below the root of the repository, with slashes; "." for the root

	file  *modfile.File
	files []string
}

// Public reports whether users can require the module. Modules below examples and
// internal are not released.
func (m Module) Public() bool {
	return !slices.ContainsFunc(strings.Split(m.Dir, "/"), func(name string) bool {
		return name == "examples" || name == "internal"
	})
}

// Files returns the paths of the module's files below Dir, with slashes. The files of
// nested modules are not among them.
func (m Module) Files() []string { return slices.Clone(m.files) }

// GoVersion returns the version of Go that go.mod names, such as "1.26.0".
func (m Module) GoVersion() string { return m.file.Go.Version }

// Tag returns the tag of a version, such as "otelpusher/v0.1.0".
func (m Module) Tag(version string) string { return path.Join(m.Dir, "v"+version) }

// Modules returns the modules of the repository at root. A module comes after the
// modules that it requires, which is the order in which they are released. Files that git
// ignores are not part of a module.
func Modules(root string) ([]Module, error) {
	files, err := sourceFiles(root)
	if err != nil {
		return nil, err
	}
	var modules []Module
	for _, name := range files {
		if path.Base(name) != "go.mod" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		file, err := modfile.Parse(name, text, nil)
		if err != nil {
			return nil, err
		}
		if file.Module == nil || file.Go == nil {
			return nil, fmt.Errorf("%s has no module line or no go line", name)
		}
		modules = append(modules, Module{Path: file.Module.Mod.Path, Dir: path.Dir(name), file: file})
	}
	for _, name := range files {
		if m := owner(modules, name); m != nil {
			m.files = append(m.files, strings.TrimPrefix(name, m.Dir+"/"))
		}
	}
	return inOrder(modules)
}

// sourceFiles lists the files that git tracks, and those that it would add.
func sourceFiles(root string) ([]string, error) {
	command := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = root
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w: %s", err, stderr.String())
	}
	names := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	// A deleted file is listed until the deletion is staged.
	names = slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Lstat(filepath.Join(root, name))
		return errors.Is(err, os.ErrNotExist)
	})
	slices.Sort(names)
	return slices.Compact(names), nil
}

// owner returns the innermost module that contains the file.
func owner(modules []Module, name string) *Module {
	var inner *Module
	for i, m := range modules {
		if (m.Dir == "." || strings.HasPrefix(name, m.Dir+"/")) && (inner == nil || len(m.Path) > len(inner.Path)) {
			inner = &modules[i]
		}
	}
	return inner
}

// inOrder sorts the modules so that each comes after those that it requires.
func inOrder(modules []Module) ([]Module, error) {
	var sorted []Module
	done := map[string]bool{}
	for len(sorted) < len(modules) {
		before := len(sorted)
		for _, m := range modules {
			ready := !slices.ContainsFunc(requiredOf(m, modules), func(r *modfile.Require) bool { return !done[r.Mod.Path] })
			if ready && !done[m.Path] {
				sorted, done[m.Path] = append(sorted, m), true
			}
		}
		if len(sorted) == before {
			return nil, errors.New("the modules require each other in a circle")
		}
	}
	return sorted, nil
}

// requiredOf returns the requirements of m that are modules of the repository.
func requiredOf(m Module, modules []Module) []*modfile.Require {
	return slices.DeleteFunc(slices.Clone(m.file.Require), func(r *modfile.Require) bool {
		return !slices.ContainsFunc(modules, func(other Module) bool { return other.Path == r.Mod.Path })
	})
}

// A Package is a package of a public module that other modules can import, or a command
// that they can install.
type Package struct {
	Path    string // import path
	Dir     string // below the root of the repository, with slashes
	Command bool
}

// Packages returns the packages of the public modules, without internal packages and
// without those that export nothing.
func Packages(root string, modules []Module) ([]Package, error) {
	var packages []Package
	for _, m := range modules {
		if !m.Public() {
			continue
		}
		exports := map[string]bool{} // by the folder in m
		commands := map[string]bool{}
		for _, name := range m.files {
			dir := path.Dir(name)
			if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || !importable(dir) {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, m.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			commands[dir] = file.Name.Name == "main"
			exports[dir] = exports[dir] || ast.FileExports(file)
		}
		for _, dir := range slices.Sorted(maps.Keys(exports)) {
			if commands[dir] || exports[dir] {
				packages = append(packages, Package{path.Join(m.Path, dir), path.Join(m.Dir, dir), commands[dir]})
			}
		}
	}
	return packages, nil
}

// importable reports whether other modules can import a package in the folder.
func importable(dir string) bool {
	return !slices.ContainsFunc(strings.Split(dir, "/"), func(name string) bool {
		return name == "internal" || name == "testdata" || strings.HasPrefix(name, "_") || name != "." && strings.HasPrefix(name, ".")
	})
}
