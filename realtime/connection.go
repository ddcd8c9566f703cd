package realtime

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxAuthorizations limits the concurrent requests for authorizations of a connection,
// so that reconnecting does not flood the app.
const maxAuthorizations = 16

// A State is the state of a [Conn].
type State int

// The states of a connection.
const (
	StateConnected  State = iota + 1 // open
	StateConnecting                  // lost; it is or will be opened again
	StateClosed                      // closed by the program, or failed for good
)

// String returns the state in lower case, such as "connected".
func (s State) String() string {
	switch s {
	case StateConnected:
		return "connected"
	case StateConnecting:
		return "connecting"
	case StateClosed:
		return "closed"
	}
	return "invalid"
}

// A Conn is a connection to a server, which is opened again when it is lost. It is safe
// for concurrent use.
//
// Its own events, from [Conn.Next] and [Conn.Events], are changes of its state and
// errors that concern no channel. They are buffered like those of a channel and need
// not be read.
type Conn struct {
	cfg    *config
	events stream
	ctx    context.Context // done when the connection is closed
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // limits concurrent authorizations

	mu       sync.Mutex // guards the fields below, and those of sessions and channels
	err      error      // why the connection was closed, or nil
	session  *session   // nil while there is none
	channels map[string]*Channel
	user     *Channel // of the signed-in user, or nil
	sent     int      // number of subscriptions and sign-ins sent, to order them
	rate     clientEventRate
}

// Connect opens a connection. The URL is the result of [Cluster] or [Host], or a whole
// URL: ws://, wss://, http:// or https://, a host and the path /app/KEY.
//
// Connect makes one attempt, which ctx and [WithTimeout] limit. Once Connect has
// returned, the connection reconnects by itself until [Conn.Close] is called or the
// server rejects it for good; it does not depend on ctx.
//
// Connect returns [ErrConfiguration] if the URL or an option is invalid, [ErrRejected]
// if the server rejects the connection, for example because it does not know the key,
// and [ErrDisconnected] if the connection could not be opened.
func Connect(ctx context.Context, url string, opts ...Option) (*Conn, error) {
	cfg, err := newConfig(url, opts)
	if err != nil {
		return nil, of("Connect", "", err)
	}
	c := &Conn{cfg: cfg, events: newStream(), slots: make(chan struct{}, maxAuthorizations), channels: make(map[string]*Channel)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	s, e := c.dial(ctx)
	if e != nil {
		c.cancel()
		return nil, of("Connect", "", e)
	}
	c.opened(s)
	c.wg.Go(func() { c.run(s) })
	return c, nil
}

// run handles messages and reconnects until the connection is closed.
func (c *Conn) run(s *session) {
	defer c.cancel()
	backoff := c.cfg.newBackoff()
	for s != nil {
		err := c.receive(s)
		if err == nil {
			return
		}
		if time.Since(s.started) >= stableAfter {
			backoff.reset()
		}
		s = c.reconnect(&backoff, err)
	}
}

// receive handles messages until the session ends, and returns why it has ended, or nil
// if the connection is closed.
func (c *Conn) receive(s *session) *Error {
	for {
		frame, binary, err := s.read()
		if err != nil {
			_ = s.ws.CloseNow()
			if c.ended(s, err) {
				return nil
			}
			return err
		}
		m, invalid := decodeMessage(frame)
		c.mu.Lock()
		switch {
		case c.session != s: // Close was called
		case binary:
			c.report(&Error{Kind: ErrProtocol, Err: errors.New("it is binary")})
		case invalid != nil:
			c.report(&Error{Kind: ErrProtocol, Err: safe(invalid)})
		default:
			c.handle(s, m)
		}
		c.mu.Unlock()
	}
}

// reconnect returns the next session, or nil if the connection is closed.
func (c *Conn) reconnect(backoff *backoff, cause *Error) *session {
	for {
		forGood, atOnce := closeAction(cause.Code)
		if forGood {
			c.close(cause)
			return nil
		}
		delay := backoff.next(atOnce)
		if c.ctx.Err() == nil {
			c.cfg.log().WarnContext(c.ctx, "realtime: disconnected", "reason", cause.Error(), "retry_in", delay)
		}
		if !sleep(c.ctx, delay) {
			return nil
		}
		s, err := c.dial(c.ctx)
		if err == nil {
			return c.opened(s)
		}
		cause = err
		c.push(Event{Kind: KindDisconnected, Err: err})
	}
}

// opened makes s the current session and subscribes to all channels again. It returns
// s, or nil if the connection is closed.
func (c *Conn) opened(s *session) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil { // Close was called
		s.cancel(nil)
		_ = s.ws.CloseNow()
		return nil
	}
	c.session = s
	c.cfg.log().InfoContext(c.ctx, "realtime: connected", "socket_id", s.socketID)
	c.push(Event{Kind: KindConnected, Data: s.socketID})
	c.watch(s)
	if c.user != nil {
		c.start(c.user)
	}
	for _, name := range slices.Sorted(maps.Keys(c.channels)) {
		if ch := c.channels[name]; ch != c.user {
			c.start(ch)
		}
	}
	return s
}

