package pushertest

import "slices"

// A watchlistEvent tells who of those that a user watches came or went.
//
// Source: Pusher Channels docs, "Watchlist events"; the form is that which
// pusher-js reads.
type watchlistEvent struct {
	Name    string   `json:"name"` // "online" or "offline"
	UserIDs []string `json:"user_ids"`
}

func watchlistMessage(events ...watchlistEvent) message {
	return message{Event: eventWatchlist, Data: quoted(map[string][]watchlistEvent{"events": events})}
}

// tellWatchers tells all who watch a user, but one, that it comes or goes. The
// caller holds the lock, as it does for tellWatchlist.
func (s *state) tellWatchers(userID, name string, except *peer) {
	watchers := s.watchers[userID]
	if len(watchers) == 0 {
		return
	}
	f := watchlistMessage(watchlistEvent{name, []string{userID}}).frame()
	for _, p := range watchers {
		if p != except {
			p.outlet.send(f)
		}
	}
}

// tellWatchlist tells a peer which of those it watches are online.
func (s *state) tellWatchlist(p *peer) {
	online, offline := watchlistEvent{Name: "online"}, watchlistEvent{Name: "offline"}
	for _, id := range p.user.Watchlist {
		event := &offline
		if len(s.online[id]) > 0 {
			event = &online
		}
		event.UserIDs = append(event.UserIDs, id)
	}
	events := slices.DeleteFunc([]watchlistEvent{online, offline}, func(e watchlistEvent) bool { return e.UserIDs == nil })
	if len(events) > 0 {
		p.outlet.send(watchlistMessage(events...).frame())
	}
}
