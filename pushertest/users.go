package pushertest

import (
	"encoding/json"
	"slices"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// userData says who a signed-in user is.
//
// Source: Pusher Channels docs, "Authenticating users".
type userData struct {
	ID        string          `json:"id"`
	Info      json.RawMessage `json:"user_info"`
	Watchlist []string        `json:"watchlist"`
}

// signIn makes the peer a connection of a user, and tells it who of those it
// watches is online. The caller holds the lock, as it does for all below.
func (s *state) signIn(p *peer, data json.RawMessage) error {
	var ask struct {
		Auth     string `json:"auth"`
		UserData string `json:"user_data"`
	}
	if err := hash(data, &ask); err != nil {
		return err
	}
	if err := s.verify("signing in", ask.Auth, p.socketID+"::user::"+ask.UserData); err != nil {
		return err
	}
	user, err := parseUser(ask.UserData)
	if err != nil {
		return err
	}
	if p.user != nil && p.user.ID != user.ID {
		return complain(textSignedInAlready)
	}
	p.outlet.send(message{Event: eventSigninDone, Data: quoted(map[string]string{"user_data": ask.UserData})}.frame())
	if p.user == nil {
		s.signedIn(p, user)
	}
	return nil
}

func parseUser(text string) (*userData, error) {
	var user userData
	if err := json.Unmarshal([]byte(text), &user); err != nil {
		return nil, complain(textUserData, "it is not a JSON object with a string id and a list of strings as watchlist")
	}
	if err := protocol.CheckUserID(user.ID); err != nil {
		return nil, complain(textUserData, err)
	}
	if !isHash(user.Info) {
		return nil, complain(textUserData, "user_info is no JSON object")
	}
	return &user, nil
}

func (s *state) signedIn(p *peer, user *userData) {
	p.user = user
	isFirst := len(s.online[user.ID]) == 0
	s.online[user.ID] = append(s.online[user.ID], p)

	user.Watchlist = unique(user.Watchlist)
	if len(user.Watchlist) > protocol.MaxWatchlist {
		user.Watchlist = user.Watchlist[:protocol.MaxWatchlist]
		p.tell(complainCode(codeWatchlist, textWatchlist, protocol.MaxWatchlist))
	}
	for _, id := range user.Watchlist {
		s.watchers[id] = append(s.watchers[id], p)
	}
	if isFirst {
		s.tellWatchers(user.ID, "online", p)
	}
	s.tellWatchlist(p)
}

// signOut ends what signing in began. On a peer that has not, it does nothing.
func (s *state) signOut(p *peer) {
	if p.user == nil {
		return
	}
	for _, id := range p.user.Watchlist {
		drop(s.watchers, id, p)
	}
	drop(s.online, p.user.ID, p)
	if len(s.online[p.user.ID]) == 0 {
		s.tellWatchers(p.user.ID, "offline", p)
	}
	p.user = nil
}

// drop takes a peer from the list of that key.
func drop(lists map[string][]*peer, key string, p *peer) {
	list := slices.DeleteFunc(lists[key], func(other *peer) bool { return other == p })
	if lists[key] = list; len(list) == 0 {
		delete(lists, key)
	}
}

// terminate ends the connections of a user that have signed in; those that are
// only on a presence channel stay.
//
// Source: Pusher Channels docs, "Terminating user connections". The code is that
// of compatible servers; production's is not on record.
func (s *state) terminate(userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terminated = append(s.terminated, userID)
	for _, p := range slices.Clone(s.online[userID]) {
		s.remove(p)
		p.outlet.close(codeUnauthorized, textTerminated)
	}
}
