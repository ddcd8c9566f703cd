package release

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Licenses returns the licence of Go, and those of the modules of others that the program
// pkg links on one of the systems, which are values of GOOS. A release in binary form has
// to contain them.
func Licenses(root, pkg string, systems []string) (string, error) {
	goroot, err := goCommand(root, "", "env", "GOROOT")
	if err != nil {
		return "", err
	}
	folders := map[string]string{"Go": strings.TrimSpace(goroot)}
	for _, system := range systems {
		linked, err := goCommand(root, system, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", pkg)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(linked) {
			if module, dir, found := strings.Cut(strings.TrimSpace(line), "\t"); found {
				folders[module] = dir
			}
		}
	}

	var b strings.Builder
	for _, module := range slices.Sorted(maps.Keys(folders)) {
		files, err := filepath.Glob(filepath.Join(folders[module], "LICEN[CS]E*"))
		if err != nil {
			return "", err
		}
		if len(files) == 0 {
			return "", fmt.Errorf("%s has no file LICENSE or LICENCE", module)
		}
		notices, err := filepath.Glob(filepath.Join(folders[module], "NOTICE*"))
		if err != nil {
			return "", err
		}
		for _, file := range slices.Concat(files, notices) {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "---- %s, %s\n\n%s\n\n", module, filepath.Base(file), strings.TrimSpace(string(text)))
		}
	}
	return b.String(), nil
}

func goCommand(dir, system string, args ...string) (string, error) {
	command := exec.Command("go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS="+system)
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], err)
	}
	return string(out), nil
}
