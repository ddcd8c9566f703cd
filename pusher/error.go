package pusher

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The cases of an [*Error], for [errors.Is].
var (
	// ErrInvalid: the request breaks a rule of the API. With status 0 it was
	// refused here and nothing was sent; else the server refused it, with status
	// 400, 405, 415 or 422.
	ErrInvalid = errors.New("invalid request")
	// ErrConfiguration: the client's own settings are unusable.
	ErrConfiguration = errors.New("unusable configuration")
	// ErrAuthentication: the key is unknown to this cluster, or the signature or
	// its timestamp was not accepted: status 401, or 400 with "Unknown auth_key".
	ErrAuthentication = errors.New("authentication refused")
	// ErrForbidden: the app is disabled or over its quota, status 402 or 403.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is no such resource, status 404. On Pusher a channel that
	// nobody has subscribed to is not an error.
	ErrNotFound = errors.New("not found")
	// ErrTooLarge: the data of an event is over the limit. It was refused here,
	// with status 0, and is then ErrInvalid too; or by the server, with status 413.
	ErrTooLarge = errors.New("event data too large")
	// ErrRateLimited: too many requests, status 429. See [Error.RetryAfter].
	ErrRateLimited = errors.New("rate limited")
	// ErrServer: the server failed, redirected, or answered something that is not
	// this API's.
	ErrServer = errors.New("server failure")
	// ErrHTTP: no complete answer came: the connection, a proxy or the context
	// ended the call. An event may or may not have been published.
	ErrHTTP = errors.New("no answer")
)

// An Error is what every failed call returns. It holds no secret, no signature
// and no signed URL; what the server or the network said is cleared of them.
type Error struct {
	// Op is the method that failed, for example "TriggerBatch".
	Op string
	// Kind is one of the Err variables of this package.
	Kind error
	// Status is the HTTP status of the answer, or the one that the answer's body
	// gives where a server reports failures under status 200. It is 0 when no
	// answer came.
	Status int
	// Message is what the server said, or what is wrong with its answer, in one
	// line of at most 1,024 bytes.
	Message string
	// RetryAfter is how long a server that answers 429 or 503 wants to be left
	// alone, 0 if it does not say.
	RetryAfter time.Duration
	// Err is the cause, if there is one beyond the answer.
	Err error
}

// Error tells operation, case, status and reason in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("pusher: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(fmt.Sprint(e.Kind))
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is tells whether target is the error's case. Data that was refused as too large
// before it was sent is also [ErrInvalid].
func (e *Error) Is(target error) bool {
	return target == e.Kind || target == ErrInvalid && e.Kind == ErrTooLarge && e.Status == 0
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// cause is an error of the network in words that are safe to print. It answers
// [errors.Is] and [errors.As] for what it stands for, but not with a [*url.Error],
// whose URL is the signed one. It has no Unwrap, because the words of the error
// itself, a transport's own for example, may quote that URL.
type cause struct {
	text  string
	whole error // for Is, which gives nothing away
	inner error // whole without any *url.Error
}

func (c *cause) Error() string        { return c.text }
func (c *cause) GoString() string     { return c.text }
func (c *cause) Is(target error) bool { return errors.Is(c.whole, target) }
func (c *cause) As(target any) bool   { return errors.As(c.inner, target) }

func safeCause(err error) error {
	inner := err
	var withURL *url.Error
	for errors.As(inner, &withURL) {
		inner = withURL.Err
	}
	if inner == nil {
		return nil
	}
	return &cause{text: tidy(inner.Error()), whole: err, inner: inner}
}

// failed gives any error of a call the name of the method that was called.
func failed(op string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		known.Op = op
		return known
	}
	// Only decoding comes after the transport has accepted the answer.
	return &Error{Op: op, Kind: ErrServer, Status: 200, Message: "the answer is not what the API describes", Err: safeCause(err)}
}

// refused is the error of a call that ends before anything is sent. It is
// [ErrInvalid] unless the reason is an exception.
func refused(op string, reason error) error {
	kind := ErrInvalid
	var other *exception
	if errors.As(reason, &other) {
		kind = other.kind
	}
	return &Error{Op: op, Kind: kind, Err: reason}
}

// An exception is a reason to refuse that has a case of its own.
type exception struct {
	kind   error
	reason string
}

func (e *exception) Error() string { return e.reason }
