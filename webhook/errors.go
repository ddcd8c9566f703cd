package webhook

import (
	"errors"
	"net/http"
)

// The errors of this package. Test for them with [errors.Is]; their text is for
// people.
var (
	// ErrConfiguration is an option or a token that cannot work.
	ErrConfiguration = errors.New("webhook: configuration")

	// ErrUnknownKey is a delivery whose X-Pusher-Key header is missing, there
	// twice, or not one of the verifier's keys.
	ErrUnknownKey = errors.New("webhook: unknown key")

	// ErrSignature is a delivery whose X-Pusher-Signature header is missing,
	// there twice, not 64 characters of lower-case hex, or not the signature of
	// the body under the key's secret.
	ErrSignature = errors.New("webhook: bad signature")

	// ErrTooLarge is a body above the limit of [WithMaxBytes].
	ErrTooLarge = errors.New("webhook: body too large")

	// ErrMalformed is a body with a good signature that is no webhook.
	ErrMalformed = errors.New("webhook: malformed body")

	// ErrTooOld is a webhook older than [WithMaxAge] allows.
	ErrTooOld = errors.New("webhook: too old")

	// ErrDecrypt is in [ClientEvent.Err] when the event's data stayed encrypted:
	// the verifier has no master key, or the data does not open with it.
	ErrDecrypt = errors.New("webhook: client event not decrypted")
)

// statusOf is what the sender of a refused delivery is told.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrUnknownKey), errors.Is(err, ErrSignature), errors.Is(err, ErrTooOld):
		return http.StatusUnauthorized
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrConfiguration):
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
