package pusher

import (
	"context"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// SendToUser publishes an event to every connection of a signed-in user. User IDs
// have at most 199 characters. See [Client.Trigger] for how data is encoded, and for
// errors.
//
// Source: Pusher Channels docs, "Sending events to authenticated users".
func (c *Client) SendToUser(ctx context.Context, userID, event string, data any) error {
	const op = "SendToUser"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	if err := protocol.CheckUserID(userID); err != nil {
		return invalid(op, err)
	}
	_, err := c.trigger(ctx, op, []string{protocol.UserChannel(userID)}, event, data, nil)
	return err
}

// TerminateUserConnections closes every connection that has signed in as the user.
// Connections that only joined a presence channel under this ID stay open, and the
// user can sign in again. User IDs have at most 199 characters.
//
// Source: Pusher Channels docs, "Terminating user connections".
func (c *Client) TerminateUserConnections(ctx context.Context, userID string) error {
	const op = "TerminateUserConnections"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	if err := protocol.CheckUserID(userID); err != nil {
		return invalid(op, err)
	}
	_, err := c.gen(callInfo{op: op}).TerminateUserConnectionsWithResponse(ctx, c.app.AppID, userID, gen.TerminateRequest{})
	if err != nil {
		return callError(op, err)
	}
	return nil
}
