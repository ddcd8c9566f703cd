package pusher

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// multi is an event for many channels.
type multi struct {
	model item
	plain string // its data, encoded and not encrypted
}

// PublishMulti queues the event once for each of the channels, as one call of
// [Publisher.Publish] for each would, and each is reported by itself; a channel
// given twice counts once. They need fewer requests: channels on one lane share a
// request, up to 100 in each. Encrypted channels may be among them. The Channel of
// event has to be empty.
//
// On an error that is [ErrInvalid] nothing was queued. When the queue gets full or
// is closed halfway, the error tells how many channels were queued.
func (p *Publisher) PublishMulti(ctx context.Context, channels []string, event Event) error {
	const op = "PublishMulti"
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	shared, err := p.client.newMulti(channels, event)
	if err != nil {
		return refused(op, err)
	}
	channels = distinct(channels)
	queued := 0
	for i, group := range p.byLane(channels) {
		n, failure := p.queue(ctx, p.lanes[i], shared, group)
		queued += n
		if failure != nil {
			p.stats.refuse(failure, len(channels)-queued)
			failure.Op = op
			failure.Message = fmt.Sprintf("%d of %d channels were queued", queued, len(channels))
			return failure
		}
	}
	return nil
}

// newMulti refuses what could be refused later, when a part is queued already.
func (c *Client) newMulti(channels []string, event Event) (*multi, error) {
	switch {
	case event.Channel != "":
		return nil, fmt.Errorf("the event names channel %q beside the others", event.Channel)
	case len(channels) == 0:
		return nil, errors.New("no channels")
	}
	plain, err := encode(event.Data)
	if err != nil {
		return nil, err
	}
	m := &multi{plain: plain}
	checked := map[bool]bool{} // the data, encrypted or not
	for _, channel := range channels {
		if err := protocol.CheckTarget(channel); err != nil {
			return nil, err
		}
		encrypted := protocol.IsEncrypted(channel)
		if checked[encrypted] {
			continue
		}
		checked[encrypted] = true
		one := event
		one.Channel, one.Data = channel, plain
		if err := c.fill(&m.model, &one); err != nil {
			return nil, err
		}
	}
	event.Info = m.model.event.Info
	m.model.event, m.model.text, m.model.multi = event, plain, m
	return m, nil
}

// on is the item for one channel. The ciphertext of each channel is another.
func (m *multi) on(c *Client, channel string) item {
	one := m.model
	one.event.Channel = channel
	if protocol.IsEncrypted(channel) {
		sealed, _ := c.masterKey.Encrypt(channel, []byte(m.plain)) // fails for other channels
		one.text, one.multi = string(sealed), nil
	}
	return one
}

// distinct drops repetitions, which a shared request would deliver once and
// separate ones twice.
func distinct(channels []string) []string {
	seen := make(map[string]bool, len(channels))
	return slices.DeleteFunc(slices.Clone(channels), func(channel string) bool {
		again := seen[channel]
		seen[channel] = true
		return again
	})
}

func (p *Publisher) byLane(channels []string) [][]string {
	groups := make([][]string, len(p.lanes))
	for _, channel := range channels {
		i := p.laneIndex(channel)
		groups[i] = append(groups[i], channel)
	}
	return groups
}

// queue puts the event on channels of one lane, as many at a time as there is room
// for. It never waits while it has places that it does not use.
func (p *Publisher) queue(ctx context.Context, l *lane, m *multi, channels []string) (queued int, failure *Error) {
	for queued < len(channels) {
		if failure := p.enter(ctx); failure != nil {
			return queued, failure
		}
		places := 1
		for places < min(len(channels)-queued, protocol.MaxChannels) && p.tryEnter() {
			places++
		}
		items := make([]item, places)
		for i := range items {
			items[i] = m.on(p.client, channels[queued+i])
		}
		if !l.push(items) {
			for range places {
				p.leave()
			}
			return queued, &Error{Kind: ErrClosed}
		}
		queued += places
	}
	return queued, nil
}
