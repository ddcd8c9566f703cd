package pusher

import (
	"context"
	"encoding/json"
	"net/http"
)

// Ping checks that the client can call the API, for a health check. It queries a vacant
// channel and accepts every response that proves a valid signature, also those of
// compatible servers. The error distinguishes what is wrong:
//
//   - [ErrTLS]: the TLS handshake failed
//   - [ErrTransport]: the server cannot be reached
//   - [ErrUnknownKey]: the key is wrong, or the cluster
//   - [ErrClockSkew]: this machine's clock is wrong and the server does not send its time
//   - [ErrAuthentication]: the secret is wrong
//   - [ErrForbidden]: the app is disabled or over its quota
//   - [ErrNotFound]: the app ID is wrong
//
// Some compatible servers accept a wrong key, or respond to a wrong app ID with 400 or
// 403; see docs/compatible-servers.md.
func (c *Client) Ping(ctx context.Context) error {
	const op = "Ping"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	body, err := c.request(ctx, op, http.MethodGet, "/channels/pusher-go-ping", nil, "")
	switch {
	case meansVacant(err):
		return nil
	case err != nil:
		return err
	}
	// Not every server reports the channel in the form of openapi.yaml.
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return unexpectedResponse(op, http.StatusOK, safe(err))
	}
	return nil
}
