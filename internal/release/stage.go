package release

import (
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Stage writes the public modules of the repository at root to dir, as a module proxy
// would serve them after a release of the version. To use them, put [ProxyURL] first in
// GOPROXY.
//
// The layout is the protocol in https://go.dev/ref/mod#goproxy-protocol.
func Stage(root, dir, version string) error {
	modules, err := Modules(root)
	if err != nil {
		return err
	}
	if err := Check(modules, version); err != nil {
		return err
	}
	for _, m := range modules {
		if !m.Public() {
			continue
		}
		if err := m.stage(root, dir, "v"+version); err != nil {
			return fmt.Errorf("stage %s: %w", m.Path, err)
		}
	}
	return nil
}

// ProxyURL returns the URL of an absolute path for GOPROXY.
func ProxyURL(dir string) string {
	// A path of Windows, such as C:/proxy, gets a slash in front.
	slashed := "/" + strings.TrimPrefix(filepath.ToSlash(dir), "/")
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}

func (m Module) stage(root, dir, version string) error {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(root, m.Dir, "go.mod"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf("{\"Version\":%q}\n", version),
		version + ".mod":  string(goMod),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}

	archive, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		return err
	}
	if err := zip.Create(archive, module.Version{Path: m.Path, Version: version}, m.zipFiles(root)); err != nil {
		_ = archive.Close()
		return err
	}
	return archive.Close()
}

// zipFiles returns the content of the module's zip file.
func (m Module) zipFiles(root string) []zip.File {
	var files []zip.File
	for _, name := range m.files {
		files = append(files, sourceFile{name, filepath.Join(root, m.Dir, name)})
	}
	// The go command adds the licence of the repository to a module that has none.
	if !slices.Contains(m.files, "LICENSE") {
		files = append(files, sourceFile{"LICENSE", filepath.Join(root, "LICENSE")})
	}
	return files
}

// sourceFile implements [zip.File].
type sourceFile struct{ name, path string }

func (f sourceFile) Path() string                 { return f.name }
func (f sourceFile) Lstat() (fs.FileInfo, error)  { return os.Lstat(f.path) }
func (f sourceFile) Open() (io.ReadCloser, error) { return os.Open(f.path) }
