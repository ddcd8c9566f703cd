// Package sentinel defines the errors that several public packages return, and how
// the text of such an error is put together.
//
// Each package exports the sentinels under its own name, so that
// errors.Is(err, pusher.ErrInvalid) also holds for an error of package auth.
package sentinel

import (
	"errors"
	"strings"

	"github.com/openchannels/pusher-go/signing"
)

// ErrInvalid means that an argument breaks a rule of the API. Nothing was sent or
// signed.
var ErrInvalid = errors.New("invalid argument")

// ErrConfiguration means that the credentials or options are unusable. It is
// defined in package signing, which imports the standard library only.
var ErrConfiguration = signing.ErrConfiguration

// An Error is an error of a public package. It matches its kind and its details.
type Error struct {
	Package string // that returns the error, such as "auth"
	Kind    error  // a sentinel, whose text does not name the package
	Details error  // what is wrong, in a text that is complete without the kind
}

// New returns an [*Error].
func New(pkg string, kind, details error) error {
	return &Error{Package: pkg, Kind: kind, Details: details}
}

// Error returns the package, the kind and the details in one line.
func (e *Error) Error() string {
	return e.Package + ": " + e.Kind.Error() + ": " + e.Details.Error()
}

// Unwrap returns the kind and the details.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Details} }

// Details returns err with a text that has only the details of an [*Error]. It matches
// everything that err matches. A package that returns an error of another package
// under a kind of its own wraps Details(err), so that the text does not name two
// packages and kinds. If err is not an Error, Details returns it unchanged.
func Details(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	return &details{e}
}

type details struct{ original *Error }

func (d *details) Error() string { return d.original.Details.Error() }
func (d *details) Unwrap() error { return d.original }

// Join is like [errors.Join] with a text in one line.
func Join(errs ...error) error {
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	return &joined{err}
}

type joined struct{ error }

func (j *joined) Error() string {
	return strings.ReplaceAll(j.error.Error(), "\n", "; ")
}

func (j *joined) Unwrap() error { return j.error }
