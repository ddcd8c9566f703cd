package pusher

import (
	"errors"
	"net/http"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/webhook"
)

// Authorizer signs what the app's browsers need to subscribe and to sign in, with
// the client's credentials, master key and logger. It is never nil; that of a
// client that was not made with [New] signs nothing.
func (c *Client) Authorizer() *auth.Authorizer {
	if c == nil || c.authorizer == nil {
		return &auth.Authorizer{}
	}
	return c.authorizer
}

// Webhooks verifies what Pusher posts to the app, with the client's credentials,
// master key and logger. For an app with several keys in use, or for other limits,
// make one with [webhook.NewVerifier]. It is never nil; that of a client that was
// not made with [New] verifies nothing.
func (c *Client) Webhooks() *webhook.Verifier {
	if c == nil || c.webhooks == nil {
		return &webhook.Verifier{}
	}
	return c.webhooks
}

// Webhook verifies and decodes one delivery; [webhook.Verifier.Handler] of
// [Client.Webhooks] is the whole endpoint. A delivery that Pusher did not sign is
// [ErrAuthentication], one with a body over 1 MiB [ErrTooLarge], and one that
// cannot be read or decoded [ErrInvalid].
func (c *Client) Webhook(r *http.Request) (*webhook.Webhook, error) {
	hook, err := c.Webhooks().Parse(r)
	if err != nil {
		return nil, &Error{Op: "Webhook", Kind: endpointKind(err), Err: safeCause(err)}
	}
	return hook, nil
}

// AuthorizePrivate lets a connection subscribe to the channel, a private one; see
// [auth.Authorizer.AuthorizePrivate]. It signs for whoever asks: check the
// permission first. Bad input is [ErrInvalid], and an encrypted channel without a
// master key [ErrConfiguration].
func (ch *Channel) AuthorizePrivate(socketID string) (*auth.ChannelAuthorization, error) {
	authorization, err := ch.client.Authorizer().AuthorizePrivate(socketID, ch.name)
	if err != nil {
		return nil, &Error{Op: "AuthorizePrivate", Kind: endpointKind(err), Err: safeCause(err)}
	}
	return authorization, nil
}

// AuthorizePresence lets a connection subscribe to the channel, a presence
// channel, as the member; see [auth.Authorizer.AuthorizePresence]. It signs for
// whoever asks: check the permission first. Bad input is [ErrInvalid].
func (ch *Channel) AuthorizePresence(socketID string, member auth.Member) (*auth.ChannelAuthorization, error) {
	authorization, err := ch.client.Authorizer().AuthorizePresence(socketID, ch.name, member)
	if err != nil {
		return nil, &Error{Op: "AuthorizePresence", Kind: endpointKind(err), Err: safeCause(err)}
	}
	return authorization, nil
}

// endpointKind is the case of this package for an error of auth or webhook.
func endpointKind(err error) error {
	switch {
	case errors.Is(err, auth.ErrConfiguration), errors.Is(err, webhook.ErrConfiguration):
		return ErrConfiguration
	case errors.Is(err, webhook.ErrUnknownKey), errors.Is(err, webhook.ErrSignature):
		return ErrAuthentication
	case errors.Is(err, webhook.ErrTooLarge):
		return ErrTooLarge
	}
	return ErrInvalid
}
