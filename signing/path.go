package signing

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// checkURL refuses a URL whose path is not what goes on the wire.
func checkURL(u *url.URL) error {
	if u == nil {
		return fmt.Errorf("%w: no URL", ErrMalformed)
	}
	if u.Opaque != "" {
		return fmt.Errorf("%w: opaque URL", ErrMalformed)
	}
	return nil
}

// unescapePath makes u send its path with as few escapes as a URL needs: servers
// look channels up by the path as sent, and url.PathEscape, which generated
// clients use, turns "," into "%2C". A path with an escaped slash stays as it
// is: unescaped, it would name another resource.
func unescapePath(u *url.URL) {
	if !strings.Contains(strings.ToUpper(u.RawPath), "%2F") {
		u.RawPath = ""
	}
}

// pathOnWire is the path that net/http sends for u.
func pathOnWire(u *url.URL) string { return cmp.Or(u.EscapedPath(), "/") }
