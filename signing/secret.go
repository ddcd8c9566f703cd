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

// SignatureLength is the number of characters of a signature, an HMAC-SHA256 in
// lower-case hexadecimal digits.
const SignatureLength = 64

// A Secret computes and verifies signatures with the secret of an app. It is safe for
// concurrent use and formats as [REDACTED]. The zero value computes empty signatures
// and verifies none.
type Secret struct {
	redacted
	macs sync.Pool // of *mac
}

// NewSecret returns a Secret. It accepts any text; see [CheckCredentials].
func NewSecret(secret string) *Secret {
	key := []byte(secret)
	s := &Secret{}
	s.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, key)} }
	return s
}

// A mac computes HMACs with the secret. The sum is a field because a local variable
// would be allocated for each signature.
type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// Sign returns the signature of message.
func (s *Secret) Sign(message []byte) string {
	return string(s.AppendSign(make([]byte, 0, SignatureLength), message))
}

// AppendSign appends the signature of message to dst.
func (s *Secret) AppendSign(dst, message []byte) []byte {
	if s == nil || s.macs.New == nil {
		return dst
	}
	m := s.macs.Get().(*mac)
	defer s.macs.Put(m)
	m.Reset()
	m.Write(message)
	return hex.AppendEncode(dst, m.Sum(m.sum[:0]))
}

// Verify reports whether signature is the signature of message. It compares in
// constant time. Upper-case hexadecimal digits are not accepted.
func (s *Secret) Verify(message []byte, signature string) bool {
	var want [SignatureLength]byte
	return signature != "" && hmac.Equal(s.AppendSign(want[:0], message), []byte(signature))
}

const placeholder = "[REDACTED]"

// redacted makes fmt, log/slog and encoders print a placeholder for the struct in
// which it is embedded. Its methods have value receivers, so that they also apply to a
// dereferenced pointer.
type redacted struct{}

// Format implements [fmt.Formatter] for every verb.
func (redacted) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, placeholder) }

// LogValue implements [slog.LogValuer].
func (redacted) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalText implements [encoding.TextMarshaler], which JSON and XML use too.
func (redacted) MarshalText() ([]byte, error) { return []byte(placeholder), nil }
