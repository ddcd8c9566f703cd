package realtime

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// A Channel is a subscription. It is safe for concurrent use. [Conn.Subscribe] returns
// one.
type Channel struct {
	stream
	conn      *Conn
	member    *auth.Member  // of WithMember, or nil
	confirmed chan struct{} // closed when the server has confirmed it for the first time

	// The fields below are guarded by the mutex of conn.
	name        string
	user        *auth.User // for the channel of a signed-in user
	phase       phase
	isConfirmed bool
	waiting     int         // calls that wait for confirmed
	order       int         // of the message that the server has to confirm
	timer       *time.Timer // limits how long that may take
	lostAt      time.Time   // start of the gap, or zero
	successor   *Channel    // subscribes when the server has confirmed the end of this one

	members    map[string]string // info by ID
	key        *encryption.ChannelKey
	refreshing bool      // a goroutine requests a new key
	held       []message // cannot be decrypted before there is a new key
	heldBytes  int
}

func (c *Conn) newChannel(name string) *Channel {
	return &Channel{stream: newStream(), conn: c, name: name, confirmed: make(chan struct{})}
}

// Name returns the name of the channel.
func (ch *Channel) Name() string {
	ch.conn.mu.Lock()
	defer ch.conn.mu.Unlock()
	return ch.name
}

// Members returns the members of a presence channel, including the one of this
// connection, ordered by their IDs. They are as the server has last sent them, and so
// ahead of events that were not read yet.
func (ch *Channel) Members() []Member {
	ch.conn.mu.Lock()
	defer ch.conn.mu.Unlock()
	var list []Member
	for _, id := range slices.Sorted(maps.Keys(ch.members)) {
		list = append(list, Member{ID: id, Info: ch.members[id]})
	}
	return list
}

// Next returns the next event on the channel. It waits until there is one. Several
// readers share the events: each event is returned once.
//
// It returns [ErrClosed] after [Channel.Unsubscribe] and [Conn.Close], and the error of
// ctx if that is done. If the subscription or the connection has failed for good, it
// returns the reason, after all buffered events.
func (ch *Channel) Next(ctx context.Context) (Event, error) {
	e, err := ch.next(ctx)
	if err != nil {
		return Event{}, of("Next", ch.Name(), err)
	}
	return e, nil
}

// Events returns the events on the channel, see [Channel.Next], until ctx is done,
// [Channel.Unsubscribe] or [Conn.Close] is called. If the subscription or the
// connection fails for good, the last element is the error.
func (ch *Channel) Events(ctx context.Context) iter.Seq2[Event, error] {
	return ch.all(ctx, ch.Next)
}

// Unsubscribe ends the subscription. Events that were not read are discarded. A second
// call does nothing.
func (ch *Channel) Unsubscribe() {
	ch.conn.mu.Lock()
	defer ch.conn.mu.Unlock()
	if !ch.isEnded() {
		ch.conn.leave(ch)
	}
}

// handleOn handles a message on a channel. The caller holds the lock, as for
// updateMembers.
func (c *Conn) handleOn(s *session, ch *Channel, m message) {
	switch m.Event {
	case eventSubscribed:
		c.confirm(ch, m)
		return
	case eventSubscriptionError:
		if ch.phase == phaseSent {
			c.reject(ch, decodeError(m))
		}
		return
	}
	if ch.phase < phaseSent { // of a subscription that has ended
		return
	}
	e := Event{Kind: KindMessage, Channel: ch.name, Name: m.Event, Data: string(m.Data), UserID: string(m.UserID)}
	switch m.Event {
	case eventMemberAdded, eventMemberRemoved:
		if !ch.updateMembers(&e, m) {
			return
		}
	case eventCount:
		var data struct {
			Count int `json:"subscription_count"`
		}
		if m.decode(&data) != nil {
			return
		}
		e.Kind, e.Name, e.Count = KindSubscriptionCount, "pusher:subscription_count", data.Count
	case eventCacheMiss:
		e.Kind = KindCacheMiss
	default:
		if strings.HasPrefix(m.Event, internalPrefix) {
			return
		}
		if protocol.IsEncrypted(ch.name) && !isProtocolEvent(m.Event) {
			c.receiveEncrypted(s, ch, m)
			return
		}
	}
	ch.push(e)
}

// updateMembers updates the members, and completes the event. It returns false if
// nothing has changed.
func (ch *Channel) updateMembers(e *Event, m message) bool {
	var data memberData
	if m.decode(&data) != nil || data.UserID == "" || ch.members == nil {
		return false
	}
	id := string(data.UserID)
	info, known := ch.members[id]
	if m.Event == eventMemberAdded {
		info = string(data.UserInfo)
		ch.members[id] = info
		e.Kind, e.Name = KindMemberAdded, "pusher:member_added"
	} else {
		delete(ch.members, id)
		e.Kind, e.Name = KindMemberRemoved, "pusher:member_removed"
	}
	e.UserID, e.Data = id, info
	return known || m.Event == eventMemberAdded
}
