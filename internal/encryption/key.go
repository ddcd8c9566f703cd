package encryption

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	keySize  = 32
	redacted = "[REDACTED]"
)

// A MasterKey is the key from which an app derives the key of each encrypted
// channel. It prints as [REDACTED] whatever the verb. Any number of goroutines
// may use it.
type MasterKey struct {
	// derive returns the channel's key. The master key is inside a closure,
	// because fmt prints what is in unexported fields, and behind pointers in
	// them, without asking its methods.
	derive func(channel string) [keySize]byte
}

// ParseMasterKey returns the key spelled in standard base64, with padding; it
// has exactly 32 bytes. An error does not show the text.
func ParseMasterKey(text string) (*MasterKey, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("encryption master key is not standard base64 with padding")
	}
	if len(decoded) != keySize {
		return nil, fmt.Errorf("encryption master key has %d bytes, want %d", len(decoded), keySize)
	}
	return &MasterKey{derive: func(channel string) [keySize]byte {
		return deriveKey(channel, decoded)
	}}, nil
}

// SharedSecret is the channel's key in standard base64, as the shared_secret of
// a channel authorization carries it.
func (k MasterKey) SharedSecret(channel string) string {
	secret := k.derive(channel)
	return base64.StdEncoding.EncodeToString(secret[:])
}

func deriveKey(channel string, master []byte) [keySize]byte {
	seed := make([]byte, 0, 256)
	seed = append(seed, channel...)
	return sha256.Sum256(append(seed, master...))
}

// Format keeps the key out of everything that fmt prints.
func (k MasterKey) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue keeps the key out of logs.
func (k MasterKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the key out of JSON and its kin.
func (k MasterKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }
