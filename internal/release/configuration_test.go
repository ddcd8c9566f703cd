package release_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// `make binaries` in CI builds what GoReleaser builds for a release.
func TestGoReleaser_Binaries(t *testing.T) {
	t.Parallel()
	configuration, makefile := repositoryFile(t, ".goreleaser.yaml"), repositoryFile(t, "Makefile")
	want := []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64", "windows_arm64"}
	if got := items(t, configuration, "targets"); !slices.Equal(got, want) {
		t.Errorf(".goreleaser.yaml builds %q, want %q", got, want)
	}
	if line := "TARGETS := " + strings.Join(want, " ") + "\n"; !strings.Contains(makefile, line) {
		t.Errorf("the Makefile does not contain %q", line)
	}
	command := strings.Join(items(t, configuration, "env"), " ") + ` GOOS=$${target%_*} GOARCH=$${target#*_} go build ` +
		strings.Join(items(t, configuration, "flags"), " ") + ` -ldflags='` + strings.Join(items(t, configuration, "ldflags"), " ") + `'`
	if !strings.Contains(makefile, command) {
		t.Errorf("make binaries does not run %s", command)
	}
}

// The configuration of a release, which runs only when it is too late, names files that
// exist, or that it writes itself.
func TestGoReleaser_Files(t *testing.T) {
	t.Parallel()
	configuration := repositoryFile(t, ".goreleaser.yaml")
	named := items(t, configuration, "extra_files")
	path := regexp.MustCompile(`dockerfile: (\S+)`).FindStringSubmatch(configuration)
	if path == nil {
		t.Fatal(".goreleaser.yaml names no dockerfile")
	}
	dockerfile := repositoryFile(t, path[1])
	_, written, _ := strings.Cut(items(t, configuration, "hooks")[0], " licenses ")
	for _, copied := range regexp.MustCompile(`(?m)^COPY (.*) \S+$`).FindAllStringSubmatch(dockerfile, -1) {
		for name := range strings.FieldsSeq(copied[1]) {
			// GoReleaser adds the binary to the context of the image, and nothing else that is not listed.
			if name != "$TARGETPLATFORM/pusherctl" && !slices.Contains(named, name) {
				t.Errorf("the Dockerfile copies %s, which is not in extra_files of .goreleaser.yaml", name)
			}
		}
	}
	for _, attested := range regexp.MustCompile(`subject-checksums: bin/release/(\S+)`).FindAllStringSubmatch(repositoryFile(t, ".github/workflows/release.yaml"), -1) {
		if !strings.Contains(configuration, "\ndist: bin/release\n") || !strings.Contains(configuration, "\n  name_template: "+attested[1]+"\n") {
			t.Errorf("the workflow attests bin/release/%s, which .goreleaser.yaml does not name", attested[1])
		}
	}
	for _, match := range regexp.MustCompile(`(?m)^ *-? (?:src|main): (\S+)$`).FindAllStringSubmatch(configuration, -1) {
		named = append(named, match[1])
	}
	if len(named) < 5 {
		t.Fatalf("found %q in .goreleaser.yaml, want at least five names of files", named)
	}
	for _, name := range named {
		if name == written {
			continue
		}
		if _, err := os.Stat(filepath.Join(repository, name)); err != nil || strings.HasPrefix(name, "bin/") {
			t.Errorf(".goreleaser.yaml names %s, which is not part of the repository (error %v)", name, err)
		}
	}
}

// Workflows run targets, scripts and commands that exist, and actions of a fixed commit.
// Code of a pull request never runs with the rights of the repository.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	workflows, err := filepath.Glob(filepath.Join(repository, ".github", "workflows", "*.yaml"))
	if err != nil || len(workflows) < 2 {
		t.Fatalf("found %q, error %v, want at least two workflows", workflows, err)
	}
	makefile := repositoryFile(t, "Makefile")
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, workflow := range workflows {
		text := read(t, workflow)
		for _, action := range regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(action[1]) {
				t.Errorf("%s: %s is not pinned like owner/name@<40 hexadecimal digits> # v1.2.3", workflow, action[1])
			}
		}
		for _, target := range regexp.MustCompile(`run: make ([a-z0-9-]+)`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+target[1]+": ") {
				t.Errorf("%s runs make %s, which the Makefile does not have", workflow, target[1])
			}
		}
		for _, name := range regexp.MustCompile(`(?m)(?:run: |go run \./)(\.ci/[\w/]+|internal/[\w/]+)`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(repository, name[1])); err != nil {
				t.Errorf("%s: %v", workflow, err)
			}
		}
		if strings.Contains(text, "pull_request_target") || !strings.Contains(text, "\npermissions:") {
			t.Errorf("%s runs on pull_request_target, or does not set permissions for all jobs", workflow)
		}
	}
}

// items returns the items of the first list with the name in a YAML document.
func items(t *testing.T, text, name string) []string {
	t.Helper()
	lists := regexp.MustCompile(`(?m)^ *`+name+`:\n((?: *- .*\n)+)`).FindAllStringSubmatch(text, -1)
	if len(lists) == 0 {
		t.Fatalf("found no list %s", name)
	}
	var found []string
	for line := range strings.Lines(lists[0][1]) {
		found = append(found, strings.TrimPrefix(strings.TrimSpace(line), "- "))
	}
	return found
}

func repositoryFile(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join(repository, name))
}
