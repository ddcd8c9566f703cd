package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/signing"
)

// sign returns KEY:SIGNATURE for the concatenation of parts.
func (a *Authorizer) sign(parts ...string) string {
	size := len(a.key) + len(":") + signing.SignatureLength
	for _, part := range parts {
		size += len(part)
	}
	message := make([]byte, 0, size)
	for _, part := range parts {
		message = append(message, part...)
	}
	// The result is built in the spare capacity behind the message, which saves
	// an allocation.
	result := append(message, a.key...)
	result = append(result, ':')
	result = a.secret.AppendSign(result, message)
	return string(result[len(message):])
}

// encodeJSON returns the JSON of value. It returns an error if the JSON is longer
// than maxBytes or if value has text that is not valid UTF-8, for which the server
// and other subscribers would see another text.
func encodeJSON(value any, maxBytes int) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	data := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	if len(data) > maxBytes {
		return "", fmt.Errorf("data has %d bytes of JSON, at most %d are allowed", len(data), maxBytes)
	}
	if !utf8.Valid(data) || hasReplacementEscape(data) {
		return "", errors.New("data has text that is not valid UTF-8")
	}
	return string(data), nil
}

// hasReplacementEscape reports whether encoding/json has replaced invalid UTF-8
// with U+FFFD. It writes the replacement as an escape sequence, but a U+FFFD of
// the original text unescaped.
func hasReplacementEscape(data []byte) bool {
	const escape = `\ufffd`
	for {
		i := bytes.Index(data, []byte(escape))
		if i < 0 {
			return false
		}
		// After an odd number of backslashes, the one found is itself escaped and
		// the letters are ordinary text.
		before := data[:i]
		if (len(before)-len(bytes.TrimRight(before, `\`)))%2 == 0 {
			return true
		}
		data = data[i+len(escape):]
	}
}
