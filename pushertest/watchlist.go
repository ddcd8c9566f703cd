package pushertest

import "slices"

// A watchlistEvent reports which watched users came online or went offline.
//
// Source: Pusher Channels docs, "Watchlist events". The JSON is what pusher-js
// reads.
type watchlistEvent struct {
	Name    string   `json:"name"` // "online" or "offline"
	UserIDs []string `json:"user_ids"`
}

func watchlistMessage(events ...watchlistEvent) message {
	return message{Event: eventWatchlist, Data: jsonText(map[string][]watchlistEvent{"events": events})}
}

// notifyWatchers sends to all clients that watch a user, except one, that the user
// came online or went offline. The caller holds the lock, as for sendWatchlist.
func (s *state) notifyWatchers(userID, name string, except *client) {
	watchers := s.watchers[userID]
	if len(watchers) == 0 {
		return
	}
	encoded := watchlistMessage(watchlistEvent{name, []string{userID}}).encode()
	for _, c := range watchers {
		if c != except {
			c.transport.send(encoded)
		}
	}
}

// sendWatchlist sends a client which of the users it watches are online.
func (s *state) sendWatchlist(c *client) {
	online, offline := watchlistEvent{Name: "online"}, watchlistEvent{Name: "offline"}
	for _, id := range c.user.Watchlist {
		event := &offline
		if len(s.online[id]) > 0 {
			event = &online
		}
		event.UserIDs = append(event.UserIDs, id)
	}
	events := slices.DeleteFunc([]watchlistEvent{online, offline}, func(e watchlistEvent) bool { return e.UserIDs == nil })
	if len(events) > 0 {
		c.transport.send(watchlistMessage(events...).encode())
	}
}
