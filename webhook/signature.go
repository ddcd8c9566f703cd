package webhook

import (
	"errors"
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

// credentials returns the key in header, which is one of v.secrets, and the signature,
// which is well-formed but not yet verified.
func (v *Verifier) credentials(header http.Header) (key, signature string, err error) {
	if v == nil || v.secrets == nil {
		return "", "", newError(ErrConfiguration, errors.New("the Verifier was not created with webhook.New"))
	}
	key, err = headerValue(header, keyHeader)
	if err != nil {
		return "", "", newError(ErrUnknownKey, err)
	}
	if v.secrets[key] == nil {
		return "", "", newError(ErrUnknownKey, fmt.Errorf("%s is not a key of this verifier, see WithKey", keyHeader))
	}
	signature, err = headerValue(header, signatureHeader)
	if err != nil {
		return "", "", newError(ErrSignature, err)
	}
	if len(signature) != signing.SignatureLength || strings.Trim(signature, "0123456789abcdef") != "" {
		return "", "", newError(ErrSignature, fmt.Errorf("%s is not %d characters of lower-case hex", signatureHeader, signing.SignatureLength))
	}
	return key, signature, nil
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
