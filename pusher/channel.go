package pusher

import (
	"context"

	"github.com/openchannels/pusher-go/auth"
)

// A Channel is a channel of a client's app. It is safe for concurrent use. Every
// call of the zero value returns [ErrConfiguration].
type Channel struct {
	client *Client
	name   string
}

// Channel returns the channel with this name. The name is validated by the methods
// of the channel.
func (c *Client) Channel(name string) *Channel { return &Channel{client: c, name: name} }

// Name returns the name of the channel.
func (ch *Channel) Name() string { return ch.name }

// Trigger publishes an event to the channel; see [Client.Trigger].
func (ch *Channel) Trigger(ctx context.Context, event string, data any, opts ...TriggerOption) (*TriggerResult, error) {
	return ch.client.Trigger(ctx, ch.name, event, data, opts...)
}

// Info returns the state of the channel; see [Client.ChannelInfo].
func (ch *Channel) Info(ctx context.Context, attributes ...Attribute) (*ChannelInfo, error) {
	return ch.client.ChannelInfo(ctx, ch.name, attributes...)
}

// Users lists the users on the channel; see [Client.ChannelUsers].
func (ch *Channel) Users(ctx context.Context) (*ChannelUserList, error) {
	return ch.client.ChannelUsers(ctx, ch.name)
}

// AuthorizePrivate authorizes a connection to subscribe to the channel, which must
// be private; see [auth.Authorizer.AuthorizePrivate]. It signs for every caller:
// check the permission first. It returns [ErrInvalid] for an invalid argument, and
// [ErrConfiguration] for an encrypted channel without a master key.
func (ch *Channel) AuthorizePrivate(socketID string) (*auth.ChannelAuthorization, error) {
	authorization, err := ch.client.Authorizer().AuthorizePrivate(socketID, ch.name)
	if err != nil {
		return nil, authError("AuthorizePrivate", err)
	}
	return authorization, nil
}

// AuthorizePresence authorizes a connection to subscribe to the channel, which must
// be a presence channel, as the member; see [auth.Authorizer.AuthorizePresence]. It
// signs for every caller: check the permission first. It returns [ErrInvalid] for an
// invalid argument.
func (ch *Channel) AuthorizePresence(socketID string, member auth.Member) (*auth.ChannelAuthorization, error) {
	authorization, err := ch.client.Authorizer().AuthorizePresence(socketID, ch.name, member)
	if err != nil {
		return nil, authError("AuthorizePresence", err)
	}
	return authorization, nil
}
