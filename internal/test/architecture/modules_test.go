package architecture_test

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/release"
	"github.com/openchannels/pusher-go/pusher"
)

// The modules of the repository require each other in the version that is released next.
func TestModules_Versions(t *testing.T) {
	t.Parallel()
	if err := release.Check(modules(t), pusher.Version); err != nil {
		t.Error(err)
	}
}

// All modules that users require name the same release of Go, and the documentation
// names it too.
func TestModules_GoVersion(t *testing.T) {
	t.Parallel()
	found := modules(t)
	want := found[slices.IndexFunc(found, func(m release.Module) bool { return m.Path == modulePath })].GoVersion()
	for _, m := range found {
		if m.Public() && m.GoVersion() != want {
			t.Errorf("%s names Go %s, want %s as in the root module", m.Path, m.GoVersion(), want)
		}
	}
	documented := fmt.Sprintf("Go %s or later", strings.TrimSuffix(want, ".0"))
	for _, name := range []string{"README.md", "llms.txt"} {
		if !strings.Contains(read(t, filepath.Join(root, name)), documented) {
			t.Errorf("%s does not contain %q", name, documented)
		}
	}
}

// Dependabot watches every go.mod and every package.json.
func TestDependabot(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	for _, m := range modules(t) {
		for _, name := range m.Files() {
			dir := path.Join("/", m.Dir, path.Dir(name))
			switch path.Base(name) {
			case "go.mod":
				want["gomod"] = append(want["gomod"], dir)
			case "package.json":
				want["npm"] = append(want["npm"], dir)
			}
		}
	}
	for ecosystem, folders := range want {
		slices.Sort(folders)
		if got := watched(t, ecosystem); !slices.Equal(got, folders) {
			t.Errorf(".github/dependabot.yml watches %q for %s, want %q", got, ecosystem, folders)
		}
	}
}

// watched returns the sorted folders that .github/dependabot.yml lists for an ecosystem.
func watched(t *testing.T, ecosystem string) []string {
	t.Helper()
	_, section, found := strings.Cut(read(t, filepath.Join(root, ".github", "dependabot.yml")), "- package-ecosystem: "+ecosystem+"\n")
	if !found {
		t.Fatalf(".github/dependabot.yml has no section for %s", ecosystem)
	}
	section, _, _ = strings.Cut(section, "- package-ecosystem:")
	var folders []string
	for line := range strings.Lines(section) {
		if folder, isFolder := strings.CutPrefix(strings.TrimSpace(line), "- /"); isFolder {
			folders = append(folders, "/"+folder)
		}
	}
	slices.Sort(folders)
	return folders
}
