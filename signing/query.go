package signing

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The parameters that authenticate a request.
const (
	paramKey       = "auth_key"
	paramTimestamp = "auth_timestamp"
	paramVersion   = "auth_version"
	paramSignature = "auth_signature"
	paramBodyMD5   = "body_md5"
)

const version = "1.0"

// param is a parameter of a query, unescaped and with a key in lower case.
type param struct{ key, value string }

// name returns the key without the brackets of an array. Parameters are sorted by it.
func (p param) name() string { return strings.TrimSuffix(p.key, "[]") }

type params []param

// parseQuery returns the parameters of a query in the order in which they are sent. It
// does not use url.ParseQuery, because that loses the order of keys and rejects an
// unescaped ";", which channel names may contain.
func parseQuery(raw string) (params, error) {
	parsed := make(params, 0, 8) // enough for most requests, with the parameters that Edit adds
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the query has an invalid escape", ErrMalformed)
		}
		parsed = append(parsed, param{lower(key), value})
	}
	return parsed, nil
}

// sort sorts by name. Parameters with equal names keep their order: the elements of
// an array are signed in the order in which they are sent.
func (p params) sort() {
	slices.SortStableFunc(p, func(a, b param) int { return strings.Compare(a.name(), b.name()) })
}

// append appends the query to dst as it is signed, without escapes.
func (p params) append(dst []byte) []byte {
	return p.join(dst, func(s string) string { return s })
}

// appendEncoded appends the query to dst as it is sent. A space becomes "%20", which
// all servers decode, rather than "+".
func (p params) appendEncoded(dst []byte) []byte {
	return p.join(dst, func(s string) string {
		return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	})
}

func (p params) join(dst []byte, escape func(string) string) []byte {
	for i, param := range p {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, escape(param.key)...)
		dst = append(dst, '=')
		dst = append(dst, escape(param.value)...)
	}
	return dst
}

// IsAuthParameter reports whether [Signer.Edit] adds a query parameter with this name:
// auth_key, auth_timestamp, auth_version, auth_signature or body_md5, in any case.
func IsAuthParameter(name string) bool {
	switch lower(name) {
	case paramKey, paramTimestamp, paramVersion, paramSignature, paramBodyMD5:
		return true
	}
	return false
}

// lower converts ASCII letters to lower case and changes nothing else. strings.ToLower
// would turn a Kelvin sign into "k", and two different queries would have the same
// signature.
func lower(key string) string {
	isUpper := func(r rune) bool { return 'A' <= r && r <= 'Z' }
	if !strings.ContainsFunc(key, isUpper) {
		return key
	}
	lowered := []byte(key)
	for i, c := range lowered {
		if isUpper(rune(c)) {
			lowered[i] = c + 'a' - 'A'
		}
	}
	return string(lowered)
}
