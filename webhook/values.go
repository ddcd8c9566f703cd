package webhook

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// text is a string, or the JSON text of a value that Pusher sends as a string
// and a compatible server as it is. null is the empty string.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return t.unquote(data)
	}
	if !isNull(data) {
		*t = text(data)
	}
	return nil
}

// unquote spares strings without escapes a second parser. Invalid UTF-8 goes to
// that parser too, so that it is replaced as everywhere else.
func (t *text) unquote(data []byte) error {
	inner := data[1 : len(data)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		*t = text(inner)
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

// whole is a number without sign, fraction or exponent, bare or in quotes.
type whole struct {
	value uint64
	given bool
}

func (w *whole) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return nil
	}
	digits := data
	if data[0] == '"' {
		digits = data[1 : len(data)-1]
	}
	value, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		// encoding/json adds the member's name to an error of this type.
		return &json.UnmarshalTypeError{Value: "value (want a whole number)", Type: reflect.TypeFor[uint64]()}
	}
	*w = whole{value, true}
	return nil
}

func isNull(data []byte) bool { return string(data) == "null" }
