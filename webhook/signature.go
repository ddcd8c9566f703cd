package webhook

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/openchannels/pusher-go/signing"
)

const (
	keyHeader       = "X-Pusher-Key"
	signatureHeader = "X-Pusher-Signature"
)

// SignedHeader returns the headers of a delivery of body: Content-Type,
// X-Pusher-Key and X-Pusher-Signature. It is there to test endpoints with.
//
// Source: Pusher Channels docs, Webhooks.
func SignedHeader(token Token, body []byte) http.Header {
	return http.Header{
		"Content-Type":  {"application/json"},
		keyHeader:       {token.Key},
		signatureHeader: {signing.NewSecret(token.Secret).Sign(body)},
	}
}

// A claim is what a delivery's headers say, with the secret that can tell whether
// it is true.
type claim struct {
	secret    *signing.Secret
	signature string
}

func (v *Verifier) claimIn(header http.Header) (claim, error) {
	if v == nil || len(v.secrets) == 0 {
		return claim{}, fmt.Errorf("%w: the Verifier was not made with NewVerifier", ErrConfiguration)
	}
	key, err := single(header, keyHeader)
	if err != nil {
		return claim{}, fmt.Errorf("%w: %w", ErrUnknownKey, err)
	}
	secret, known := v.secrets[key]
	if !known {
		return claim{}, fmt.Errorf("%w: %s is none of this verifier's keys", ErrUnknownKey, keyHeader)
	}
	signature, err := single(header, signatureHeader)
	if err != nil {
		return claim{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if !isLowerHex(signature) || len(signature) != signing.SignatureLength {
		return claim{}, fmt.Errorf("%w: %s is not %d characters of lower-case hex", ErrSignature, signatureHeader, signing.SignatureLength)
	}
	return claim{secret, signature}, nil
}

func (c claim) verify(body []byte) error {
	if !c.secret.Verify(body, c.signature) {
		return fmt.Errorf("%w: %s is not that of the body", ErrSignature, signatureHeader)
	}
	return nil
}

// single returns the one value of a header. It looks at every name rather than
// at the canonical one alone: a gateway's map has lower-case names, and a second
// spelling must not hide a second value.
func single(header http.Header, name string) (string, error) {
	var value string
	count := 0
	for key, values := range header {
		if len(key) == len(name) && len(values) > 0 && strings.EqualFold(key, name) {
			value = values[0]
			count += len(values)
		}
	}
	if count != 1 {
		return "", fmt.Errorf("%s is there %d times, want once", name, count)
	}
	return value, nil
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
