package pusher

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// An item is what waits in a lane: an event, ready to be sent, or a flush.
type item struct {
	event Event
	text  string        // of the event's data
	since time.Duration // when it was queued, from the start of the publisher
	multi *multi        // the same of all items that differ only in the channel
	flush *flush
}

// fill captures what may change after the event has been queued.
func (c *Client) fill(it *item, event *Event) error {
	if err := protocol.CheckTarget(event.Channel); err != nil {
		return err
	}
	text, err := c.prepare(event.Channel, event.Name, event.Data, delivery{excluded: event.SocketID, info: event.Info})
	if err != nil {
		return err
	}
	it.event, it.text = *event, text
	if event.Info != nil {
		it.event.Info = slices.Clone(event.Info)
	}
	return nil
}

// enter takes a place in the queue.
func (p *Publisher) enter(ctx context.Context) *Error {
	if err := ctx.Err(); err != nil {
		return &Error{Kind: ErrHTTP, Err: err}
	}
	if p.tryEnter() {
		return nil
	}
	if r := p.reportOf(ctx); r != nil {
		// It holds up a lane, and must not wait for what that lane would do.
		if r.bequeath() {
			return nil
		}
		return &Error{Kind: ErrQueueFull}
	}
	if p.refuse {
		return &Error{Kind: ErrQueueFull}
	}
	select {
	case p.places <- struct{}{}:
		return nil
	case <-p.closed:
		return &Error{Kind: ErrClosed}
	case <-ctx.Done():
		return &Error{Kind: ErrQueueFull, Err: ctx.Err()}
	}
}

func (p *Publisher) tryEnter() bool {
	select {
	case p.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *Publisher) leave() { <-p.places }

func (p *Publisher) lane(channel string) *lane { return p.lanes[p.laneIndex(channel)] }

func (p *Publisher) laneIndex(channel string) int {
	return int(maphash.String(p.seed, channel) % uint64(len(p.lanes)))
}
