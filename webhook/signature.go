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

// SignedHeader returns the header of a webhook request with the given body:
// Content-Type, X-Pusher-Key and X-Pusher-Signature. It is for tests of endpoints
// and does not check the key and the secret.
//
// Source: Pusher Channels docs, Webhooks.
func SignedHeader(key, secret string, body []byte) http.Header {
	return http.Header{
		"Content-Type":  {"application/json"},
		keyHeader:       {key},
		signatureHeader: {signing.NewSecret(secret).Sign(body)},
	}
}

// credentials returns the secret of the key in header, and the signature, which is
// well-formed but not yet verified.
func (v *Verifier) credentials(header http.Header) (secret *signing.Secret, signature string, err error) {
	if v == nil || len(v.secrets) == 0 {
		return nil, "", fmt.Errorf("webhook: %w: the Verifier was not created with New", ErrConfiguration)
	}
	key, err := headerValue(header, keyHeader)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrUnknownKey, err)
	}
	secret, known := v.secrets[key]
	if !known {
		return nil, "", fmt.Errorf("%w: %s is not a key of this verifier, see WithKey", ErrUnknownKey, keyHeader)
	}
	signature, err = headerValue(header, signatureHeader)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if len(signature) != signing.SignatureLength || !isLowerHex(signature) {
		return nil, "", fmt.Errorf("%w: %s is not %d characters of lower-case hex", ErrSignature, signatureHeader, signing.SignatureLength)
	}
	return secret, signature, nil
}

// headerValue returns the value of a header that must occur once. It ignores the case
// of names, because some gateways convert them to lower case, and because a value
// under another spelling must not stay unnoticed.
func headerValue(header http.Header, name string) (string, error) {
	var value string
	count := 0
	for key, values := range header {
		if len(key) == len(name) && len(values) > 0 && strings.EqualFold(key, name) {
			value = values[0]
			count += len(values)
		}
	}
	if count != 1 {
		return "", fmt.Errorf("%s occurs %d times, want once", name, count)
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
