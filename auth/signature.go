package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// sign returns KEY:SIGNATURE for the concatenation of parts.
func (a *Authorizer) sign(parts ...string) string {
	const room = 256 // for the parts and the result in most cases
	text := make([]byte, 0, room)
	for _, part := range parts {
		text = append(text, part...)
	}
	// The result is built behind the text, which saves an allocation.
	size := len(text)
	text = append(text, a.key...)
	text = append(text, ':')
	text = a.secret.AppendSign(text, text[:size])
	return string(text[size:])
}

// encodeUser returns the JSON of a member or a user, whose fields are an ID and
// user_info. It returns an error if user_info is neither an object nor null, and leaves
// null out, which is the JSON of a nil map.
func (a *Authorizer) encodeUser(user any) (string, error) {
	data, err := encodeJSON(user)
	if err != nil {
		return "", err
	}
	// The ID has no unescaped quotes, so the first ones end it.
	if id, info, found := bytes.Cut(data, []byte(`","user_info":`)); found {
		switch info[0] {
		case '{':
		case 'n':
			data = append(id, `"}`...)
		default:
			return "", errors.New("info does not encode as a JSON object")
		}
	}
	return a.checkSize(data)
}

// checkSize returns data, or an error if it exceeds the limit.
func (a *Authorizer) checkSize(data []byte) (string, error) {
	if len(data) > a.maxMemberBytes {
		return "", fmt.Errorf("JSON has %d bytes, at most %d are allowed", len(data), a.maxMemberBytes)
	}
	return string(data), nil
}

// encodeJSON returns the JSON of value without white space. It returns an error if
// value has text that is not valid UTF-8, because the server and other subscribers
// would see a different text.
func encodeJSON(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	data := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	if !utf8.Valid(data) || bytes.Contains(data, []byte(`\ufffd`)) && replacement.Match(data) {
		return nil, errors.New("text is not valid UTF-8")
	}
	return data, nil
}

// replacement matches the escape sequence of U+FFFD, which encoding/json writes instead
// of invalid UTF-8. After an odd number of backslashes, the one found is itself escaped
// and the letters are ordinary text. A U+FFFD of the original text is not escaped.
var replacement = regexp.MustCompile(`(^|[^\\])(\\\\)*\\ufffd`)
