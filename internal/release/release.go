// Package release knows the modules of this repository, which are released together
// with one version, stages a release in a folder that the go command can use as a module
// proxy, and collects the licences of what a binary contains.
//
// It is used by the command in internal/cmd/release and by tests; the library does not
// import it.
package release

import (
	"errors"
	"fmt"
)

// Check reports what prevents a release of the modules as the version, which is written
// without "v": a requirement of another version, or a go.mod file that the go command
// would reject in go install.
func Check(modules []Module, version string) error {
	var errs []error
	for _, m := range modules {
		for _, required := range requiredOf(m, modules) {
			if required.Mod.Version != "v"+version {
				errs = append(errs, fmt.Errorf("%s requires %s, want v%s: run go -C %s mod edit -require=%s@v%s",
					m.Path, required.Mod, version, m.Dir, required.Mod.Path, version))
			}
		}
		if m.Dir == "." && len(m.file.Replace) > 0 {
			errs = append(errs, fmt.Errorf("%s has a replace line: go install would reject the commands of the module", m.Path))
		}
	}
	return errors.Join(errs...)
}
