package pusher

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/redact"
	"github.com/openchannels/pusher-go/internal/sentinel"
)

// Test for these errors with [errors.Is]. Every error of a call is an [*Error].
var (
	// ErrInvalid means that the request breaks a rule of the API. If [Error.Status]
	// is 0, it was found before sending and nothing was sent; otherwise the server
	// rejected the request, with status 400, 405, 413, 415 or 422.
	ErrInvalid = sentinel.ErrInvalid
	// ErrTooLarge means that the data of an event, or the request, exceeds a size
	// limit. It is also ErrInvalid.
	ErrTooLarge = errors.New("too large")
	// ErrAttributeDisabled means that the app has not enabled a requested attribute,
	// such as subscription counting, in its settings. It is also ErrInvalid.
	ErrAttributeDisabled = errors.New("attribute not enabled")

	// ErrConfiguration means that credentials or options are unusable.
	ErrConfiguration = sentinel.ErrConfiguration

	// ErrAuthentication means that the server did not accept the key, the signature
	// or its timestamp: status 401, or an unknown key.
	ErrAuthentication = errors.New("authentication failed")
	// ErrUnknownKey means that the server does not know the app key; the app may
	// belong to another cluster. Pusher responds with status 400, Sockudo with 404. It
	// is also ErrAuthentication.
	ErrUnknownKey = errors.New("unknown app key")
	// ErrClockSkew means that this machine's clock differs from the server's by 600
	// seconds or more, and that the server did not send its own time. It is also
	// ErrAuthentication.
	ErrClockSkew = errors.New("clock skew")

	// ErrForbidden means that the app is disabled or over its quota: status 402 or
	// 403.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound means that the resource does not exist: status 404. Some compatible
	// servers also use it for vacant channels, see [WithVacantOnNotFound].
	ErrNotFound = errors.New("not found")
	// ErrRateLimited means that the server received too many requests: status 429.
	// See [Error.RetryAfter].
	ErrRateLimited = errors.New("rate limited")
	// ErrServer means that the server failed, redirected the request, or sent a
	// response that does not belong to this API.
	ErrServer = errors.New("server error")

	// ErrTransport means that no complete response was received. An event may or may
	// not have been published.
	ErrTransport = errors.New("no response")
	// ErrTLS means that the TLS handshake failed, so nothing was sent. It is also
	// ErrTransport.
	ErrTLS = errors.New("TLS handshake failed")

	// ErrQueueFull means that the queue of a [Publisher] has no free slot. The event
	// was not queued.
	ErrQueueFull = errors.New("queue full")
	// ErrClosed means that the [Client] or [Publisher] has been closed. Nothing was
	// sent.
	ErrClosed = errors.New("closed")
)

// parentKind maps a kind of error to the more general kind that it also is.
var parentKind = map[error]error{
	ErrTooLarge:          ErrInvalid,
	ErrAttributeDisabled: ErrInvalid,
	ErrUnknownKey:        ErrAuthentication,
	ErrClockSkew:         ErrAuthentication,
	ErrTLS:               ErrTransport,
}

// An Error is returned by every failed call. It contains no secret, no signature
// and no signed URL; texts from servers and proxies are redacted. An Error does not
// change after it has been returned.
type Error struct {
	// Op is the method that failed, such as "TriggerBatch". For requests made with
	// [Client.API] it is the HTTP method and the path.
	Op string
	// Status is the HTTP status code of the response, or the code in its body if a
	// server reports errors under status 200. It is 0 if no response was received.
	Status int
	// Message is the error text of the server, in one line of at most 1,024 bytes.
	Message string
	// RetryAfter is how long a server that responded with 429 or 503 wants the client
	// to wait. It is 0 if the server did not send it.
	RetryAfter time.Duration
	// Err is the cause, if there is one besides the response.
	Err error
	// Kind is the most specific of the errors above that describes this one, such as
	// ErrTooLarge. If it is nil, the kind follows from Status and Message, so a mock can
	// return &Error{Status: 429}. It is nil without a status if a context ended a wait.
	Kind error

	// Hint is the likely cause and what to do about it, or empty if the error does not
	// suggest any. It is part of the text of the error.
	Hint string

	sent       bool // the server may have processed the request
	incomplete bool // a part of the request could not be written
}

// Error returns the operation, the kind of error, the status and the details in one
// line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("pusher: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	var parts []string
	if kind := e.kind(); kind != nil {
		parts = append(parts, kind.Error())
	}
	if e.Status != 0 {
		parts = append(parts, fmt.Sprintf("status %d", e.Status))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	b.WriteString(strings.Join(parts, ": "))
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Is reports whether target is the sentinel of this error, or a more general one:
// an error that is [ErrTooLarge] is also [ErrInvalid].
func (e *Error) Is(target error) bool {
	for kind := e.kind(); kind != nil; kind = parentKind[kind] {
		if kind == target {
			return true
		}
	}
	return false
}

func (e *Error) kind() error {
	if e.Kind != nil || e.Status == 0 {
		return e.Kind
	}
	return kindOf(e.Status, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// newError returns an error that occurred before anything was sent.
func newError(op string, kind, cause error) *Error {
	return &Error{Op: op, Err: cause, Kind: kind}
}

// invalid returns the error for an argument that breaks a rule. The kind is
// [ErrInvalid], unless the cause is an argumentError.
func invalid(op string, cause error) *Error {
	var own *argumentError
	if errors.As(cause, &own) {
		return newError(op, own.kind, cause)
	}
	return newError(op, ErrInvalid, cause)
}

// argumentError is an invalid argument with a sentinel other than ErrInvalid.
type argumentError struct {
	kind error
	text string
}

func (e *argumentError) Error() string { return e.text }

// callError returns an error of the generated client. The pipeline returns an *Error;
// any other error means that the request could not be built.
func callError(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return invalid(op, safe(err))
}

// canceled returns the error of a wait that ended because ctx is done.
func canceled(op string, ctx context.Context) *Error {
	return newError(op, nil, context.Cause(ctx))
}

// then returns a copy of e for a call that has ended with err after e.
func (e *Error) then(err error) *Error {
	final := *e
	final.Err = joinCause(e.Err, err)
	return &final
}

// joinCause returns an error with both causes. The first one may be nil.
func joinCause(first, second error) error {
	if first == nil {
		return second
	}
	return fmt.Errorf("%w; then %w", first, second)
}

const maxMessageBytes = 1 << 10

// safeError is an error of the network whose text is safe to print. It matches
// what the original matches with [errors.Is] and [errors.As], except [*url.Error],
// whose URL is signed. It has no Unwrap method, because the texts of wrapped errors
// may contain that URL.
type safeError struct {
	text     string
	original error // for Is, which reveals nothing
	inner    error // the original without any *url.Error, for As
}

func (e *safeError) Error() string        { return e.text }
func (e *safeError) GoString() string     { return e.text }
func (e *safeError) Is(target error) bool { return errors.Is(e.original, target) }
func (e *safeError) As(target any) bool   { return errors.As(e.inner, target) }

func safe(err error) error {
	inner := err
	var withURL *url.Error
	for errors.As(inner, &withURL) {
		inner = withURL.Err
	}
	if inner == nil {
		return nil
	}
	return &safeError{text: redact.Line(inner.Error(), maxMessageBytes), original: err, inner: inner}
}
