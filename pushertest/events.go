package pushertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// An Event was triggered on one channel. A trigger on several channels makes one
// of each.
type Event struct {
	Channel  string // "#server-to-user-ID" if it was sent to a user
	Name     string
	Data     string    // as sent: not decoded, not decrypted
	SocketID string    // the connection left out, or ""
	Info     string    // the attributes asked for, separated by commas, or ""
	Time     time.Time // by the server's clock
}

// Events returns everything triggered so far, in order. An event is recorded
// before its request is answered. Nothing is ever forgotten, so a server that runs
// for long grows.
func (s *Server) Events() []Event {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return slices.Clone(s.state.events)
}

// WaitForEvent returns the first event that match is true for, of those already
// recorded and those to come. A nil match takes any. Each event is shown to match
// once, in order.
//
// If ctx ends first, the error is its cause; if the server is closed first, it is
// [http.ErrServerClosed].
func (s *Server) WaitForEvent(ctx context.Context, match func(Event) bool) (Event, error) {
	seen := 0
	for {
		events, more := s.state.eventsFrom(seen)
		for _, event := range events {
			if match == nil || match(event) {
				return event, nil
			}
		}
		seen += len(events)
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("pushertest: %d events, none matched: %w", seen, context.Cause(ctx))
		case <-s.closing:
			return Event{}, fmt.Errorf("pushertest: %d events, none matched: %w", seen, http.ErrServerClosed)
		}
	}
}
