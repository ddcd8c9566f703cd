package pusher

import (
	"errors"
	"net/http"

	"github.com/openchannels/pusher-go/webhook"
)

// WebhookVerifier returns the verifier for webhooks of the client's app, with its
// credentials, master keys and logger, and with the options of [WithWebhookOptions].
// It is never nil; that of a client that was not made with [New] verifies nothing.
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
	return nil, newError("ParseWebhook", kind, safe(err))
}
