package pusher

import (
	"context"

	"github.com/openchannels/pusher-go/gen"
)

// Ping checks that the client can call the API, for a health check. It queries a
// channel and accepts every response that proves a valid signature, so it also works
// with servers that have no such channel. The error distinguishes what is wrong:
//
//   - [ErrTLS]: the TLS handshake failed
//   - [ErrTransport]: the server cannot be reached
//   - [ErrUnknownKey]: the key is wrong, or the cluster
//   - [ErrClockSkew]: this machine's clock is wrong and the server does not send its time
//   - [ErrAuthentication]: the secret is wrong
//   - [ErrForbidden]: the app is disabled or over its quota
//   - [ErrNotFound]: the app ID is wrong
//
// Some compatible servers ignore a wrong key, respond to a wrong app ID with 400 or
// 403, or respond with 404 to a query for a vacant channel; see
// docs/compatible-servers.md and [WithVacantOnNotFound].
func (c *Client) Ping(ctx context.Context) error {
	const op = "Ping"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	_, err := c.gen(callInfo{op: op, channels: 1}).GetChannelWithResponse(ctx, c.app.AppID, "pusher-go-ping", &gen.GetChannelParams{})
	if err == nil || c.vacantOnNotFound && meansVacant(err) {
		return nil
	}
	return callError(op, err)
}
