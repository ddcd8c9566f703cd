package encryption

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/openchannels/pusher-go/internal/redact"
)

// A ChannelKey is the key of one channel, as subscribers receive it. It is printed as
// [REDACTED]. It is safe for concurrent use.
type ChannelKey struct {
	redact.Value

	open func(data []byte) ([]byte, error) // a closure, see MasterKey
}

// ParseSharedSecret parses the shared_secret of a channel authorization: 32 bytes in
// base64, with or without padding, because Pusher's Java library omits it. Its errors
// do not contain the text.
func ParseSharedSecret(text string) (*ChannelKey, error) {
	encoding := base64.StdEncoding
	if len(text)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("shared_secret is not standard base64")
	}
	if len(decoded) != keySize {
		return nil, fmt.Errorf("shared_secret has %d bytes, %d are required", len(decoded), keySize)
	}
	key := [keySize]byte(decoded)
	return &ChannelKey{open: func(data []byte) ([]byte, error) { return open(&key, data) }}, nil
}

// Decrypt returns the data that was encrypted with the key. The error is
// [ErrMalformed] or [ErrDecrypt].
func (k ChannelKey) Decrypt(data []byte) ([]byte, error) { return k.open(data) }
