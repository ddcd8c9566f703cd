package pushertest

import (
	"encoding/json"
	"slices"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// userData describes a signed-in user.
//
// Source: Pusher Channels docs, "Authenticating users".
type userData struct {
	ID        string
	Info      json.RawMessage
	Watchlist []string // at most protocol.MaxWatchlist

	watchlistTooLong bool
}

// handleSignin signs the client in and sends it which of the users on its watchlist
// are online. The caller holds the lock, as for all functions of this file except
// terminate.
func (s *state) handleSignin(c *client, data json.RawMessage) error {
	var auth, text string
	if err := decodeData(data, map[string]any{"auth": &auth, "user_data": &text}); err != nil {
		return err
	}
	if err := s.verify(auth, c.socketID+"::user::"+text, "signing in"); err != nil {
		return err
	}
	user, err := decodeUser(text)
	if err != nil {
		return err
	}
	if c.user != nil && c.user.ID != user.ID {
		return protocolErrorf(textSignedInAlready)
	}
	c.transport.send(message{Event: eventSignedIn, Data: jsonText(map[string]string{"user_data": text})}.encode())
	if c.user == nil {
		s.signIn(c, user)
	}
	return nil
}

// decodeUser decodes and checks user_data. Its size is limited without the watchlist,
// because a watchlist of valid user IDs can be longer than the limit.
func decodeUser(text string) (*userData, error) {
	var properties map[string]json.RawMessage
	user := &userData{}
	fields := map[string]any{"id": &user.ID, "user_info": &user.Info, "watchlist": &user.Watchlist}
	if json.Unmarshal([]byte(text), &properties) != nil || decodeObject([]byte(text), fields) != nil {
		return nil, protocolErrorf(textUserData, "it is not a JSON object with a string id and a list of strings as watchlist")
	}
	delete(properties, "watchlist")
	if n := len(encodeJSON(properties)); n > protocol.MaxMemberBytes {
		return nil, protocolErrorf(textUserData, tooLong(n))
	}
	if err := protocol.CheckUserID(user.ID); err != nil {
		return nil, protocolErrorf(textUserData, err)
	}
	if !isObjectOrAbsent(user.Info) {
		return nil, protocolErrorf(textUserData, "user_info is not a JSON object")
	}
	user.Watchlist = unique(user.Watchlist)
	if len(user.Watchlist) > protocol.MaxWatchlist {
		user.Watchlist, user.watchlistTooLong = user.Watchlist[:protocol.MaxWatchlist], true
	}
	if err := protocol.CheckWatchlist(user.Watchlist); err != nil {
		return nil, protocolErrorf(textUserData, err)
	}
	return user, nil
}

func (s *state) signIn(c *client, user *userData) {
	c.user = user
	isFirst := len(s.online[user.ID]) == 0
	s.online[user.ID] = append(s.online[user.ID], c)

	if user.watchlistTooLong {
		c.sendError(protocolErrorCode(codeWatchlist, textWatchlist, protocol.MaxWatchlist))
	}
	for _, id := range user.Watchlist {
		s.watchers[id] = append(s.watchers[id], c)
	}
	if isFirst {
		s.notifyWatchers(user.ID, "online", c)
	}
	s.sendWatchlist(c)
}

// signOut does nothing if the client is not signed in.
func (s *state) signOut(c *client) {
	if c.user == nil {
		return
	}
	for _, id := range c.user.Watchlist {
		deleteClient(s.watchers, id, c)
	}
	deleteClient(s.online, c.user.ID, c)
	if len(s.online[c.user.ID]) == 0 {
		s.notifyWatchers(c.user.ID, "offline", c)
	}
	c.user = nil
}

// deleteClient deletes a client from a user's list.
func deleteClient(lists map[string][]*client, userID string, c *client) {
	list := slices.DeleteFunc(lists[userID], func(other *client) bool { return other == c })
	if lists[userID] = list; len(list) == 0 {
		delete(lists, userID)
	}
}

// terminate closes the connections that are signed in as the user. Connections that
// are only members of a presence channel under the user's ID stay open.
//
// Source: Pusher Channels docs, "Terminating user connections". The code is that of
// compatible servers; Pusher's is not known.
func (s *state) terminate(userID string) {
	s.mu.Lock()
	s.terminated = appendLimited(s.terminated, s.maxEvents, userID)
	for _, c := range slices.Clone(s.online[userID]) {
		s.remove(c)
		c.transport.close(codeUnauthorized, textTerminated)
	}
	s.mu.Unlock()
	s.debug("user terminated", "user_id", userID)
}
