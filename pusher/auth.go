package pusher

import (
	"errors"
	"net/http"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/webhook"
)

// Authorizer returns the authorizer for the client's app, with its credentials,
// master key and logger. It never returns nil. If c was not created by [New], the
// methods of the authorizer return [ErrConfiguration].
func (c *Client) Authorizer() *auth.Authorizer {
	if c == nil || c.authorizer == nil {
		return &auth.Authorizer{}
	}
	return c.authorizer
}

// authError returns the [*Error] for an error of package auth.
func authError(op string, err error) error {
	if errors.Is(err, ErrConfiguration) {
		return newError(op, ErrConfiguration, safe(sentinel.Details(err)))
	}
	return newError(op, ErrInvalid, safe(sentinel.Details(err)))
}

// WebhookVerifier returns the verifier for webhooks of the client's app, with its
// credentials, master keys and logger, and with the options of [WithWebhookOptions].
// It never returns nil. If c was not created by [New], the verifier rejects every
// webhook.
func (c *Client) WebhookVerifier() *webhook.Verifier {
	if c == nil || c.webhooks == nil {
		return &webhook.Verifier{}
	}
	return c.webhooks
}

// ParseWebhook verifies and decodes one webhook request. It returns
// [ErrAuthentication] if the request was not signed by Pusher, [ErrTooLarge] if its
// body exceeds 1 MiB, and [ErrInvalid] if the body cannot be read or decoded. For a
// complete endpoint use [webhook.Verifier.Handler] of [Client.WebhookVerifier].
func (c *Client) ParseWebhook(r *http.Request) (*webhook.Webhook, error) {
	if r == nil {
		return nil, newError("ParseWebhook", ErrInvalid, errors.New("the request is nil"))
	}
	hook, err := c.WebhookVerifier().Parse(r)
	if err == nil {
		return hook, nil
	}
	kind := ErrInvalid
	switch {
	case errors.Is(err, webhook.ErrConfiguration):
		kind = ErrConfiguration
	case errors.Is(err, webhook.ErrUnknownKey):
		kind = ErrUnknownKey
	case errors.Is(err, webhook.ErrSignature), errors.Is(err, webhook.ErrTooOld):
		kind = ErrAuthentication
	case errors.Is(err, webhook.ErrTooLarge):
		kind = ErrTooLarge
	}
	return nil, newError("ParseWebhook", kind, safe(sentinel.Details(err)))
}
