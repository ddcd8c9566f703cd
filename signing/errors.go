package signing

import (
	"errors"
	"fmt"
	"time"
)

// What New, Sign and Verify refuse. No error holds a secret or a signature.
var (
	// ErrConfiguration is a key or secret that is empty or has a space or an
	// unprintable character in it, as a bad copy and paste does.
	ErrConfiguration = errors.New("invalid configuration")

	// ErrMalformed is a request that can be neither signed nor verified: it has
	// no URL, an opaque one, an invalid escape in its query, or, verified, an
	// authentication parameter twice.
	ErrMalformed = errors.New("signing: malformed request")

	// ErrMissingParameter is a request without a required parameter. The
	// [*MissingParameterError] says which.
	ErrMissingParameter = errors.New("signing: missing parameter")

	// ErrUnknownKey is an auth_key that belongs to no app. Pusher answers 400.
	ErrUnknownKey = errors.New("signing: unknown auth_key")

	// ErrVersion is an auth_version other than 1.0.
	ErrVersion = errors.New("signing: auth_version is not 1.0")

	// ErrTimestamp is an auth_timestamp that is no integer or, as a
	// [*TimestampError], not within [MaxClockSkew] of the server's time.
	ErrTimestamp = errors.New("signing: bad auth_timestamp")

	// ErrSignature is a signature of another request or by another secret.
	ErrSignature = errors.New("signing: invalid signature")

	// ErrBodyMD5 is a body_md5 that is not the body's.
	ErrBodyMD5 = errors.New("signing: body_md5 does not match the body")
)

// A MissingParameterError names the parameter that a request lacks. It is
// [ErrMissingParameter].
type MissingParameterError struct {
	Name string // "auth_key", "auth_version", "auth_timestamp", "auth_signature" or "body_md5"
}

func (e *MissingParameterError) Error() string {
	return ErrMissingParameter.Error() + ": " + e.Name
}

// Is matches ErrMissingParameter.
func (e *MissingParameterError) Is(target error) bool { return target == ErrMissingParameter }

// A TimestampError holds the two times that are too far apart, both in UTC. It
// is [ErrTimestamp].
type TimestampError struct {
	Given  time.Time // the request's auth_timestamp
	Server time.Time // the time it was verified at
}

func (e *TimestampError) Error() string {
	return fmt.Sprintf("%v: %s is not within %ds of server time %s", ErrTimestamp,
		e.Given.Format(time.RFC3339), MaxClockSkew/time.Second, e.Server.Format(time.RFC3339))
}

// Is matches ErrTimestamp.
func (e *TimestampError) Is(target error) bool { return target == ErrTimestamp }
