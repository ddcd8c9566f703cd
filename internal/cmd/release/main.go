// Command release checks, stages and tags a release of the repository's modules, which
// all have the version in [pusher.Version]. Run it in the root of the repository.
//
//	release check VERSION   fail unless the commit can be released as VERSION
//	release notes VERSION   print the section of CHANGELOG.md for VERSION
//	release stage DIR       write the public modules to DIR, which becomes a module proxy
//	release tags            print the tags of the public modules, in the order of release
//	release licenses FILE   write the licences of everything that pusherctl links to FILE
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/openchannels/pusher-go/internal/release"
	"github.com/openchannels/pusher-go/pusher"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "check":
		return check(args[1])
	case len(args) == 2 && args[0] == "notes":
		return printNotes(out, args[1])
	case len(args) == 2 && args[0] == "stage":
		return stage(out, args[1])
	case len(args) == 1 && args[0] == "tags":
		return printTags(out)
	case len(args) == 2 && args[0] == "licenses":
		return writeLicenses(args[1])
	}
	return errors.New("usage: release check VERSION | notes VERSION | stage DIR | tags | licenses FILE")
}

func check(version string) error {
	if version != pusher.Version {
		return fmt.Errorf("pusher.Version is %q, want %q", pusher.Version, version)
	}
	modules, err := release.Modules(".")
	if err != nil {
		return err
	}
	if err := release.Check(modules, version); err != nil {
		return err
	}
	if err := printNotes(io.Discard, version); err != nil {
		return err
	}
	changed, err := exec.Command("git", "status", "--porcelain").Output()
	if err != nil {
		return fmt.Errorf("git status: %w", err)
	}
	if len(changed) > 0 {
		return fmt.Errorf("the working tree differs from the commit to release:\n%s", changed)
	}
	return nil
}

func printNotes(out io.Writer, version string) error {
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	notes, err := release.Notes(string(changelog), version)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, notes)
	return err
}

func stage(out io.Writer, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := release.Stage(".", dir, pusher.Version); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Version %s of each module is in %s. To use it in another module:\n\n"+
		"\texport GOPROXY=%s,$(go env GOPROXY) GONOSUMDB='github.com/openchannels/*' GOMODCACHE=$(mktemp -d)\n",
		pusher.Version, dir, release.ProxyURL(dir))
	return err
}

func printTags(out io.Writer) error {
	modules, err := release.Modules(".")
	if err != nil {
		return err
	}
	for _, m := range modules {
		if !m.Public() {
			continue
		}
		if _, err := fmt.Fprintln(out, m.Tag(pusher.Version)); err != nil {
			return err
		}
	}
	return nil
}

func writeLicenses(file string) error {
	text, err := release.Licenses(".", "./cmd/pusherctl", []string{"linux", "darwin", "windows"})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}
