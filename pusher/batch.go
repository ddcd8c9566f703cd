package pusher

import (
	"context"
	"fmt"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/compat"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// TriggerBatch publishes 1 to 10 events, each to one channel, in a single request.
// Limits and errors are those of [Client.Trigger]; an error that is [ErrInvalid]
// names the event that breaks a limit, and no event is sent. The result has one
// entry per event if any of them requests info.
//
// Source: Pusher HTTP API reference, "POST batch_events (trigger multiple events)".
func (c *Client) TriggerBatch(ctx context.Context, events []Event) (*BatchResult, error) {
	const op = "TriggerBatch"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if len(events) == 0 || len(events) > protocol.MaxBatch {
		return nil, invalid(op, fmt.Errorf("%d events: want 1 to %d", len(events), protocol.MaxBatch))
	}
	batch := make([]gen.BatchEvent, len(events))
	for i := range events {
		var err error
		if batch[i], err = c.prepareEvent(&events[i]); err != nil {
			return nil, invalid(op, fmt.Errorf("event %d: %w", i, err))
		}
	}
	return c.sendBatch(ctx, call{op: op, channels: len(batch), events: len(batch)}, batch)
}

func (c *Client) sendBatch(ctx context.Context, call call, batch []gen.BatchEvent) (*BatchResult, error) {
	req, err := gen.NewTriggerBatchRequest(c.server, c.app.AppID, gen.BatchRequest{Batch: batch})
	if err != nil {
		return nil, invalid(call.op, err)
	}
	return send(c, ctx, call, req, compat.BatchResult)
}
