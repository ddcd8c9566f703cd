package pushertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// A Subscriber is a client in this process, subscribed to one channel. To the
// server it is a client like those on WebSockets: it counts, it is a member, others
// hear of it and webhooks tell of it. It records all that it gets, for as long as
// it lives. Any number of goroutines may use it. [Server.Subscribe] makes one.
type Subscriber struct {
	state   *state
	peer    *peer
	channel string
	config  subscriberConfig
	stop    func() bool // has ctx no longer close the subscriber

	mu       sync.Mutex
	received []Delivery
	seen     int           // by Next
	more     chan struct{} // closed when received grows or end is set
	end      error
}

// A Delivery is an event as a subscriber gets it.
type Delivery struct {
	Channel string
	Name    string
	Data    string // as a rule JSON; decrypted with [Decrypt]
	UserID  string // who sent a client event on a presence channel, or ""
}

// A CloseError says with which code and reason of the WebSocket protocol the server
// has ended a [Subscriber]: 4009 for a terminated user, 1001 for a closed server.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("pushertest: subscriber closed with code %d: %s", e.Code, e.Reason)
}

// ErrUnsubscribed is what [Subscriber.Next] returns after [Subscriber.Close], or
// when the context of [Server.Subscribe] has ended.
var ErrUnsubscribed = errors.New("pushertest: subscriber closed")

// Subscribe subscribes to a channel, with an authorization of the app's own where
// the channel needs one: all channels that a client may subscribe to, and that of a
// user with [AsUser]. What is triggered after Subscribe has returned is delivered,
// before the trigger is answered. The subscriber leaves with [Subscriber.Close] or
// when ctx ends.
//
// What Pusher refuses in a pusher:error is an error with its text: a bad name, a
// presence channel without [AsMember] or AsUser, a member or user that breaks the
// rules. On a closed server the error is [http.ErrServerClosed].
//
// It goes without a connection: [Server.Fail], [Server.Delay] and
// [Server.DropConnections] do not touch it.
func (s *Server) Subscribe(ctx context.Context, channel string, opts ...SubscribeOption) (*Subscriber, error) {
	sub := &Subscriber{state: s.state, channel: channel, more: make(chan struct{})}
	for _, opt := range opts {
		if err := opt(&sub.config); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("pushertest: Subscribe: %w", context.Cause(ctx))
	}
	sub.peer = s.state.join(sub, false)
	if sub.peer == nil {
		return nil, fmt.Errorf("pushertest: Subscribe: %w", http.ErrServerClosed)
	}
	if err := sub.subscribe(); err != nil {
		s.state.leave(sub.peer)
		return nil, fmt.Errorf("pushertest: Subscribe: %w", err)
	}
	sub.stop = context.AfterFunc(ctx, sub.leave)
	return sub, nil
}

// subscribe says what a client on a WebSocket would say.
func (sub *Subscriber) subscribe() error {
	if user := sub.config.user; user != "" {
		err := sub.ask(eventSignin, map[string]string{
			"user_data": user,
			"auth":      sub.sign("::user::" + user),
		})
		if err != nil {
			return err
		}
	}
	data := map[string]string{"channel": sub.channel}
	switch member := sub.config.member; {
	case protocol.IsPresence(sub.channel) && member != "":
		data["channel_data"] = member
		data["auth"] = sub.sign(":" + sub.channel + ":" + member)
	case protocol.IsPresence(sub.channel), protocol.IsPrivate(sub.channel):
		data["auth"] = sub.sign(":" + sub.channel)
	}
	return sub.ask(eventSubscribe, data)
}

func (sub *Subscriber) ask(event string, data map[string]string) error {
	return sub.state.receive(sub.peer, []byte(quoted(map[string]any{"event": event, "data": data})))
}

func (sub *Subscriber) sign(text string) string {
	return sub.state.app.Key + ":" + sub.state.secret.Sign([]byte(sub.peer.socketID+text))
}

// SocketID returns the subscriber's socket ID, to have it left out of a trigger.
func (sub *Subscriber) SocketID() string { return sub.peer.socketID }

// Send sends a client event, whose name has to start with "client-", to the
// channel's other subscribers. Data is JSON or any other text. What Pusher refuses
// in a pusher:error is an error with its text; after the end of the subscriber the
// error is that of [Subscriber.Next].
func (sub *Subscriber) Send(name, data string) error {
	sub.mu.Lock()
	end := sub.end
	sub.mu.Unlock()
	if end != nil {
		return end
	}
	r := map[string]any{"event": name, "channel": sub.channel, "data": data}
	if json.Valid([]byte(data)) {
		r["data"] = json.RawMessage(data)
	}
	if err := sub.state.receive(sub.peer, []byte(quoted(r))); err != nil {
		return fmt.Errorf("pushertest: Send(%q): %w", name, err)
	}
	return nil
}

// Events returns what was delivered so far, in order, also what [Subscriber.Next]
// has returned.
func (sub *Subscriber) Events() []Delivery {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return slices.Clone(sub.received)
}

// Next returns the first delivery that it has not returned yet, and waits for it if
// need be. If ctx ends first, the error is its cause. After the subscriber's end,
// once all was returned, it is [ErrUnsubscribed] or a [*CloseError].
func (sub *Subscriber) Next(ctx context.Context) (Delivery, error) {
	for {
		delivery, more, err := sub.next()
		if more == nil {
			return delivery, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Delivery{}, fmt.Errorf("pushertest: no further event on %s: %w", sub.channel, context.Cause(ctx))
		}
	}
}

func (sub *Subscriber) next() (Delivery, <-chan struct{}, error) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	switch {
	case sub.seen < len(sub.received):
		sub.seen++
		return sub.received[sub.seen-1], nil, nil
	case sub.end != nil:
		return Delivery{}, nil, sub.end
	}
	return Delivery{}, sub.more, nil
}

// Close unsubscribes. Closing again does nothing.
func (sub *Subscriber) Close() {
	sub.stop()
	sub.leave()
}

func (sub *Subscriber) leave() {
	sub.state.leave(sub.peer)
	sub.finish(ErrUnsubscribed)
}

// send makes the subscriber an outlet.
func (sub *Subscriber) send(f frame) {
	var m struct {
		message
		Data json.RawMessage `json:"data"`
	}
	if f[0] != finalText || json.Unmarshal(f.text(), &m) != nil {
		return
	}
	if protocol.IsReserved(m.Event) && !sub.config.protocolEvents {
		return
	}
	delivery := Delivery{Channel: m.Channel, Name: m.Event, Data: textOf(m.Data), UserID: m.UserID}
	if key := sub.config.masterKey; key != nil && protocol.IsEncrypted(m.Channel) {
		if plain, err := key.Decrypt(m.Channel, []byte(delivery.Data)); err == nil {
			delivery.Data = string(plain)
		}
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.received = append(sub.received, delivery)
	close(sub.more)
	sub.more = make(chan struct{})
}

// close makes the subscriber an outlet.
func (sub *Subscriber) close(code int, reason string) { sub.finish(&CloseError{code, reason}) }

func (sub *Subscriber) finish(end error) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.end == nil {
		sub.end = end
		close(sub.more)
	}
}
