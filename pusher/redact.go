package pusher

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/signing"
)

// maxMessageBytes is kept of what a server or the network says.
const maxMessageBytes = 1 << 10

var (
	signatures   = regexp.MustCompile(fmt.Sprintf(`[0-9a-fA-F]{%d,}`, signing.SignatureLength))
	userPassword = regexp.MustCompile(`(://[^/\s:@]*):[^/\s]+@`)
	// People swap the key and the secret, and then the key is not public.
	signedKey = regexp.MustCompile(`(?i)(auth_key(?:=|%3d))[^&%\s"'<>\\]+`)
)

// redact takes signatures, the keys of signed URLs and the passwords of URLs out
// of a text. Pusher quotes the signature that it refused, and proxies quote the
// URL that they failed on.
func redact(text string) string {
	text = signatures.ReplaceAllString(text, "[REDACTED]")
	text = signedKey.ReplaceAllString(text, "$1[REDACTED]")
	return userPassword.ReplaceAllString(text, "$1:[REDACTED]@")
}

// tidy makes a foreign text fit for a log: redacted, one line, and short.
func tidy(text string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "�"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
	// Cut only after redaction: half a signature does not look like one.
	text = redact(strings.Join(words, " "))
	if len(text) <= maxMessageBytes {
		return text
	}
	cut := maxMessageBytes - len("…")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// shown quotes a setting that was refused, unless it looks like a part of
// KEY:SECRET@HOST, which people paste into the wrong option.
func shown(setting string) string {
	if strings.ContainsAny(setting, ":@") {
		return "a value that is not repeated, because it may hold a secret"
	}
	return fmt.Sprintf("%q", setting)
}
