package pusher

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// A TriggerOption changes one event.
type TriggerOption func(*delivery)

// delivery is what options say of an event.
type delivery struct {
	excluded string
	info     []Attribute
}

// ExcludeSocket keeps the event from the connection with this socket ID, usually
// the browser that caused it. An empty ID excludes nobody.
func ExcludeSocket(socketID string) TriggerOption {
	return func(d *delivery) { d.excluded = socketID }
}

// WithInfo asks how many users or connections the channels have. Such a request
// counts as two messages. An attribute that a channel cannot have is missing from
// the result.
func WithInfo(attributes ...Attribute) TriggerOption {
	return func(d *delivery) { d.info = attributes }
}

// Trigger publishes one event on one channel. Data that is a string, a []byte or a
// [json.RawMessage] is sent as it is; anything else is sent as its JSON, without
// HTML escaping. Encoded, it may have at most 10,240 bytes; see
// [WithMaxEventBytes]. Channel and event names have at most 200 characters. On a
// private-encrypted- channel the data is encrypted with the key of
// [WithEncryptionMasterKey], and what counts is its size afterwards.
//
// A limit broken here is [ErrInvalid] and nothing is sent. A refusal by the API is
// an [*Error] with its status. On [ErrHTTP] no answer came: the event may or may
// not have been published, and it is not sent again unless [WithRetry] says so.
//
// Source: Pusher HTTP API reference, "POST event (trigger an event)".
func (c *Client) Trigger(ctx context.Context, channel, event string, data any, opts ...TriggerOption) (*TriggerResult, error) {
	return c.trigger("Trigger", ctx, []string{channel}, event, data, opts)
}

// TriggerMulti publishes one event on 1 to 100 channels in one request. An
// encrypted channel must be the only one. Everything else is as at
// [Client.Trigger].
func (c *Client) TriggerMulti(ctx context.Context, channels []string, event string, data any, opts ...TriggerOption) (*TriggerResult, error) {
	return c.trigger("TriggerMulti", ctx, channels, event, data, opts)
}

// SendToUser publishes one event to every connection that has signed in as the
// user. User IDs have at most 199 characters. Data and errors are as at
// [Client.Trigger].
//
// Source: Pusher Channels docs, "Sending events to authenticated users".
func (c *Client) SendToUser(ctx context.Context, userID, event string, data any) error {
	const op = "SendToUser"
	if err := c.ready(op, ctx); err != nil {
		return err
	}
	if err := protocol.CheckUserID(userID); err != nil {
		return refused(op, err)
	}
	_, err := c.trigger(op, ctx, []string{protocol.UserChannel(userID)}, event, data, nil)
	return err
}

func (c *Client) trigger(op string, ctx context.Context, channels []string, event string, data any, opts []TriggerOption) (*TriggerResult, error) {
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	var d delivery
	for _, opt := range opts {
		opt(&d)
	}
	if err := checkChannels(channels); err != nil {
		return nil, refused(op, err)
	}
	text, err := c.prepare(channels[0], event, data, d)
	if err != nil {
		return nil, refused(op, err)
	}
	answer, err := c.api.TriggerEventWithResponse(ctx, c.app.AppID, gen.TriggerRequest{
		Name:     event,
		Channels: channels,
		Data:     text,
		SocketID: optional(d.excluded),
		Info:     join(d.info),
	})
	if err != nil {
		return nil, failed(op, err)
	}
	return answer.JSON200, nil
}

func checkChannels(channels []string) error {
	if len(channels) == 0 || len(channels) > protocol.MaxChannels {
		return fmt.Errorf("%d channels: want 1 to %d", len(channels), protocol.MaxChannels)
	}
	for _, channel := range channels {
		if err := protocol.CheckTarget(channel); err != nil {
			return err
		}
		if protocol.IsEncrypted(channel) && len(channels) > 1 {
			return fmt.Errorf("%q is encrypted and must be the only channel of its event", channel)
		}
	}
	return nil
}

// prepare checks an event for a channel whose name is known to be good and gives
// the text that its data is sent as, encrypted where the channel is.
func (c *Client) prepare(channel, event string, data any, d delivery) (string, error) {
	if err := errors.Join(protocol.CheckEventName(event), d.check()); err != nil {
		return "", err
	}
	encrypted := protocol.IsEncrypted(channel)
	if encrypted && c.masterKey == nil {
		return "", &exception{ErrConfiguration, fmt.Sprintf("channel %q needs WithEncryptionMasterKey", channel)}
	}
	text, err := encode(data)
	if err != nil {
		return "", err
	}
	size := len(text)
	if encrypted {
		size = encryption.EncryptedLength(size)
	}
	if size > c.maxEventBytes {
		return "", &exception{ErrTooLarge, fmt.Sprintf("the data is sent as %d bytes, at most %d are allowed", size, c.maxEventBytes)}
	}
	if !encrypted {
		return text, nil
	}
	sealed, err := c.masterKey.Encrypt(channel, []byte(text))
	return string(sealed), err
}

func (d delivery) check() error {
	if d.excluded != "" {
		if err := protocol.CheckSocketID(d.excluded); err != nil {
			return err
		}
	}
	for _, attribute := range d.info {
		if attribute != UserCount && attribute != SubscriptionCount {
			return fmt.Errorf("attribute %q cannot be asked for when an event is triggered", attribute)
		}
	}
	return nil
}

func join(attributes []Attribute) string {
	switch len(attributes) {
	case 0:
		return ""
	case 1:
		return string(attributes[0])
	}
	words := make([]string, len(attributes))
	for i, attribute := range attributes {
		words[i] = string(attribute)
	}
	return strings.Join(words, ",")
}

// optional is nil for the empty string, which the generated models leave out.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
