package pusher

import (
	"context"
	"fmt"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// An Event is one event of a batch. Data is encoded as at [Client.Trigger].
type Event struct {
	Channel  string
	Name     string
	Data     any
	SocketID string      // a connection that shall not receive it; empty for none
	Info     []Attribute // what to tell about the channel
}

// TriggerBatch publishes 1 to 10 events, each on one channel, in one request.
// Limits and errors are as at [Client.Trigger]; an error that is [ErrInvalid]
// names the event that broke a limit, and then nothing was sent. The result has
// an entry an event if any of them asked for info.
//
// Source: Pusher HTTP API reference, "POST batch_events (trigger multiple
// events)".
func (c *Client) TriggerBatch(ctx context.Context, events []Event) (*BatchResult, error) {
	const op = "TriggerBatch"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if len(events) == 0 || len(events) > protocol.MaxBatch {
		return nil, refused(op, fmt.Errorf("%d events: want 1 to %d", len(events), protocol.MaxBatch))
	}
	batch := make([]gen.BatchEvent, len(events))
	for i := range events {
		if err := c.prepareBatch(&batch[i], &events[i]); err != nil {
			return nil, refused(op, fmt.Errorf("event %d: %w", i, err))
		}
	}
	answer, err := c.api.TriggerBatchWithResponse(ctx, c.app.AppID, gen.BatchRequest{Batch: batch})
	if err != nil {
		return nil, failed(op, err)
	}
	return answer.JSON200, nil
}

func (c *Client) prepareBatch(item *gen.BatchEvent, event *Event) error {
	if err := protocol.CheckTarget(event.Channel); err != nil {
		return err
	}
	text, err := c.prepare(event.Channel, event.Name, event.Data, delivery{excluded: event.SocketID, info: event.Info})
	if err != nil {
		return err
	}
	*item = gen.BatchEvent{
		Channel:  event.Channel,
		Name:     event.Name,
		Data:     text,
		SocketID: optional(event.SocketID),
		Info:     join(event.Info),
	}
	return nil
}
