// Package sentinel defines the errors that several public packages return. Each
// package exports them under its own name, so that errors.Is(err, pusher.ErrInvalid)
// also holds for an error of package auth.
package sentinel

import (
	"errors"

	"github.com/openchannels/pusher-go/signing"
)

// ErrInvalid means that an argument breaks a rule of the API. Nothing was sent or
// signed.
var ErrInvalid = errors.New("invalid argument")

// ErrConfiguration means that the credentials or options are unusable. It is
// defined in package signing, which imports the standard library only.
var ErrConfiguration = signing.ErrConfiguration
