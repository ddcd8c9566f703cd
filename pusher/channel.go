package pusher

import "context"

// A Channel is one channel of a client's app.
type Channel struct {
	client *Client
	name   string
}

// Channel returns the channel with this name. The name is checked when the
// channel is used.
func (c *Client) Channel(name string) *Channel { return &Channel{client: c, name: name} }

// Name is the channel's name.
func (ch *Channel) Name() string { return ch.name }

// Trigger publishes an event on the channel; see [Client.Trigger].
func (ch *Channel) Trigger(ctx context.Context, event string, data any, opts ...TriggerOption) (*TriggerResult, error) {
	return ch.client.Trigger(ctx, ch.name, event, data, opts...)
}

// Info asks about the channel; see [Client.ChannelInfo].
func (ch *Channel) Info(ctx context.Context, attributes ...Attribute) (*ChannelInfo, error) {
	return ch.client.ChannelInfo(ctx, ch.name, attributes...)
}

// Users lists the users on the channel; see [Client.ChannelUsers].
func (ch *Channel) Users(ctx context.Context) (*ChannelUserList, error) {
	return ch.client.ChannelUsers(ctx, ch.name)
}
