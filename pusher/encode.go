package pusher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/sentinel"
)

// prepare validates an event for a valid channel and returns its data as it is sent:
// encoded, and encrypted if the channel is.
func (c *Client) prepare(channel, event string, data any, params triggerParams) (string, error) {
	if err := sentinel.Join(protocol.CheckEventName(event), params.validate()); err != nil {
		return "", err
	}
	encrypted := protocol.IsEncrypted(channel)
	if encrypted && c.masterKey == nil {
		return "", &argumentError{ErrConfiguration, fmt.Sprintf("channel %q needs WithEncryptionMasterKey", channel)}
	}
	text, err := encode(data)
	if err != nil {
		return "", err
	}
	size := len(text)
	if encrypted {
		size = encryption.EncryptedLength(size)
	}
	if size > c.maxEventBytes {
		return "", &argumentError{ErrTooLarge, fmt.Sprintf("the data of the event has %d bytes when sent, the limit is %d", size, c.maxEventBytes)}
	}
	if !encrypted {
		return text, nil
	}
	sealed, err := c.masterKey.Encrypt(channel, []byte(text))
	return string(sealed), err
}

// encode returns data as text: strings, bytes and raw JSON unchanged, any other
// value as JSON.
func encode(data any) (string, error) {
	text, err := encodeText(data)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(text) {
		return "", errors.New("the data is not valid UTF-8")
	}
	return text, nil
}

func encodeText(data any) (string, error) {
	switch data := data.(type) {
	case string:
		return data, nil
	case []byte:
		return string(data), nil
	case json.RawMessage:
		return string(data), nil
	}
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(data); err != nil {
		return "", fmt.Errorf("the data cannot be encoded: %w", err)
	}
	return strings.TrimSuffix(buf.String(), "\n"), nil
}

// joinAttributes returns the list as it is sent with an event.
func joinAttributes(attributes []Attribute) string {
	var b strings.Builder
	for i, attribute := range attributes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(attribute))
	}
	return b.String()
}

// optional returns nil for the empty string, which the generated models omit.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
