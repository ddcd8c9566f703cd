package pushertest

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// A Connection is an open connection of a client, or a [Subscriber].
type Connection struct {
	SocketID string
	Client   string    // library that the client names in its URL, such as "js", or ""
	UserID   string    // ID of the signed-in user, or ""
	Channels []string  // in alphabetical order
	Opened   time.Time // time of the server's clock
}

// Connections returns the open connections, the oldest first.
func (s *Server) Connections() []Connection {
	if s.ready("Connections") != nil {
		return nil
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	connections := make([]Connection, 0, len(s.state.clients))
	for id, c := range s.state.clients {
		connection := Connection{SocketID: id, Client: c.library, Channels: slices.Sorted(maps.Keys(c.subscriptions)), Opened: c.opened}
		if c.user != nil {
			connection.UserID = c.user.ID
		}
		connections = append(connections, connection)
	}
	slices.SortFunc(connections, func(a, b Connection) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.SocketID, b.SocketID))
	})
	return connections
}
