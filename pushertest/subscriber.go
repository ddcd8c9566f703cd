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

// A Subscriber is a client in this process that is subscribed to one channel. For the
// server it is a client like those on WebSockets: it is counted, it is a member of
// presence channels, and other subscribers and webhooks are notified of it. It keeps
// everything it receives in memory. [Server.Subscribe] returns one. It is safe for
// concurrent use. The zero value is not subscribed: Next and Send return
// [ErrConfiguration].
type Subscriber struct {
	state   *state
	client  *client
	channel string
	config  subscriberConfig
	stop    func() bool // releases the context of Subscribe

	mu       sync.Mutex
	received []Delivery
	next     int           // index of the delivery that Next returns
	changed  chan struct{} // closed when received grows or err is set
	err      error         // why the subscriber ended
}

// A Delivery is an event that a subscriber received.
type Delivery struct {
	Channel string
	Name    string

	// Data is the data of the event, usually JSON, and decrypted if [Decrypt] or
	// [WithAuthorizer] is used. The Decode method of a pusher.EventType decodes it.
	Data string

	UserID string // ID of the member that sent a client event on a presence channel, or ""
}

// A CloseError reports that the server closed a [Subscriber]: with code 4009 if its
// user was terminated and 1001 if the server was closed.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("pushertest: subscriber closed with code %d: %s", e.Code, e.Reason)
}

// ErrUnsubscribed is returned by [Subscriber.Next] after [Subscriber.Close], or when
// the context of [Server.Subscribe] is done.
var ErrUnsubscribed = errors.New("pushertest: subscriber closed")

// Subscribe subscribes to a channel. It accepts every channel that a client can
// subscribe to, including a user's channel with [AsUser]. The server itself authorizes
// the subscription, or the app under test with [WithAuthorizer]. Events triggered after Subscribe has returned are delivered before the
// response to their request is sent. The subscription ends with [Subscriber.Close] or
// when ctx is done.
//
// Subscribe returns an error with the text of the pusher:error if Pusher would reject
// the subscription: an invalid name, a presence channel without [AsMember] or AsUser,
// an invalid member or user, a wrong signature of the app. If the app rejects a request,
// the error wraps an [*AuthorizationError]. If the server is closed, it wraps
// [http.ErrServerClosed], and if an option is invalid, [ErrConfiguration].
//
// A subscriber has no connection, so [Server.Fail], [Server.Delay],
// [Server.DropConnections] and [Server.CloseConnections] do not affect it.
func (s *Server) Subscribe(ctx context.Context, channel string, opts ...SubscribeOption) (*Subscriber, error) {
	if err := s.ready("Subscribe"); err != nil {
		return nil, err
	}
	sub := &Subscriber{state: s.state, channel: channel, changed: make(chan struct{})}
	var err error
	if sub.config, err = newSubscriberConfig(opts); err != nil {
		return nil, fmt.Errorf("pushertest: Subscribe: %w: %w", ErrConfiguration, err)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("pushertest: Subscribe: %w", context.Cause(ctx))
	}
	sub.client = s.state.connect(sub, "", false)
	if sub.client == nil {
		return nil, fmt.Errorf("pushertest: Subscribe: %w", http.ErrServerClosed)
	}
	if err := sub.subscribe(ctx); err != nil {
		s.state.disconnect(sub.client)
		return nil, fmt.Errorf("pushertest: Subscribe: %w", err)
	}
	sub.stop = context.AfterFunc(ctx, sub.disconnect)
	return sub, nil
}

// subscribe sends the messages that a client on a WebSocket sends.
func (sub *Subscriber) subscribe(ctx context.Context) error {
	if err := sub.signIn(ctx); err != nil {
		return err
	}
	data, err := sub.authorization(ctx)
	if err != nil {
		return err
	}
	return sub.request(eventSubscribe, data)
}

// SocketID returns the subscriber's socket ID. A trigger with this socket ID excludes
// the subscriber.
func (sub *Subscriber) SocketID() string {
	if sub.ready() != nil {
		return ""
	}
	return sub.client.socketID
}

