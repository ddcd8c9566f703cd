// Package console is the page that pusherctl serve shows at /console/.
package console

import (
	"embed"
	"net/http"
)

//go:embed index.html
var files embed.FS

// Handler returns the handler of the page. The caller strips the prefix /console.
func Handler() http.Handler { return http.FileServerFS(files) }
