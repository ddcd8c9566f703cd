package signing

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// StringToSign returns the text whose HMAC is a request's signature: the method
// in upper case, the path as sent and the query, on a line each. The query has
// all parameters but auth_signature, their keys in lower case and sorted, an
// array's "k[]" as if it were "k", and keys and values not escaped. An empty
// value leaves "key=".
//
// Because nothing is escaped, the value 1&b=2 of a, and the values 1 of a and 2
// of b, give the same text. The protocol has it so.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
func StringToSign(method, path string, query url.Values) string {
	sorted := queryOf(query)
	return string(appendStringToSign(nil, method, path, sorted))
}

// Signature returns the HMAC-SHA256 of stringToSign in lower-case hex. To sign
// often with one secret, use a [Secret].
func Signature(secret, stringToSign string) string {
	return NewSecret(secret).Sign([]byte(stringToSign))
}

// queryOf takes the keys in order, so that keys that differ in case alone give
// the same text every time.
func queryOf(values url.Values) *query {
	q := &query{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := []byte(key)
		lower(name)
		if string(name) == paramSignature {
			continue
		}
		for _, value := range values[key] {
			q.add(string(name), []byte(value), false)
		}
	}
	q.sort()
	return q
}

func appendStringToSign(dst []byte, method, path string, sorted *query) []byte {
	dst = append(dst, strings.ToUpper(cmp.Or(method, "GET"))...)
	dst = append(dst, '\n')
	dst = append(dst, path...)
	dst = append(dst, '\n')
	return sorted.appendDecoded(dst)
}
