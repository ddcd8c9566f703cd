package pushertest

import (
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxClientEvents limits the client events that a connection sends in a second.
//
// Source: Pusher Channels docs, "Client events".
const maxClientEvents = 10

// A rateLimit counts events in windows of a second. A window starts with the first
// event after the end of the previous one.
type rateLimit struct {
	start time.Time
	count int
}

// exceeded counts an event and reports whether it is over the limit. If the clock was
// set back, a new window starts.
func (r *rateLimit) exceeded(now time.Time) bool {
	if elapsed := now.Sub(r.start); elapsed >= time.Second || elapsed < 0 {
		*r = rateLimit{start: now}
	}
	r.count++
	return r.count > maxClientEvents
}

// handleClientEvent relays an event to the channel's other subscribers and to
// webhooks. The caller holds the lock.
func (s *state) handleClientEvent(c *client, r request) error {
	switch {
	case !s.clientEvents:
		return protocolErrorf(textClientEventsOff)
	case r.Channel == "" || r.Data == nil:
		return protocolErrorf(textClientEvent)
	case !protocol.IsPrivate(r.Channel) && !protocol.IsPresence(r.Channel):
		return protocolErrorf(textClientEventChannel)
	case len(r.Data) > s.maxEventBytes:
		return protocolErrorf(textClientEventLarge, s.maxEventBytes)
	}
	if err := protocol.CheckEventName(r.Event); err != nil {
		return protocolErrorf(textClientEventName, err)
	}
	memberID, ok := c.subscriptions[r.Channel]
	if !ok {
		return protocolErrorf(textNotSubscribed)
	}
	if c.rate.exceeded(s.now()) {
		return protocolErrorCode(codeClientEventRate, textClientEventRate, maxClientEvents)
	}
	s.broadcast(s.channel(r.Channel), message{Event: r.Event, Channel: r.Channel, Data: r.Data, UserID: memberID}, c)
	s.webhooks.post(webhookEvent{
		Name: webhookClientEvent, Channel: r.Channel,
		Event: r.Event, Data: stringOrJSON(r.Data), SocketID: c.socketID, UserID: memberID,
	})
	return nil
}
