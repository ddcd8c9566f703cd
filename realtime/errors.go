package realtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/openchannels/pusher-go/internal/sentinel"
)

// Test for these errors with [errors.Is]. Every error of a call is an [*Error].
var (
	// ErrInvalid means that an argument breaks a rule of the protocol. Nothing was
	// sent. It matches the ErrInvalid of the other packages of this module.
	ErrInvalid = sentinel.ErrInvalid

	// ErrConfiguration means that the URL or an option of [Connect] is unusable, or that
	// a subscription needs an option that is missing. It matches the ErrConfiguration of
	// the other packages of this module.
	ErrConfiguration = sentinel.ErrConfiguration

	// ErrRejected means that the server has rejected the connection, a subscription or a
	// sign-in. [Error.Code] and [Error.Message] are the reason.
	ErrRejected = errors.New("rejected by the server")

	// ErrProtocol means that the server has sent a message that cannot be decoded. It is
	// ignored.
	ErrProtocol = errors.New("invalid message of the server")

	// ErrForbidden means that the authorizer or the endpoint of the app does not
	// allow the subscription or the sign-in: a status code from 400 to 499, except 408,
	// 425 and 429, or auth.ErrForbidden.
	ErrForbidden = errors.New("forbidden by the app")

	// ErrAuthorization means that the authorizer or the endpoint of the app failed, or
	// that its response is not an authorization. Existing subscriptions are retried.
	ErrAuthorization = errors.New("authorization failed")

	// ErrDisconnected means that there is no connection at the moment, or that it could
	// not be opened.
	ErrDisconnected = errors.New("disconnected")

	// ErrTimeout means that the server has not confirmed a subscription or a sign-in
	// within the timeout of [WithTimeout].
	ErrTimeout = errors.New("not confirmed in time")

	// ErrRateLimited means that a client event cannot be sent before the context of the
	// call ends.
	ErrRateLimited = errors.New("too many client events")

	// ErrClosed means that the program itself has called [Conn.Close] or
	// [Channel.Unsubscribe].
	ErrClosed = errors.New("closed")
)

// An Error is an error of this package. It contains no secret and no signature; texts
// from servers and endpoints are redacted. An Error does not change after it has been
// returned. It is encoded as its text.
type Error struct {
	// Kind is one of the sentinels, or nil if the context of the call has ended.
	Kind error
	// Op is the method that failed, such as "Subscribe", or "" if the error is part of
	// an [Event].
	Op string
	// Channel is the name of the channel, or "".
	Channel string
	// Code is the code of the server's error or of its close frame, such as 4001, or 0.
	Code int
	// Status is the status code of the HTTP response of the endpoint, or of the server
	// if it did not open a WebSocket. It is 0 if there was no response.
	Status int
	// Message is the text of the server or the endpoint, in one line of at most 1,024
	// bytes.
	Message string
	// Err is the cause, if there is one.
	Err error
}

// Error returns the operation, the kind of error and the details in one line.
func (e *Error) Error() string {
	parts := []string{"realtime"}
	add := func(ok bool, part string) {
		if ok {
			parts = append(parts, part)
		}
	}
	add(e.Op != "", e.Op)
	add(e.Channel != "", e.Channel)
	if e.Kind != nil {
		add(true, e.Kind.Error())
	}
	add(e.Code != 0, fmt.Sprintf("code %d", e.Code))
	add(e.Status != 0, fmt.Sprintf("status %d", e.Status))
	add(e.Message != "", e.Message)
	if e.Err != nil {
		add(true, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Is reports whether target is the kind of this error.
func (e *Error) Is(target error) bool { return e.Kind != nil && e.Kind == target }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MarshalText returns the result of [Error.Error].
func (e *Error) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// of returns a copy of err as an error of a method and a channel.
func of(op, channel string, err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Op: op, Channel: channel, Err: err}
	}
	named := *e
	named.Op, named.Channel = op, channel
	return &named
}

func invalid(format string, args ...any) *Error {
	return &Error{Kind: ErrInvalid, Err: fmt.Errorf(format, args...)}
}

// A safeError is an error of the network, whose text may contain the password of a
// proxy. It matches what the original matches.
type safeError struct {
	text     string
	original error
}

func safe(err error) error { return &safeError{line(err.Error()), err} }

func (e *safeError) Error() string        { return e.text }
func (e *safeError) GoString() string     { return e.text }
func (e *safeError) Is(target error) bool { return errors.Is(e.original, target) }
