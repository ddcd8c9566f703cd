package signing

import (
	"bytes"
	"fmt"
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

// A query is a decoded query string, its keys in lower case. All "key=value"
// lie in one buffer, and a pair has no pointers, so that signing again allocates
// nothing for them.
type query struct {
	text  []byte
	pairs []pair
}

// A pair marks one "key=value" in a query's text. Its name, by which it is
// sorted, is the key without the brackets of an array.
type pair struct {
	start, nameEnd, equals, end int
	plain                       bool // known to need no escape when sent
}

func (q *query) key(p pair) []byte   { return q.text[p.start:p.equals] }
func (q *query) value(p pair) []byte { return q.text[p.equals+1 : p.end] }
func (q *query) name(p pair) []byte  { return q.text[p.start:p.nameEnd] }

// add takes a key in lower case, and the caller's word that the pair is plain.
func (q *query) add(key string, value []byte, plain bool) {
	start := len(q.text)
	q.text = append(q.text, key...)
	equals := len(q.text)
	q.text = append(append(q.text, '='), value...)
	q.mark(start, equals, plain)
}

// parse adds the parameters of a query as sent. It does not use url.ParseQuery,
// which drops a pair with a raw ";", legal in a channel name.
func (q *query) parse(raw string) error {
	for raw != "" {
		var sent string
		sent, raw, _ = strings.Cut(raw, "&")
		if sent == "" {
			continue
		}
		key, value, found := strings.Cut(sent, "=")
		start := len(q.text)
		if found && isPlain(key) && isPlain(value) {
			q.text = append(q.text, sent...)
			equals := start + len(key)
			lower(q.text[start:equals])
			q.mark(start, equals, true)
			continue
		}
		var err error
		if q.text, err = appendUnescaped(q.text, key); err != nil {
			return err
		}
		lower(q.text[start:])
		equals := len(q.text)
		if q.text, err = appendUnescaped(append(q.text, '='), value); err != nil {
			return err
		}
		q.mark(start, equals, false)
	}
	return nil
}

// mark makes a pair of what was appended to the text since start.
func (q *query) mark(start, equals int, plain bool) {
	name := bytes.TrimSuffix(q.text[start:equals], []byte("[]"))
	q.pairs = append(q.pairs, pair{start, start + len(name), equals, len(q.text), plain})
}

// drop removes the parameters that authenticate, but for the first n pairs.
func (q *query) drop(n int) {
	rest := slices.DeleteFunc(q.pairs[n:], func(p pair) bool { return authenticates(q.name(p)) })
	q.pairs = q.pairs[:n+len(rest)]
}

// IsAuthParameter tells whether a query parameter of this name, in any case,
// belongs to the signature: auth_key, auth_timestamp, auth_version, auth_signature
// and body_md5. [Signer.Sign] replaces them.
func IsAuthParameter(name string) bool { return authenticates([]byte(strings.ToLower(name))) }

func authenticates(name []byte) bool {
	switch string(name) {
	case paramKey, paramTimestamp, paramVersion, paramSignature, paramBodyMD5:
		return true
	}
	return false
}

// sort sorts by name and keeps the order of equal ones: an array's elements are
// signed in the order given.
func (q *query) sort() {
	if q.isSorted() { // as a client that uses url.Values leaves it
		return
	}
	slices.SortStableFunc(q.pairs, func(a, b pair) int { return bytes.Compare(q.name(a), q.name(b)) })
}

func (q *query) isSorted() bool {
	for i := 1; i < len(q.pairs); i++ {
		if bytes.Compare(q.name(q.pairs[i-1]), q.name(q.pairs[i])) > 0 {
			return false
		}
	}
	return true
}

// appendDecoded appends the query as it is signed.
func (q *query) appendDecoded(dst []byte) []byte {
	for i, p := range q.pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, q.text[p.start:p.end]...)
	}
	return dst
}

// appendEncoded appends the query as it is sent.
func (q *query) appendEncoded(dst []byte) []byte {
	for i, p := range q.pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		if p.plain {
			dst = append(dst, q.text[p.start:p.end]...)
			continue
		}
		dst = append(appendEscaped(dst, q.key(p)), '=')
		dst = appendEscaped(dst, q.value(p))
	}
	return dst
}

// lower changes ASCII letters only. Unicode folding would take a Kelvin sign for
// a k and so let two different queries share a signature.
func lower(key []byte) {
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			key[i] += 'a' - 'A'
		}
	}
}

func appendUnescaped(dst []byte, s string) ([]byte, error) {
	run := 0 // where the bytes start that need no change
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			dst = append(append(dst, s[run:i]...), ' ')
			run = i + 1
		case '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return dst, fmt.Errorf("%w: the query has an invalid escape", ErrMalformed)
			}
			dst = append(append(dst, s[run:i]...), unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			run = i + 1
		}
	}
	return append(dst, s[run:]...), nil
}

// appendEscaped writes a space as %20, which form decoders and others read
// alike, and not as "+".
func appendEscaped(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	run := 0
	for i, c := range s {
		if !isUnreserved(c) {
			dst = append(append(dst, s[run:i]...), '%', digits[c>>4], digits[c&15])
			run = i + 1
		}
	}
	return append(dst, s[run:]...)
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' ||
		c == '_' || c == '-' || c == '.' || c == '~'
}

func isPlain(s string) bool {
	for i := range len(s) {
		if !isUnreserved(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}
