package signing

import (
	"errors"
	"fmt"
	"time"
)

// Test for these errors with [errors.Is]. None contains a secret or a signature.
var (
	// ErrConfiguration means that a key, a secret or an option is invalid, or that a
	// value was not made by its constructor.
	ErrConfiguration = errors.New("invalid configuration")

	// ErrMalformed means that a request cannot be signed or verified: its URL is nil or
	// opaque, or its query has an invalid escape. [Verify] also returns it if a
	// parameter of the signature is repeated.
	ErrMalformed = errors.New("signing: malformed request")

	// ErrMissingParameter means that a request lacks a parameter of the signature. A
	// [*MissingParameterError] matches it.
	ErrMissingParameter = errors.New("signing: missing parameter")

	// ErrUnknownKey means that auth_key is not the key of an app. Pusher responds with
	// status 400.
	ErrUnknownKey = errors.New("signing: unknown auth_key")

	// ErrVersion means that auth_version is not 1.0.
	ErrVersion = errors.New("signing: auth_version is not 1.0")

	// ErrTimestamp means that auth_timestamp is not an integer, or that it differs too
	// much from the server's time; in that case the error is a [*TimestampError].
	ErrTimestamp = errors.New("signing: invalid auth_timestamp")

	// ErrSignature means that auth_signature is not the signature of the request.
	ErrSignature = errors.New("signing: invalid signature")

	// ErrBodyMD5 means that body_md5 is not the MD5 of the body.
	ErrBodyMD5 = errors.New("signing: body_md5 does not match the body")
)

// A configurationError is an ErrConfiguration without a prefix in its text.
type configurationError string

func (e configurationError) Error() string        { return string(e) }
func (e configurationError) Is(target error) bool { return target == ErrConfiguration }

// A MissingParameterError names the parameter that a request lacks. It matches
// [ErrMissingParameter].
type MissingParameterError struct {
	Name string // "auth_key", "auth_version", "auth_timestamp", "auth_signature" or "body_md5"
}

// Error returns the name of the parameter.
func (e *MissingParameterError) Error() string {
	return ErrMissingParameter.Error() + ": " + e.Name
}

// Is reports whether target is ErrMissingParameter.
func (e *MissingParameterError) Is(target error) bool { return target == ErrMissingParameter }

// A TimestampError has the two times, in UTC, that differ by [MaxClockSkew] or more.
// It matches [ErrTimestamp].
type TimestampError struct {
	Given  time.Time // auth_timestamp of the request
	Server time.Time // the time at which the request was verified
}

// Error returns both times.
func (e *TimestampError) Error() string {
	return fmt.Sprintf("%v: %s is not within %ds of server time %s", ErrTimestamp,
		e.Given.Format(time.RFC3339), MaxClockSkew/time.Second, e.Server.Format(time.RFC3339))
}

// Is reports whether target is ErrTimestamp.
func (e *TimestampError) Is(target error) bool { return target == ErrTimestamp }
