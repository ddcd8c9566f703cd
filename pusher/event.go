package pusher

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// An Event is one event for one channel, for [Client.TriggerBatch] and
// [Publisher.Publish]. Data is encoded as by [Client.Trigger].
type Event struct {
	Channel  string
	Name     string
	Data     any
	SocketID string      // socket ID of the connection to exclude; empty for none
	Info     []Attribute // counts to report for the channel
	// IdempotencyKey identifies the event for servers that support it; see
	// [WithIdempotencyKey].
	IdempotencyKey string
	// Metadata is not sent. A [PublishResult] has it, so that a result can be matched
	// with what caused the event.
	Metadata any
}

func (e *Event) params() triggerParams {
	return triggerParams{excluded: e.SocketID, info: e.Info, idempotencyKey: e.IdempotencyKey}
}

// prepareEvent validates an event and returns it as it is sent.
func (c *Client) prepareEvent(event *Event) (gen.BatchEvent, error) {
	if err := protocol.CheckTarget(event.Channel); err != nil {
		return gen.BatchEvent{}, err
	}
	text, err := c.prepare(event.Channel, event.Name, event.Data, event.params())
	if err != nil {
		return gen.BatchEvent{}, err
	}
	return gen.BatchEvent{
		Channel:        event.Channel,
		Name:           event.Name,
		Data:           text,
		SocketID:       optional(event.SocketID),
		Info:           joinAttributes(event.Info),
		IdempotencyKey: event.IdempotencyKey,
	}, nil
}

// Encode returns the data of the event as text, as [Client.Trigger] sends it before it
// encrypts it, and sends nothing. It is for programs that store events and publish them
// later, such as package sqlpusher.
//
// Encode returns [ErrInvalid] if Trigger would, so the limits include the overhead of
// encryption and of [WithMaxBodyBytes]. With [ErrTooLarge] it also returns the text.
func (c *Client) Encode(event Event) (string, error) {
	const op = "Encode"
	if err := c.ready(op, context.Background()); err != nil {
		return "", err
	}
	text, err := encode(event.Data)
	if err != nil {
		return "", invalid(op, err)
	}
	event.Data = text
	sent, err := c.prepareEvent(&event)
	if err == nil && c.pipeline.maxBody > 0 {
		var size int
		if size, err = (&queuedEvent{sent: sent}).bodySize(); err == nil {
			err = c.pipeline.checkBodySize(size)
		}
	}
	if err == nil {
		return text, nil
	}
	failure := invalid(op, err)
	if !failure.Is(ErrTooLarge) {
		text = ""
	}
	return text, failure
}

// An EventType is the definition of an event whose data is a T. It is made with
// [DefineEvent], usually in a package variable that publishers, webhook handlers and
// tests share. It is safe for concurrent use. The zero value has no name, so publishing
// it returns [ErrInvalid].
type EventType[T any] struct {
	name string
}

// DefineEvent returns the definition of the event with this name. It panics if the
// name is invalid, so that a mistake is found when the program starts.
func DefineEvent[T any](name string) EventType[T] {
	if err := protocol.CheckEventName(name); err != nil {
		panic("pusher: DefineEvent: " + err.Error())
	}
	return EventType[T]{name}
}

// Name returns the name of the event.
func (e EventType[T]) Name() string { return e.name }

// A Triggerer publishes an event to a channel. [Client] implements it; tests can use a
// mock. The interfaces MultiTriggerer, UserSender and MultiPublisher are alike.
type Triggerer interface {
	Trigger(ctx context.Context, channel, event string, data any, opts ...TriggerOption) (*TriggerResult, error)
}

// A MultiTriggerer publishes an event to several channels. [Client] implements it.
type MultiTriggerer interface {
	TriggerMulti(ctx context.Context, channels []string, event string, data any, opts ...TriggerOption) (*TriggerResult, error)
}

// A UserSender publishes an event to a signed-in user. [Client] implements it.
type UserSender interface {
	SendToUser(ctx context.Context, userID, event string, data any) error
}

// A MultiPublisher queues an event for several channels. [Publisher] implements it.
type MultiPublisher interface {
	PublishMulti(ctx context.Context, channels []string, event Event) error
}

// Trigger publishes the event to a channel; see [Client.Trigger].
func (e EventType[T]) Trigger(ctx context.Context, c Triggerer, channel string, data T, opts ...TriggerOption) (*TriggerResult, error) {
	return c.Trigger(ctx, channel, e.name, data, opts...)
}

// TriggerMulti publishes the event to up to 100 channels; see [Client.TriggerMulti].
func (e EventType[T]) TriggerMulti(ctx context.Context, c MultiTriggerer, channels []string, data T, opts ...TriggerOption) (*TriggerResult, error) {
	return c.TriggerMulti(ctx, channels, e.name, data, opts...)
}

// TriggerAsync publishes the event in the background; see [Client.TriggerAsync].
func (e EventType[T]) TriggerAsync(ctx context.Context, c *Client, channel string, data T, opts ...TriggerOption) *Future[*TriggerResult] {
	return c.TriggerAsync(ctx, channel, e.name, data, opts...)
}

// SendToUser publishes the event to a signed-in user; see [Client.SendToUser].
func (e EventType[T]) SendToUser(ctx context.Context, c UserSender, userID string, data T) error {
	return c.SendToUser(ctx, userID, e.name, data)
}

// PublishMulti queues the event for any number of channels; see
// [Publisher.PublishMulti].
func (e EventType[T]) PublishMulti(ctx context.Context, p MultiPublisher, channels []string, data T) error {
	return p.PublishMulti(ctx, channels, Event{Name: e.name, Data: data})
}

// On returns the event for a channel, for [Client.TriggerBatch] and
// [Publisher.Publish].
func (e EventType[T]) On(channel string, data T) Event {
	return Event{Channel: channel, Name: e.name, Data: data}
}

// Decode returns the data of a received event: a client event of a webhook, or an
// event recorded by package pushertest. It returns [ErrInvalid] if data is not the JSON
// of a T. If T is string, []byte or [json.RawMessage], which are published
// unchanged, data is returned unchanged.
func (e EventType[T]) Decode(data string) (T, error) {
	var value T
	switch target := any(&value).(type) {
	case *string:
		*target = data
	case *[]byte:
		*target = []byte(data)
	case *json.RawMessage:
		*target = json.RawMessage(data)
	default:
		if err := json.Unmarshal([]byte(data), &value); err != nil {
			var none T
			return none, invalid("Decode", fmt.Errorf("data of event %q: %w", e.name, safe(err)))
		}
	}
	return value, nil
}
