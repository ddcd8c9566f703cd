package pushertest

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxMembers is how many a presence channel can have.
//
// Source: Pusher Channels docs, "Presence channels".
const maxMembers = 100

// A member is a user on a presence channel, with one connection or several. What
// it is known by is what its first connection said.
type member struct {
	id          string
	info        json.RawMessage // an object, or nil
	connections int
}

// memberOf returns the member that the peer wants to be: what its channel_data
// says or, without, the user it has signed in as.
//
// Source: Pusher Channels docs, "Presence channels".
func (p *peer) memberOf(ask subscription) (*member, error) {
	if ask.ChannelData == nil {
		if p.user == nil {
			return nil, complain(textNoMember)
		}
		return &member{id: p.user.ID, info: p.user.Info}, nil
	}
	if len(*ask.ChannelData) > protocol.MaxMemberBytes {
		return nil, complain(textChannelData, "it is too long")
	}
	var data struct {
		UserID json.RawMessage `json:"user_id"`
		Info   json.RawMessage `json:"user_info"`
	}
	if err := json.Unmarshal([]byte(*ask.ChannelData), &data); err != nil {
		return nil, complain(textChannelData, "it is no JSON object")
	}
	id, ok := idOf(data.UserID)
	if !ok {
		return nil, complain(textChannelData, "user_id is not a string of 1 to 128 characters or a number")
	}
	if !isHash(data.Info) {
		return nil, complain(textUserInfo)
	}
	return &member{id: id, info: data.Info}, nil
}

// idOf returns a user_id, which may be a number. It goes on as a string.
func idOf(raw json.RawMessage) (string, bool) {
	var id string
	if err := json.Unmarshal(raw, &id); err != nil {
		var number json.Number
		if json.Unmarshal(raw, &number) != nil {
			return "", false
		}
		id = number.String()
	}
	return id, id != "" && len(id) <= protocol.MaxMemberIDLength
}

// isHash tells whether raw is a JSON object or is not there.
func isHash(raw json.RawMessage) bool {
	return len(raw) == 0 || raw[0] == '{' || bytes.Equal(raw, []byte("null"))
}

// enter has the peer subscribe to a presence channel as m. The others hear of m
// with its first connection only.
func (s *state) enter(p *peer, name string, m *member) error {
	c := s.channel(name)
	known := c.member(m.id)
	isNew := known == nil && !slices.Contains(c.elsewhere.users, m.id)
	if isNew && len(c.users()) >= maxMembers {
		s.forget(name)
		return complain(textMembersFull, maxMembers)
	}
	if known == nil {
		known = m
		c.members = append(c.members, m)
	}
	known.connections++
	s.add(p, name, m.id)
	p.outlet.send(message{Event: eventSubscribed, Channel: name, Data: quoted(c.roll())}.frame())
	if isNew {
		s.broadcast(c, message{Event: eventMemberAdded, Channel: name, Data: quoted(memberData{m.id, m.info})}, p)
		s.hooks.came(hook{Name: hookMemberAdded, Channel: name, UserID: m.id})
	}
	return nil
}

// exit takes a connection of the member away, and the member with the last one.
func (s *state) exit(c *channel, name, id string) {
	m := c.member(id)
	if m.connections--; m.connections > 0 {
		return
	}
	c.members = slices.DeleteFunc(c.members, func(other *member) bool { return other == m })
	if slices.Contains(c.elsewhere.users, id) {
		return
	}
	s.broadcast(c, message{Event: eventMemberGone, Channel: name, Data: quoted(memberData{UserID: id})}, nil)
	s.hooks.left(hook{Name: hookMemberRemoved, Channel: name, UserID: id})
}

type memberData struct {
	UserID string          `json:"user_id"`
	Info   json.RawMessage `json:"user_info,omitempty"`
}

func (c *channel) member(id string) *member {
	for _, m := range c.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// users returns the IDs of all who are on the channel.
func (c *channel) users() []string {
	ids := slices.Clone(c.elsewhere.users)
	for _, m := range c.members {
		if !slices.Contains(c.elsewhere.users, m.id) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// A roll is what a new subscriber is told of the members.
type roll struct {
	Presence struct {
		IDs   []string                   `json:"ids"`
		Hash  map[string]json.RawMessage `json:"hash"`
		Count int                        `json:"count"`
	} `json:"presence"`
}

func (c *channel) roll() roll {
	var r roll
	r.Presence.IDs = c.users()
	r.Presence.Count = len(r.Presence.IDs)
	r.Presence.Hash = make(map[string]json.RawMessage, r.Presence.Count)
	for _, id := range r.Presence.IDs {
		r.Presence.Hash[id] = nil
		if m := c.member(id); m != nil {
			r.Presence.Hash[id] = m.info
		}
	}
	return r
}
