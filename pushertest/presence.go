package pushertest

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxMembers limits the members of a presence channel.
//
// Source: Pusher Channels docs, "Presence channels".
const maxMembers = 100

// A member is a user on a presence channel. If a user has several connections, info is
// the user_info of the first one.
type member struct {
	id          string
	info        json.RawMessage // an object, or nil
	connections int
}

// newMember returns the member that subscribes: the one described by channel_data
// or, if there is none, the signed-in user.
//
// Source: Pusher Channels docs, "Presence channels".
func (c *client) newMember(sub subscription) (*member, error) {
	if sub.ChannelData == "" {
		if c.user == nil {
			return nil, protocolErrorf(textNoMember)
		}
		// A signed-in user's ID may be longer than a member's.
		if err := protocol.CheckMemberID(c.user.ID); err != nil {
			return nil, protocolErrorf(textMember, err)
		}
		return &member{id: c.user.ID, info: c.user.Info}, nil
	}
	if n := len(sub.ChannelData); n > protocol.MaxMemberBytes {
		return nil, protocolErrorf(textChannelData, tooLong(n))
	}
	var id, info json.RawMessage
	if decodeObject([]byte(sub.ChannelData), map[string]any{"user_id": &id, "user_info": &info}) != nil {
		return nil, protocolErrorf(textChannelData, "it is not a JSON object")
	}
	m := &member{info: info}
	var err error
	if m.id, err = decodeMemberID(id); err != nil {
		return nil, protocolErrorf(textChannelData, err)
	}
	if !isObjectOrAbsent(info) {
		return nil, protocolErrorf(textUserInfo)
	}
	return m, nil
}

func tooLong(n int) error {
	return errors.New("it has " + strconv.Itoa(n) + " bytes, at most " + strconv.Itoa(protocol.MaxMemberBytes) + " are allowed")
}

// decodeMemberID decodes a user_id, which is a string or an integer.
func decodeMemberID(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", errors.New("user_id is missing")
	}
	var id string
	if err := json.Unmarshal(raw, &id); err == nil {
		return id, protocol.CheckMemberID(id)
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return "", errors.New("user_id is neither a string nor an integer")
	}
	if _, err := strconv.ParseInt(number.String(), 10, 64); err != nil {
		return "", errors.New("user_id is neither a string nor an integer of 64 bits")
	}
	return number.String(), nil
}

// isObjectOrAbsent reports whether raw is a JSON object, null or missing.
func isObjectOrAbsent(raw json.RawMessage) bool {
	return len(raw) == 0 || raw[0] == '{' || string(raw) == "null"
}

// addMember subscribes the client to a presence channel. The other subscribers are
// notified only of a member's first connection. The caller holds the lock, as for
// all functions below.
func (s *state) addMember(c *client, name string, m *member) error {
	ch := s.channel(name)
	existing := ch.member(m.id)
	isNew := existing == nil && !slices.Contains(ch.external.users, m.id)
	if isNew && len(ch.users()) >= maxMembers {
		s.discardIfUnused(name)
		return protocolErrorf(textMembersFull, maxMembers)
	}
	if existing == nil {
		existing = m
		ch.members = append(ch.members, m)
	}
	existing.connections++
	s.addSubscriber(c, name, m.id)
	c.transport.send(message{Event: eventSubscribed, Channel: name, Data: jsonText(ch.presence())}.encode())
	if isNew {
		s.broadcast(ch, message{Event: eventMemberAdded, Channel: name, Data: jsonText(memberData{m.id, m.info})}, c)
		s.webhooks.postReturn(webhookEvent{Name: webhookMemberAdded, Channel: name, UserID: m.id})
	}
	return nil
}

// removeMember removes a connection of a member, and the member with its last
// connection.
func (s *state) removeMember(ch *channel, name, id string) {
	m := ch.member(id)
	if m.connections--; m.connections > 0 {
		return
	}
	ch.members = slices.DeleteFunc(ch.members, func(other *member) bool { return other == m })
	if slices.Contains(ch.external.users, id) {
		return
	}
	s.broadcast(ch, message{Event: eventMemberRemoved, Channel: name, Data: jsonText(memberData{UserID: id})}, nil)
	s.webhooks.postDeparture(webhookEvent{Name: webhookMemberRemoved, Channel: name, UserID: id})
}

type memberData struct {
	UserID string          `json:"user_id"`
	Info   json.RawMessage `json:"user_info,omitempty"`
}

func (ch *channel) member(id string) *member {
	for _, m := range ch.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// users returns the IDs of all members.
func (ch *channel) users() []string {
	ids := slices.Clone(ch.external.users)
	for _, m := range ch.members {
		if !slices.Contains(ch.external.users, m.id) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// presenceData is the data of subscription_succeeded on a presence channel.
type presenceData struct {
	Presence struct {
		IDs   []string                   `json:"ids"`
		Hash  map[string]json.RawMessage `json:"hash"`
		Count int                        `json:"count"`
	} `json:"presence"`
}

func (ch *channel) presence() presenceData {
	var data presenceData
	data.Presence.IDs = ch.users()
	data.Presence.Count = len(data.Presence.IDs)
	data.Presence.Hash = make(map[string]json.RawMessage, data.Presence.Count)
	for _, id := range data.Presence.IDs {
		data.Presence.Hash[id] = nil
		if m := ch.member(id); m != nil {
			data.Presence.Hash[id] = m.info
		}
	}
	return data
}