// ready returns an error if sub was not returned by Subscribe.
func (sub *Subscriber) ready() error {
	if sub == nil || sub.client == nil {
		return fmt.Errorf("pushertest: %w: the subscriber was not returned by Subscribe", ErrConfiguration)
	}
	return nil
}

// Send sends a client event to the channel's other subscribers. The name has to start
// with "client-". If data is JSON it is sent as JSON, otherwise as a string.
//
// Send returns an error with the text of the pusher:error if Pusher would reject the
// event. After the end of the subscription it returns the error of [Subscriber.Next].
func (sub *Subscriber) Send(name, data string) error {
	if err := sub.ready(); err != nil {
		return err
	}
	sub.mu.Lock()
	err := sub.err
	sub.mu.Unlock()
	if err != nil {
		return err
	}
	r := map[string]any{"event": name, "channel": sub.channel, "data": data}
	if json.Valid([]byte(data)) {
		r["data"] = json.RawMessage(data)
	}
	if _, err := sub.state.receive(sub.client, encodeJSON(r)); err != nil {
		return fmt.Errorf("pushertest: Send(%q): %w", name, err)
	}
	return nil
}

// Events returns everything received so far, in order, including what
// [Subscriber.Next] has returned.
func (sub *Subscriber) Events() []Delivery {
	if sub.ready() != nil {
		return nil
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return slices.Clone(sub.received)
}

// Next returns the first delivery that it has not returned before. If there is none,
// it waits for it. If ctx is done first, the error wraps its cause. After the end of
// the subscription, once all deliveries are returned, the error is [ErrUnsubscribed]
// or a [*CloseError].
func (sub *Subscriber) Next(ctx context.Context) (Delivery, error) {
	if err := sub.ready(); err != nil {
		return Delivery{}, err
	}
	for {
		delivery, changed, err := sub.poll()
		if changed == nil {
			return delivery, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Delivery{}, fmt.Errorf("pushertest: Next: no further event on %s: %w", sub.channel, context.Cause(ctx))
		}
	}
}

// poll returns the next delivery or the final error or, if there is neither, a channel
// that is closed when there is.
func (sub *Subscriber) poll() (Delivery, <-chan struct{}, error) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	switch {
	case sub.next < len(sub.received):
		sub.next++
		return sub.received[sub.next-1], nil, nil
	case sub.err != nil:
		return Delivery{}, nil, sub.err
	}
	return Delivery{}, sub.changed, nil
}

// Close ends the subscription. A second call does nothing.
func (sub *Subscriber) Close() {
	if sub.ready() != nil {
		return
	}
	sub.stop()
	sub.disconnect()
}

func (sub *Subscriber) disconnect() {
	sub.state.disconnect(sub.client)
	sub.end(ErrUnsubscribed)
}

// send implements transport.
func (sub *Subscriber) send(encoded []byte) {
	var m struct {
		message
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(encoded, &m); err != nil {
		panic(fmt.Errorf("pushertest: decoding a message of the server: %w", err))
	}
	if protocol.IsReserved(m.Event) && !sub.config.protocolEvents {
		return
	}
	delivery := Delivery{Channel: m.Channel, Name: m.Event, Data: stringOrJSON(m.Data), UserID: m.UserID}
	if decrypt := sub.config.decrypt; decrypt != nil && protocol.IsEncrypted(m.Channel) {
		if plain, err := decrypt(m.Channel, []byte(delivery.Data)); err == nil {
			delivery.Data = string(plain)
		}
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.received = append(sub.received, delivery)
	close(sub.changed)
	sub.changed = make(chan struct{})
}

// close implements transport.
func (sub *Subscriber) close(code int, reason string) { sub.end(&CloseError{code, reason}) }

func (sub *Subscriber) end(err error) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.err == nil {
		sub.err = err
		close(sub.changed)
	}
}
