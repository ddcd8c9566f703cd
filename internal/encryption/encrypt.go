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
	// ErrMalformed means that the data is not the JSON of encrypted data.
	ErrMalformed = errors.New("encrypted data is malformed")

	// ErrDecrypt means that the data was encrypted with another master key or for
	// another channel, or was altered.
	ErrDecrypt = errors.New("encrypted data cannot be decrypted with this key")
)

const nonceSize = 24

// The JSON is written without an encoder, so that its length is known in advance. The
// characters of base64 need no escaping.
const (
	beforeNonce      = `{"nonce":"`
	beforeCiphertext = `","ciphertext":"`
	afterCiphertext  = `"}`
)

// EncryptedLength returns the number of bytes that [MasterKey.Encrypt] returns for n
// bytes of data.
func EncryptedLength(n int) int {
	return len(beforeNonce) + base64.StdEncoding.EncodedLen(nonceSize) +
		len(beforeCiphertext) + base64.StdEncoding.EncodedLen(n+secretbox.Overhead) +
		len(afterCiphertext)
}

// Encrypt returns {"nonce":…,"ciphertext":…} with data encrypted for the channel under
// a nonce of 24 random bytes. It returns an error if the name of the channel does not
// start with private-encrypted-, because then its subscribers have no key.
func (k MasterKey) Encrypt(channel string, data []byte) ([]byte, error) {
	if !protocol.IsEncrypted(channel) {
		return nil, fmt.Errorf("not an encrypted channel: %.200q", channel)
	}
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // never returns an error; see crypto/rand
	key := k.derive(channel)
	return seal(&key, &nonce, data), nil
}

// Decrypt returns the data that was encrypted for the channel. The error is
// [ErrMalformed] or [ErrDecrypt].
func (k MasterKey) Decrypt(channel string, data []byte) ([]byte, error) {
	key := k.derive(channel)
	return open(&key, data)
}

func seal(key *[keySize]byte, nonce *[nonceSize]byte, data []byte) []byte {
	ciphertext := secretbox.Seal(make([]byte, 0, len(data)+secretbox.Overhead), data, nonce, key)

	event := make([]byte, 0, EncryptedLength(len(data)))
	event = append(event, beforeNonce...)
	event = base64.StdEncoding.AppendEncode(event, nonce[:])
	event = append(event, beforeCiphertext...)
	event = base64.StdEncoding.AppendEncode(event, ciphertext)
	return append(event, afterCiphertext...)
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
		return nil, fmt.Errorf("%w: nonce has %d bytes, %d are required", ErrMalformed, len(event.Nonce), nonceSize)
	}
	if len(event.Ciphertext) < secretbox.Overhead {
		return nil, fmt.Errorf("%w: ciphertext has %d bytes, at least %d are required", ErrMalformed, len(event.Ciphertext), secretbox.Overhead)
	}
	plaintext, ok := secretbox.Open(nil, event.Ciphertext, (*[nonceSize]byte)(event.Nonce), key)
	if !ok {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}
