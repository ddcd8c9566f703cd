package pusher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// A TriggerOption changes how one event is published.
type TriggerOption func(*triggerParams)

type triggerParams struct {
	excluded       string // socket ID
	info           []Attribute
	idempotencyKey string
}

// ExcludeSocket excludes the connection with this socket ID from receiving the
// event, usually that of the browser that caused it. An empty ID excludes none.
func ExcludeSocket(socketID string) TriggerOption {
	return func(p *triggerParams) { p.excluded = socketID }
}

// WithInfo requests [UserCount] or [SubscriptionCount] of the channels. Pusher bills
// such a request as two messages. The result lacks a count that a channel does not
// have; most compatible servers report none.
func WithInfo(attributes ...Attribute) TriggerOption {
	attributes = slices.Clone(attributes)
	return func(p *triggerParams) { p.info = attributes }
}

// WithIdempotencyKey gives the event a key of 1 to 128 bytes. A server that supports
// keys, such as Sockudo, does not deliver an event again if it has received its key
// within a time window (120 seconds). Other servers ignore or reject the key; how
// Pusher treats it is unknown. With a key it is safe to set [Retry.Publishes].
func WithIdempotencyKey(key string) TriggerOption {
	return func(p *triggerParams) { p.idempotencyKey = key }
}

// Trigger publishes an event to a channel. Data of type string, []byte or
// [json.RawMessage] is sent unchanged, any other value as JSON without HTML
// escaping; like encoding/json, it replaces invalid UTF-8 within the value by U+FFFD,
// while unchanged data has to be valid. Encoded data is limited to 10,240 bytes, see [WithMaxEventBytes];
// channel and event names to 200 characters. On a private-encrypted- channel the
// data is encrypted, see [WithEncryptionMasterKey], and the limit applies to the
// encrypted data.
//
// Trigger returns [ErrInvalid] without sending anything if an argument breaks one of
// these limits, or the limit of [WithMaxBodyBytes]. If it returns [ErrTransport], no complete response was received and
// the event may or may not have been published; it is not retried unless
// [Retry.Publishes] is set.
//
// Source: Pusher HTTP API reference, "POST event (trigger an event)".
func (c *Client) Trigger(ctx context.Context, channel, event string, data any, opts ...TriggerOption) (*TriggerResult, error) {
	const op = "Trigger"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	return c.trigger(ctx, op, []string{channel}, event, data, opts)
}

// TriggerMulti publishes an event to up to 100 channels in a single request. A channel
// that is given twice counts once, and an encrypted channel cannot be combined with
// other channels. See [Client.Trigger] for everything else.
func (c *Client) TriggerMulti(ctx context.Context, channels []string, event string, data any, opts ...TriggerOption) (*TriggerResult, error) {
	const op = "TriggerMulti"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	return c.trigger(ctx, op, channels, event, data, opts)
}

func (c *Client) trigger(ctx context.Context, op string, channels []string, event string, data any, opts []TriggerOption) (*TriggerResult, error) {
	var params triggerParams
	for _, opt := range opts {
		if opt == nil {
			return nil, invalid(op, errors.New("an option is nil"))
		}
		opt(&params)
	}
	channels = unique(channels)
	if err := validateChannels(channels); err != nil {
		return nil, invalid(op, err)
	}
	text, err := c.prepare(channels[0], event, data, params)
	if err != nil {
		return nil, invalid(op, err)
	}
	return c.sendEvent(ctx, callInfo{op: op, channels: len(channels), events: 1}, gen.TriggerRequest{
		Name:           event,
		Channels:       channels,
		Data:           text,
		SocketID:       optional(params.excluded),
		Info:           joinAttributes(params.info),
		IdempotencyKey: params.idempotencyKey,
	})
}

func (c *Client) sendEvent(ctx context.Context, info callInfo, event gen.TriggerRequest) (*TriggerResult, error) {
	resp, err := c.gen(info).TriggerEventWithResponse(ctx, c.app.AppID, event)
	if err != nil {
		return nil, callError(info.op, err)
	}
	return resp.JSON200, nil
}

func validateChannels(channels []string) error {
	if len(channels) == 0 || len(channels) > protocol.MaxChannels {
		return fmt.Errorf("%d channels: want 1 to %d", len(channels), protocol.MaxChannels)
	}
	for _, channel := range channels {
		if err := protocol.CheckTarget(channel); err != nil {
			return err
		}
		if protocol.IsEncrypted(channel) && len(channels) > 1 {
			return fmt.Errorf("encrypted channel %q cannot be combined with other channels", channel)
		}
	}
	return nil
}

func (p triggerParams) validate() error {
	if p.excluded != "" {
		if err := protocol.CheckSocketID(p.excluded); err != nil {
			return err
		}
	}
	for _, attribute := range p.info {
		if attribute != UserCount && attribute != SubscriptionCount {
			return fmt.Errorf("attribute %q is not available when an event is published", attribute)
		}
	}
	if n := len(p.idempotencyKey); n > maxIdempotencyKey || !utf8.ValidString(p.idempotencyKey) {
		return fmt.Errorf("the idempotency key has %d bytes or is not valid UTF-8: want 1 to %d bytes", n, maxIdempotencyKey)
	}
	return nil
}

const maxIdempotencyKey = 128 // bytes

// unique returns the names without those that occurred before: a server would deliver
// the event twice.
func unique(names []string) []string {
	if len(names) < 2 {
		return names
	}
	known := make(map[string]bool, len(names))
	var once []string
	for _, name := range names {
		if !known[name] {
			known[name] = true
			once = append(once, name)
		}
	}
	return once
}
