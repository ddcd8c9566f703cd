package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"
)

// SignatureLength is the number of characters of a signature: an HMAC-SHA256
// in lower-case hex.
const SignatureLength = 2 * sha256.Size

// A Secret is the secret half of an app's credentials, ready to sign with: the
// HMAC is keyed once and its state reused. It prints as [REDACTED] whatever the
// verb. Any number of goroutines may use it. [NewSecret] makes one; the zero
// value cannot sign.
type Secret struct {
	concealed
	macs sync.Pool // of *mac
}

// NewSecret returns the secret, keyed. It takes any string; [New] is what
// checks credentials.
func NewSecret(secret string) *Secret {
	key := []byte(secret)
	s := &Secret{}
	s.macs.New = func() any { return newMAC(key) }
	return s
}

// mac keeps the sum's buffer beside the hash, so that signing allocates no more
// than its result.
type mac struct {
	hash hash.Hash
	sum  [sha256.Size]byte
	hex  [SignatureLength]byte
}

func newMAC(key []byte) *mac { return &mac{hash: hmac.New(sha256.New, key)} }

func (m *mac) authenticate(message []byte) []byte {
	m.hash.Reset()
	m.hash.Write(message)
	return m.hash.Sum(m.sum[:0])
}

func (m *mac) sign(message []byte) []byte {
	hex.Encode(m.hex[:], m.authenticate(message))
	return m.hex[:]
}

// Sign returns the signature of message.
func (s *Secret) Sign(message []byte) string {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	return string(m.sign(message))
}

// AppendSign appends the signature of message to dst.
func (s *Secret) AppendSign(dst, message []byte) []byte {
	m := s.macs.Get().(*mac)
	dst = hex.AppendEncode(dst, m.authenticate(message))
	s.macs.Put(m)
	return dst
}

// Verify tells whether signature is that of message, comparing in constant
// time. Upper-case hex is no signature.
func (s *Secret) Verify(message []byte, signature string) bool {
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	return hmac.Equal(m.sign(message), []byte(signature))
}

const redacted = "[REDACTED]"

// concealed, embedded, keeps a value out of whatever fmt, slog and encoders
// print. Its receivers are values, so that a dereferenced pointer is safe too.
type concealed struct{}

// Format writes [REDACTED] for every verb.
func (concealed) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue is [REDACTED].
func (concealed) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [REDACTED], for JSON and its kin.
func (concealed) MarshalText() ([]byte, error) { return []byte(redacted), nil }
