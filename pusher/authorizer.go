package pusher

import (
	"errors"

	"github.com/openchannels/pusher-go/auth"
)

// Authorizer returns the authorizer for the client's app, with its credentials,
// master key and logger. It is never nil; that of a client that was not made with
// [New] signs nothing.
func (c *Client) Authorizer() *auth.Authorizer {
	if c == nil || c.authorizer == nil {
		return &auth.Authorizer{}
	}
	return c.authorizer
}

// authError returns an error of package auth as one of this package.
func authError(op string, err error) error {
	if errors.Is(err, ErrConfiguration) {
		return newError(op, ErrConfiguration, safe(err))
	}
	return newError(op, ErrInvalid, safe(err))
}
