package pusher

import (
	"context"
	"fmt"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// TriggerBatch publishes 1 to 10 events, each to one channel, in a single request.
// See [Client.Trigger] for limits and errors. If an event breaks a limit, TriggerBatch
// returns [ErrInvalid] with the index of the event, and sends none. The result has one
// entry per event if any event requests info.
//
// Source: Pusher HTTP API reference, "POST batch_events (trigger multiple events)".
func (c *Client) TriggerBatch(ctx context.Context, events []Event) (*BatchResult, error) {
	const op = "TriggerBatch"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	return c.triggerBatch(ctx, op, events)
}

func (c *Client) triggerBatch(ctx context.Context, op string, events []Event) (*BatchResult, error) {
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
	return c.sendBatch(ctx, callInfo{op: op, channels: len(batch), events: len(batch)}, batch)
}

func (c *Client) sendBatch(ctx context.Context, info callInfo, batch []gen.BatchEvent) (*BatchResult, error) {
	resp, err := c.gen(info).TriggerBatchWithResponse(ctx, c.app.AppID, gen.BatchRequest{Batch: batch})
	if err != nil {
		return nil, callError(info.op, err)
	}
	return resp.JSON200, nil
}
