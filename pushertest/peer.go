package pushertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The protocol's own events.
//
// Source: Pusher Channels docs, WebSocket protocol.
const (
	eventEstablished  = "pusher:connection_established"
	eventError        = "pusher:error"
	eventPing         = "pusher:ping"
	eventPong         = "pusher:pong"
	eventSubscribe    = "pusher:subscribe"
	eventUnsubscribe  = "pusher:unsubscribe"
	eventSignin       = "pusher:signin"
	eventSigninDone   = "pusher:signin_success"
	eventCacheMiss    = "pusher:cache_miss"
	eventSubscribed   = "pusher_internal:subscription_succeeded"
	eventMemberAdded  = "pusher_internal:member_added"
	eventMemberGone   = "pusher_internal:member_removed"
	eventCount        = "pusher_internal:subscription_count"
	eventWatchlist    = "pusher_internal:watchlist_events"
	clientEventPrefix = "client-"
)

// A peer is a client of the app, on a WebSocket or in this process. The state's
// lock guards all of it but the outlet.
type peer struct {
	socketID string
	outlet   outlet

	subscriptions map[string]string // by channel, the member's ID on a presence channel
	user          *userData         // nil until it has signed in
	rate          rate
}

// An outlet takes what is sent to a peer, in order and without waiting. It must
// not call back.
type outlet interface {
	send(frame)
	close(code int, reason string) // after what was sent
}

// A request is what a client sends.
type request struct {
	Event   string          `json:"event"`
	Channel string          `json:"channel"`
	Data    json.RawMessage `json:"data"`
}

// join makes a peer of an outlet and greets it, or returns nil if the server is
// closed.
func (s *state) join(out outlet, greet bool) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	p := &peer{outlet: out, subscriptions: make(map[string]string)}
	for p.socketID == "" || s.peers[p.socketID] != nil {
		p.socketID = fmt.Sprintf("%d.%d", rand.Uint32(), rand.Uint32())
	}
	s.peers[p.socketID] = p
	if greet {
		p.outlet.send(established(p.socketID, s.activityTimeout))
	}
	return p
}

func established(socketID string, activityTimeout time.Duration) frame {
	return message{Event: eventEstablished, Data: quoted(struct {
		SocketID        string `json:"socket_id"`
		ActivityTimeout int    `json:"activity_timeout"`
	}{socketID, int(activityTimeout / time.Second)})}.frame()
}

// leave ends all that a peer takes part in. Leaving again does nothing.
func (s *state) leave(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(p)
}

// remove is leave for a caller that holds the lock.
func (s *state) remove(p *peer) {
	if s.peers[p.socketID] != p {
		return
	}
	delete(s.peers, p.socketID)
	for name := range p.subscriptions {
		s.unsubscribe(p, name)
	}
	s.signOut(p)
}

// receive does what a peer asks for. The error is a [*complaint].
func (s *state) receive(p *peer, text []byte) error {
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return complain(textNotJSON)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peers[p.socketID] != p {
		return nil // it was closed while the message was under way
	}
	switch {
	case r.Event == eventPing:
		p.outlet.send(pong)
		return nil
	case r.Event == eventPong:
		return nil
	case r.Event == eventSubscribe:
		return s.subscribe(p, r.Data)
	case r.Event == eventUnsubscribe:
		return s.unsubscribeAsked(p, r.Data)
	case r.Event == eventSignin:
		return s.signIn(p, r.Data)
	case strings.HasPrefix(r.Event, clientEventPrefix):
		return s.clientEvent(p, r)
	}
	return complain(textUnsupported, r.Event)
}

var (
	pong = message{Event: eventPong, Data: struct{}{}}.frame()
	ping = message{Event: eventPing, Data: struct{}{}}.frame()
)

// hash decodes data, which has to be a JSON object.
func hash(data json.RawMessage, into any) error {
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, into) != nil {
		return complain(textNotHash)
	}
	return nil
}

// tell sends a peer what is wrong.
func (p *peer) tell(err error) {
	var wrong *complaint
	if errors.As(err, &wrong) {
		p.outlet.send(wrong.message().frame())
	}
}
