package pushertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// An Event is an event triggered on one channel. A request that triggers an event on
// several channels is recorded as one Event per channel.
type Event struct {
	Channel string // "#server-to-user-ID" for an event to a user
	Name    string

	// Data is the data as sent, usually JSON. It is neither decoded nor decrypted.
	// The Decode method of a pusher.EventType decodes it.
	Data string

	SocketID string    // socket ID of the excluded connection, or ""
	Info     string    // requested attributes, separated by commas, or ""
	Time     time.Time // time of the server's clock

	// Connections is the number of connections and subscribers that received the event.
	Connections int
}

// Events returns the events triggered so far, in order. An event is recorded before
// the response to its request is sent. All events are kept unless [WithMaxEvents] sets
// a limit.
func (s *Server) Events() []Event {
	if s.ready("Events") != nil {
		return nil
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return slices.Clone(s.state.events)
}

// WaitForEvent returns the first event for which match returns true, from the
// recorded events and those that follow. A nil match accepts any event. Match is
// called once for each event, in order.
//
// If ctx is done first, the error wraps its cause. If the server is closed first, the
// error wraps [http.ErrServerClosed].
func (s *Server) WaitForEvent(ctx context.Context, match func(Event) bool) (Event, error) {
	if err := s.ready("WaitForEvent"); err != nil {
		return Event{}, err
	}
	seen := 0
	for {
		events, total, recorded := s.state.eventsSince(seen)
		for _, event := range events {
			if match == nil || match(event) {
				return event, nil
			}
		}
		seen = total
		select {
		case <-recorded:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("pushertest: WaitForEvent: no match in %d events: %w", seen, context.Cause(ctx))
		case <-s.closing.Done():
			return Event{}, fmt.Errorf("pushertest: WaitForEvent: no match in %d events: %w", seen, http.ErrServerClosed)
		}
	}
}