// ended resets all channels after the end of the current session. It reports whether
// the connection is closed.
func (c *Conn) ended(s *session, err *Error) bool {
	s.cancel(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.watchdog.Stop()
	s.endSignIn()
	if c.session != s {
		return true
	}
	c.session = nil
	c.push(Event{Kind: KindDisconnected, Err: err})
	for _, ch := range slices.Collect(maps.Values(c.channels)) {
		c.interrupted(ch, s.lastActive())
	}
	if c.user != nil { // not in channels while it signs in
		c.interrupted(c.user, s.lastActive())
	}
	return false
}

// handle handles a message. The caller holds the lock.
func (c *Conn) handle(s *session, m message) {
	switch m.Event {
	case eventPing:
		_ = c.send(s, eventPong, "", struct{}{})
	case eventPong:
	case eventError:
		err := decodeError(m)
		c.report(err)
		if ch := c.blamed(err); ch != nil {
			c.reject(ch, err)
		}
	case eventSignedIn:
		c.signedIn(s, m)
	case eventWatchlist:
		c.watchlist(m)
	default:
		if ch := c.channels[m.Channel]; ch != nil {
			c.handleOn(s, ch, m)
		}
	}
}

// report adds an error to the events of the connection.
func (c *Conn) report(err *Error) {
	c.cfg.log().WarnContext(c.ctx, "realtime: error", "reason", err.Error())
	c.push(Event{Kind: KindError, Err: err})
}

func (c *Conn) push(e Event) { c.events.push(e) }

// Close closes the connection and ends all channels. Events that were not read are
// discarded; client events that are queued are sent. Close waits for the server's close
// frame, usually up to 1 second and never more than 5. It always returns nil. A second
// call only waits.
func (c *Conn) Close() error {
	c.close(nil)
	c.wg.Wait()
	return nil
}

// close closes the connection, because of an error of the server or because the program
// has called Close.
func (c *Conn) close(failed *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	var err error = &Error{Kind: ErrClosed}
	if failed != nil {
		err = failed
		c.cfg.log().ErrorContext(c.ctx, "realtime: connection failed for good", "reason", err.Error())
	}
	c.err = err
	for _, ch := range c.channels {
		ch.end(err, failed == nil)
	}
	if c.user != nil {
		c.user.end(err, failed == nil)
	}
	c.events.end(err, failed == nil)
	c.channels, c.user = nil, nil

	s := c.session
	c.session = nil
	if s == nil {
		c.cancel()
		return
	}
	s.watchdog.Stop()
	s.closing = true
	c.startWriting(s)
	time.AfterFunc(closeTimeout, c.cancel) // ends the session if the server does not respond
}

// State returns the state of the connection.
func (c *Conn) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return StateClosed
	case c.session != nil:
		return StateConnected
	}
	return StateConnecting
}

// SocketID returns the ID that the server has given the connection, which excludes it
// from an event when it is passed to the publisher. It is "" while there is no
// connection, and changes with each reconnection.
func (c *Conn) SocketID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return ""
	}
	return c.session.socketID
}

// Next returns the next event of the connection itself: [KindConnected],
// [KindDisconnected] or [KindError]. It waits until there is one.
//
// It returns [ErrClosed] after Close, the reason if the server has rejected the
// connection for good, and the error of ctx if that is done.
func (c *Conn) Next(ctx context.Context) (Event, error) {
	e, err := c.events.next(ctx)
	if err != nil {
		return Event{}, of("Next", "", err)
	}
	return e, nil
}

// Events returns the events of the connection itself, see [Conn.Next], until ctx is done
// or [Conn.Close] is called. If the server rejects the connection for good, the last
// element is the error.
func (c *Conn) Events(ctx context.Context) iter.Seq2[Event, error] {
	return c.events.all(ctx, c.Next)
}

// logger returns the logger for messages about a channel.
func (c *Conn) logger(ch *Channel) *slog.Logger { return c.cfg.log().With("channel", ch.name) }

func isAuthorized(channel string) bool {
	return protocol.IsPrivate(channel) || protocol.IsPresence(channel)
}
