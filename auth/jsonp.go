package auth

import (
	"errors"
	"regexp"
)

const maxCallbackLength = 128

// A callback is a path of names. Pusher-js ends it with the index of a call, as
// in Pusher.auth_callbacks['1'].
var callbackName = regexp.MustCompile(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*(\['\d+'\])?$`)

// WithJSONP has the handler answer GET as well, with its fields in the query and
// a script that calls the function named by the field callback: at most 128
// characters, names joined by dots, at the end perhaps a number in ['…'].
//
// A page of any origin can load such a script, with the visitor's cookies, and
// read the authorization. Use it for browsers without CORS only, and have allow
// decide on something that other origins' pages do not have, such as a token in
// the query.
func WithJSONP() HandlerOption {
	return func(e *endpoint) { e.jsonp = true }
}

func checkCallback(name string) error {
	if len(name) > maxCallbackLength || !callbackName.MatchString(name) {
		return errors.New("callback is missing, given twice or no name of a function")
	}
	return nil
}

// call returns the script. It begins with a comment, so that the caller does not
// choose its first bytes: scripts have passed for files of other formats.
func call(callback string, argument []byte) []byte {
	script := make([]byte, 0, len("/**/();")+len(callback)+len(argument))
	script = append(script, "/**/"...)
	script = append(script, callback...)
	script = append(script, '(')
	script = append(script, argument...)
	return append(script, ");"...)
}
