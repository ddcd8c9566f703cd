package auth

import (
	"errors"
	"regexp"
)

const maxCallbackLength = 128

// callbackName matches names joined by dots. Pusher-js appends the index of a call,
// as in Pusher.auth_callbacks['1'].
var callbackName = regexp.MustCompile(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*(\['\d+'\])?$`)

// WithJSONP makes the handler also accept GET requests with the fields in the query.
// The response is a script that calls the function named by the field callback: at
// most 128 characters, names joined by dots, optionally followed by a number in
// ['…'].
//
// A page of any origin can load such a script with the cookies of the visitor and
// read the authorization. Use it only for browsers without CORS, and base the
// decision on something that pages of other origins do not have, such as a token in
// the query.
func WithJSONP() HandlerOption {
	return func(h *handler) { h.jsonp = true }
}

func checkCallback(name string) error {
	if len(name) > maxCallbackLength || !callbackName.MatchString(name) {
		return errors.New("callback is not the name of a function")
	}
	return nil
}

// script returns a call of callback. It begins with a comment, so that the sender does
// not control the first bytes, from which browsers have guessed other file formats.
func script(callback string, argument []byte) []byte {
	s := make([]byte, 0, len("/**/();")+len(callback)+len(argument))
	s = append(s, "/**/"...)
	s = append(s, callback...)
	s = append(s, '(')
	s = append(s, argument...)
	return append(s, ");"...)
}
