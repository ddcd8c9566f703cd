// Package console has the page that `pusherctl serve` shows at /console/. The page uses
// the control API at /control/ on the same server.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
)

//go:embed page
var files embed.FS

// securityPolicy allows the files of the page and requests to the server, and nothing
// else. The last directive makes browsers that know it reject strings that would become
// HTML or scripts.
const securityPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Go takes other types from the operating system, some of which do not know that a .js
// file is a script.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Handler returns the handler of the page, for paths relative to /console/. It contains
// no data of the server, and needs no token.
func Handler() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the name is constant
	}
	server := http.FileServerFS(page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", securityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		if contentType := contentTypes[path.Ext(r.URL.Path)]; contentType != "" {
			header.Set("Content-Type", contentType)
		}
		server.ServeHTTP(w, r)
	})
}
