package pushertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"
)

// A client is connected to the app, by a WebSocket or as a [Subscriber]. The state's
// lock guards all fields except the first four, which do not change.
type client struct {
	socketID  string
	library   string // that the client names, or ""
	opened    time.Time
	transport transport

	subscriptions map[string]string // member ID, or "", by channel
	user          *userData         // nil until the client signs in
	rate          rateLimit
}

// A transport delivers messages to a client, in order and without blocking. It must
// not call the state.
type transport interface {
	send(message []byte)
	close(code int, reason string) // once all messages are sent
}

// A request is a message from a client.
type request struct {
	Event   string
	Channel string
	Data    json.RawMessage
}

// connect adds a client and, if it is on a WebSocket, sends it its socket ID. It
// returns nil if the server is closed.
func (s *state) connect(t transport, library string, greet bool) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	c := &client{library: library, opened: s.now(), transport: t, subscriptions: make(map[string]string)}
	for c.socketID == "" || s.clients[c.socketID] != nil {
		c.socketID = fmt.Sprintf("%d.%d", rand.Uint32(), rand.Uint32())
	}
	s.clients[c.socketID] = c
	if greet {
		c.transport.send(established(c.socketID, s.activityTimeout))
	}
	return c
}

func established(socketID string, activityTimeout time.Duration) []byte {
	return message{Event: eventEstablished, Data: jsonText(struct {
		SocketID        string `json:"socket_id"`
		ActivityTimeout int    `json:"activity_timeout"`
	}{socketID, int(activityTimeout / time.Second)})}.encode()
}

// disconnect removes a client, its subscriptions and its sign-in. A second call does
// nothing.
func (s *state) disconnect(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(c)
}

// remove is disconnect for callers that hold the lock.
func (s *state) remove(c *client) {
	if s.clients[c.socketID] != c {
		return
	}
	delete(s.clients, c.socketID)
	for name := range c.subscriptions {
		s.unsubscribe(c, name)
	}
	s.signOut(c)
}

// receive decodes and handles a message from a client. The error is a
// [*protocolError].
func (s *state) receive(c *client, text []byte) (r request, err error) {
	err = decodeObject(text, map[string]any{"event": &r.Event, "channel": &r.Channel, "data": &r.Data})
	if err != nil {
		return r, protocolErrorf(textNotJSON)
	}
	if err := s.handle(c, r); err != nil {
		return r, err
	}
	if r.Event != eventPing && r.Event != eventPong {
		s.debug("message received", "socket_id", c.socketID, "event", r.Event, "channel", r.channel())
	}
	return r, nil
}

// channel returns the channel that the message is about, or "".
func (r request) channel() string {
	channel := r.Channel
	_ = decodeObject(r.Data, map[string]any{"channel": &channel})
	return channel
}

func (s *state) handle(c *client, r request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients[c.socketID] != c {
		return nil // it was removed, and its connection is being closed
	}
	switch {
	case r.Event == eventPing:
		c.transport.send(pong)
		return nil
	case r.Event == eventPong:
		return nil
	case r.Event == eventSubscribe:
		return s.handleSubscribe(c, r.Data)
	case r.Event == eventUnsubscribe:
		return s.handleUnsubscribe(c, r.Data)
	case r.Event == eventSignin:
		return s.handleSignin(c, r.Data)
	case strings.HasPrefix(r.Event, clientEventPrefix):
		return s.handleClientEvent(c, r)
	}
	return protocolErrorf(textUnsupported, r.Event)
}

// debug logs at level debug. It truncates the strings in args.
func (s *state) debug(text string, args ...any) {
	if !s.logger.Enabled(noContext, slog.LevelDebug) {
		return
	}
	for i, arg := range args {
		if arg, ok := arg.(string); ok {
			args[i] = logText(arg)
		}
	}
	s.logger.Debug("pushertest: "+text, args...)
}

// decodeData decodes the data of a request, which has to be a JSON object.
func decodeData(data json.RawMessage, fields map[string]any) error {
	if err := decodeObject(data, fields); err != nil {
		return protocolErrorf(textNotHash)
	}
	return nil
}

// sendError sends err to the client as a pusher:error.
func (c *client) sendError(err error) {
	var e *protocolError
	if errors.As(err, &e) {
		c.transport.send(e.message().encode())
	}
}
