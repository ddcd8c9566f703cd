// Package redact keeps secrets out of errors, log lines and formatted values. It has a
// type for values that never show their content, and removes signatures and passwords
// from texts of servers, proxies and senders.
package redact

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/signing"
)

// Placeholder is printed instead of a secret.
const Placeholder = "[REDACTED]"

// A Value makes fmt, log/slog and encoders print [Placeholder] instead of the struct
// in which it is embedded. Its methods have value receivers, so that they also apply
// to a dereferenced pointer.
//
// The fmt package calls no methods on a value in an unexported field of another
// struct. Keep a secret there behind a function or a [signing.Secret].
type Value struct{}

// Format implements [fmt.Formatter] for every verb.
func (Value) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, Placeholder) }

// LogValue implements [slog.LogValuer].
func (Value) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// MarshalText implements [encoding.TextMarshaler], which JSON and XML use too.
func (Value) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

var (
	signatures   = regexp.MustCompile(fmt.Sprintf(`[0-9a-fA-F]{%d,}`, signing.SignatureLength))
	userPassword = regexp.MustCompile(`(://[^/\s:@]*):[^/\s]+@`)
	// If somebody swaps the key and the secret, auth_key holds the secret.
	signedKey = regexp.MustCompile(`(?i)(auth_key(?:=|%3d))[^&%\s"'<>\\]+`)
)

// Text removes signatures, the keys of signed URLs and the passwords of URLs from
// s. Pusher quotes a signature that it rejects, and proxies quote URLs.
func Text(s string) string {
	s = signatures.ReplaceAllString(s, Placeholder)
	s = signedKey.ReplaceAllString(s, "$1"+Placeholder)
	return userPassword.ReplaceAllString(s, "$1:"+Placeholder+"@")
}

// maxInput limits how many bytes of a text Line redacts, because some texts are under
// the control of the sender of a request.
const maxInput = 16 << 10

// Line returns s in a form that fits a log line: redacted as by [Text], valid
// UTF-8, without control characters, with single spaces and at most maxBytes long, up
// to 1,024. A longer text ends in "…".
func Line(s string, maxBytes int) string {
	if len(s) > maxInput {
		s = s[:maxInput]
		// Half a secret would not be recognized. If the last word is longer than half
		// of the input, its end exceeds maxBytes also after redaction.
		if i := strings.LastIndexFunc(s, unicode.IsSpace); i > maxInput/2 {
			s = s[:i]
		}
		s += " …"
	}
	words := strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
	// Redact before truncating, because half a signature would not be recognized.
	s = Text(strings.Join(words, " "))
	if len(s) <= maxBytes {
		return s
	}
	cut := maxBytes - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
