package signing

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// StringToSign returns the text whose HMAC is the signature of a request. It has
// three lines: the method in upper case, the path as it is sent, and the query. The
// query has all parameters except auth_signature, sorted by key and unescaped. Keys
// are in lower case, and "k[]" is sorted like "k".
//
// Because nothing is escaped, different queries can have the same text, for example
// a=1%26b=2 and a=1&b=2. The protocol requires it.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
func StringToSign(method, path string, query url.Values) string {
	var params params
	// Sorting gives keys that differ only in case a fixed order.
	for _, key := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[key] {
			if name := lower(key); name != paramSignature {
				params = append(params, param{name, value})
			}
		}
	}
	params.sort()
	return string(appendStringToSign(nil, method, path, params))
}

func appendStringToSign(dst []byte, method, path string, sorted params) []byte {
	dst = append(dst, strings.ToUpper(cmp.Or(method, http.MethodGet))...)
	dst = append(append(append(dst, '\n'), path...), '\n')
	return sorted.append(dst)
}

// Signature returns the HMAC-SHA256 of stringToSign in lower-case hexadecimal digits.
// To sign more than one text, use a [Secret], which is faster.
func Signature(secret, stringToSign string) string {
	return NewSecret(secret).Sign([]byte(stringToSign))
}

// checkURL returns ErrMalformed if the path that is sent cannot be derived from the
// URL of req.
func checkURL(req *http.Request) error {
	if req == nil || req.URL == nil {
		return fmt.Errorf("%w: the URL is nil", ErrMalformed)
	}
	if req.URL.Opaque != "" {
		return fmt.Errorf("%w: the URL is opaque", ErrMalformed)
	}
	return nil
}

// unescapePath removes the escapes from the path of u that are not necessary. Servers
// look up channels by the path as it is sent, and url.PathEscape, which generated
// clients use, turns "," into "%2C". A path with an escaped slash does not change,
// because without the escape it would name another resource.
func unescapePath(u *url.URL) {
	if !strings.Contains(strings.ToUpper(u.RawPath), "%2F") {
		u.RawPath = ""
	}
}

// sentPath returns the path that net/http sends for u.
func sentPath(u *url.URL) string { return cmp.Or(u.EscapedPath(), "/") }
