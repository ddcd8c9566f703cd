package pushertest

import (
	"encoding/json"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxClientEvents is how many client events a connection may send in a second.
//
// Source: Pusher Channels docs, "Client events".
const maxClientEvents = 10

// A rate counts events in the second that the first of them began.
type rate struct {
	since time.Time
	count int
}

func (r *rate) exceeded(now time.Time) bool {
	if past := now.Sub(r.since); past >= time.Second || past < 0 {
		*r = rate{since: now}
	}
	r.count++
	return r.count > maxClientEvents
}

// clientEvent relays what a subscriber has to say to the others, and to webhooks.
// The caller holds the lock.
func (s *state) clientEvent(p *peer, r request) error {
	switch {
	case !s.clientEvents:
		return complain(textClientEventsOff)
	case r.Channel == "" || r.Data == nil:
		return complain(textClientEvent)
	case !protocol.IsPrivate(r.Channel) && !protocol.IsPresence(r.Channel):
		return complain(textClientEventPlace)
	case len(r.Data) > s.maxEventBytes:
		return complain(textClientEventLarge, s.maxEventBytes)
	}
	if err := protocol.CheckEventName(r.Event); err != nil {
		return complain("Client event rejected - %v", err)
	}
	userID, ok := p.subscriptions[r.Channel]
	if !ok {
		return complain(textClientEventFirst)
	}
	if p.rate.exceeded(s.now()) {
		return complainCode(codeClientEventRate, textClientEventRate, maxClientEvents)
	}
	s.broadcast(s.channel(r.Channel), message{Event: r.Event, Channel: r.Channel, Data: r.Data, UserID: userID}, p)
	s.hooks.post(hook{
		Name: hookClientEvent, Channel: r.Channel,
		Event: r.Event, Data: textOf(r.Data), SocketID: p.socketID, UserID: userID,
	})
	return nil
}

// textOf returns the text of a JSON string, or else the JSON itself.
func textOf(data json.RawMessage) string {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return string(data)
	}
	return text
}
