package webhook

import (
	"errors"
	"net/http"

	"github.com/openchannels/pusher-go/internal/sentinel"
)

// The errors of this package, to be tested with [errors.Is].
var (
	// ErrConfiguration means that an argument of [New] is invalid or that a
	// Verifier was not created with New. It matches the ErrConfiguration of the
	// other packages of this module.
	ErrConfiguration = sentinel.ErrConfiguration

	// ErrInvalid means that a body is too large or malformed: [ErrTooLarge] and
	// [ErrMalformed] match it. It matches the ErrInvalid of the other packages of this
	// module.
	ErrInvalid = sentinel.ErrInvalid

	// ErrUnknownKey means that the X-Pusher-Key header is missing, occurs more
	// than once, or holds none of the verifier's keys.
	ErrUnknownKey = errors.New("unknown key")

	// ErrSignature means that the X-Pusher-Signature header is missing, occurs more
	// than once, is not 64 characters of lower-case hex, or does not match the body
	// and the secret.
	ErrSignature = errors.New("invalid signature")

	// ErrTooLarge means that the body exceeds the limit of [WithMaxBytes].
	ErrTooLarge error = invalidError("too large")

	// ErrMalformed means that the signature is valid but the body is not a webhook.
	ErrMalformed error = invalidError("malformed body")

	// ErrTooOld means that the webhook is older than [WithMaxAge] allows.
	ErrTooOld = errors.New("too old")

	// ErrDecrypt is found in [ClientEvent.Err] if the data of an event on an
	// encrypted channel could not be decrypted: no master key is configured, none
	// of them fits, or the data is not encrypted.
	ErrDecrypt = errors.New("client event not decrypted")

	// ErrClaimLost is returned by [DuplicateStore].End if the token has lost its claim.
	ErrClaimLost = errors.New("claim lost")
)

// newError returns an error with the text "webhook: kind: details".
func newError(kind, details error) error { return sentinel.New("webhook", kind, details) }

// invalidError is an error that matches ErrInvalid without repeating its text.
type invalidError string

func (e invalidError) Error() string        { return string(e) }
func (e invalidError) Is(target error) bool { return target == ErrInvalid }

// statusOf returns the status code for a webhook that was rejected with err.
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
