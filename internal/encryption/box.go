package encryption

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/openchannels/pusher-go/internal/protocol"
)

var (
	// ErrMalformed is data that is not the JSON text of an encrypted event.
	ErrMalformed = errors.New("encrypted data is malformed")

	// ErrDecrypt is data that this key does not open: it was encrypted with
	// another master key or for another channel, or was altered.
	ErrDecrypt = errors.New("encrypted data cannot be decrypted with this key")
)

const nonceSize = 24

// The JSON text is written by hand, so that its length is known beforehand:
// base64 needs no escapes.
const (
	beforeNonce  = `{"nonce":"`
	beforeCipher = `","ciphertext":"`
	afterCipher  = `"}`
)

// EncryptedLength is the number of bytes that [MasterKey.Encrypt] returns for n
// bytes of data.
func EncryptedLength(n int) int {
	return len(beforeNonce) + base64.StdEncoding.EncodedLen(nonceSize) +
		len(beforeCipher) + base64.StdEncoding.EncodedLen(n+secretbox.Overhead) +
		len(afterCipher)
}

// Encrypt returns the JSON text {"nonce":…,"ciphertext":…} that carries data on
// the channel, under a nonce of 24 random bytes. It refuses a channel whose name
// does not start with private-encrypted-: its subscribers have no key.
func (k MasterKey) Encrypt(channel string, data []byte) ([]byte, error) {
	if !protocol.IsEncrypted(channel) {
		return nil, fmt.Errorf("channel %q is not an encrypted channel", channel)
	}
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // it never fails: it would end the process first
	key := k.derive(channel)
	return seal(&key, &nonce, data), nil
}

// Decrypt returns the data that an encrypted event on the channel carries. The
// error is [ErrMalformed] or [ErrDecrypt].
func (k MasterKey) Decrypt(channel string, data []byte) ([]byte, error) {
	key := k.derive(channel)
	return open(&key, data)
}

func seal(key *[keySize]byte, nonce *[nonceSize]byte, data []byte) []byte {
	box := secretbox.Seal(make([]byte, 0, len(data)+secretbox.Overhead), data, nonce, key)

	text := make([]byte, 0, EncryptedLength(len(data)))
	text = append(text, beforeNonce...)
	text = base64.StdEncoding.AppendEncode(text, nonce[:])
	text = append(text, beforeCipher...)
	text = base64.StdEncoding.AppendEncode(text, box)
	return append(text, afterCipher...)
}

func open(key *[keySize]byte, data []byte) ([]byte, error) {
	var event struct {
		Nonce      []byte `json:"nonce"`
		Ciphertext []byte `json:"ciphertext"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(event.Nonce) != nonceSize {
		return nil, fmt.Errorf("%w: nonce has %d bytes, want %d", ErrMalformed, len(event.Nonce), nonceSize)
	}
	if len(event.Ciphertext) < secretbox.Overhead {
		return nil, fmt.Errorf("%w: ciphertext has %d bytes, want at least %d", ErrMalformed, len(event.Ciphertext), secretbox.Overhead)
	}
	opened, ok := secretbox.Open(nil, event.Ciphertext, (*[nonceSize]byte)(event.Nonce), key)
	if !ok {
		return nil, ErrDecrypt
	}
	return opened, nil
}
