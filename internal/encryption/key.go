package encryption

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/openchannels/pusher-go/internal/redact"
)

const keySize = 32

// A MasterKey is the key from which the keys of an app's encrypted channels are
// derived. It formats as [REDACTED] and is safe for concurrent use.
type MasterKey struct {
	redact.Value

	// derive returns the key of a channel. It is a closure over the master key,
	// because fmt prints unexported fields, and what they point to, without calling
	// their methods.
	derive func(channel string) [keySize]byte
}

// masterKeyHint helps in particular if the key is 32 characters of text, which are
// often base64 of 24 bytes by accident.
const masterKeyHint = "; create one with: openssl rand -base64 32"

// ParseMasterKey parses a master key of 32 bytes in standard base64 with padding. Its
// errors do not contain the text.
func ParseMasterKey(text string) (*MasterKey, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("encryption master key is not standard base64 with padding" + masterKeyHint)
	}
	if len(decoded) != keySize {
		return nil, fmt.Errorf("encryption master key is the base64 of %d bytes, %d are required"+masterKeyHint, len(decoded), keySize)
	}
	return &MasterKey{derive: func(channel string) [keySize]byte {
		return deriveKey(channel, decoded)
	}}, nil
}

// SharedSecret returns the key of the channel in standard base64, which is the
// shared_secret of a channel authorization.
func (k MasterKey) SharedSecret(channel string) string {
	secret := k.derive(channel)
	return base64.StdEncoding.EncodeToString(secret[:])
}

func deriveKey(channel string, master []byte) [keySize]byte {
	return sha256.Sum256(append([]byte(channel), master...))
}
