package realtime

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// closeTimeout limits how long Close waits for the server's close frame. If Close is
// called between two reads, the limit is that of the WebSocket library, 5 seconds.
const closeTimeout = time.Second

// A session is one WebSocket, from the handshake to its end. The fields below mu are
// guarded by the mutex of the Conn.
type session struct {
	ws              *websocket.Conn
	ctx             context.Context // its end closes the WebSocket
	cancel          context.CancelCauseFunc
	socketID        string
	activityTimeout time.Duration
	started         time.Time
	active          atomic.Int64 // when the last frame was received, as a time.Duration after started
	pinged          atomic.Bool  // a ping was sent after it

	// mu
	queue    [][]byte // messages to send
	writing  bool     // the goroutine that writes is running
	closing  bool     // a close frame follows the queue
	watchdog *time.Timer
	signedIn chan struct{} // closed when the sign-in has succeeded or failed
	signIn   bool          // signedIn is closed
}

// dial opens a WebSocket and waits for the server's first message.
func (c *Conn) dial(ctx context.Context) (*session, *Error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.timeout, fmt.Errorf("no connection within %v: %w", c.cfg.timeout, context.DeadlineExceeded))
	defer cancel()
	s := &session{started: time.Now(), signedIn: make(chan struct{})}
	ws, resp, err := websocket.Dial(ctx, c.cfg.url.String(), &websocket.DialOptions{
		HTTPClient:     c.cfg.client,
		OnPingReceived: func(context.Context, []byte) bool { s.alive(); return true },
		OnPongReceived: func(context.Context, []byte) { s.alive() },
	})
	if err != nil {
		if request := new(url.Error); errors.As(err, &request) {
			err = request.Err // without the texts of two libraries and the URL
		}
		e := disconnected(ctx, err)
		if resp != nil {
			e.Status = resp.StatusCode
		}
		return nil, e
	}
	s.ws = ws
	ws.SetReadLimit(c.cfg.maxMessageBytes)
	if e := c.handshake(ctx, s); e != nil {
		_ = ws.CloseNow()
		return nil, e
	}
	s.ctx, s.cancel = context.WithCancelCause(c.ctx)
	s.alive()
	return s, nil
}

// handshake reads the server's first message. Servers send a pusher:error before the
// close frame with the same code.
func (c *Conn) handshake(ctx context.Context, s *session) *Error {
	_, frame, err := s.ws.Read(ctx)
	if err != nil {
		return disconnected(ctx, err)
	}
	m, err := decodeMessage(frame)
	if err != nil {
		return &Error{Kind: ErrDisconnected, Err: fmt.Errorf("the first message is invalid: %w", err)}
	}
	switch m.Event {
	case eventError:
		return lost(decodeError(m))
	case eventEstablished:
		var data establishedData
		if err := m.decode(&data); err != nil || data.SocketID == "" {
			return &Error{Kind: ErrDisconnected, Err: errors.New("the first message has no socket ID")}
		}
		s.socketID = data.SocketID
		s.activityTimeout = c.cfg.activityTimeout
		if t := time.Duration(data.ActivityTimeout * float64(time.Second)); t > 0 {
			s.activityTimeout = min(s.activityTimeout, t)
		}
		return nil
	}
	return &Error{Kind: ErrDisconnected, Err: fmt.Errorf("the first message is %.50q instead of %s", m.Event, eventEstablished)}
}

// read returns the next frame with a message.
func (s *session) read() (frame []byte, binary bool, e *Error) {
	kind, frame, err := s.ws.Read(s.ctx)
	if err != nil {
		return nil, false, disconnected(s.ctx, err)
	}
	s.alive()
	return frame, kind == websocket.MessageBinary, nil
}

func (s *session) alive() {
	s.active.Store(int64(time.Since(s.started)))
	s.pinged.Store(false)
}

// lastActive returns when the last frame was received.
func (s *session) lastActive() time.Time { return s.started.Add(time.Duration(s.active.Load())) }

// disconnected returns the error of a connection that could not be opened or has ended.
func disconnected(ctx context.Context, err error) *Error {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return lost(&Error{Code: int(closed.Code), Message: line(closed.Reason)})
	case ctx.Err() != nil:
		cause := context.Cause(ctx)
		var e *Error
		if errors.As(cause, &e) {
			return e
		}
		return &Error{Kind: ErrDisconnected, Err: cause}
	}
	return &Error{Kind: ErrDisconnected, Err: safe(err)}
}

// lost sets the kind of an error whose code is that of a close frame.
func lost(e *Error) *Error {
	e.Kind = ErrDisconnected
	if forGood, _ := closeAction(e.Code); forGood {
		e.Kind = ErrRejected
	}
	return e
}

// send queues a message. The caller holds the lock, as for all functions below except
// write.
func (c *Conn) send(s *session, event, channel string, data any) error {
	encoded, err := encodeMessage(event, channel, data)
	if err != nil || s.closing {
		return err
	}
	s.queue = append(s.queue, encoded)
	c.startWriting(s)
	return nil
}

func (c *Conn) startWriting(s *session) {
	if !s.writing {
		s.writing = true
		c.wg.Go(func() { c.write(s) })
	}
}

// write sends the queued messages and then, if the session is closing, a close frame. A
// server that does not read ends the session.
func (c *Conn) write(s *session) {
	for {
		c.mu.Lock()
		queue := s.queue
		s.queue = nil
		if len(queue) == 0 {
			s.writing = false
			closing := s.closing
			c.mu.Unlock()
			if closing {
				_ = s.ws.Close(websocket.StatusNormalClosure, "")
			}
			return
		}
		c.mu.Unlock()
		for _, m := range queue {
			timer := time.AfterFunc(c.cfg.timeout, func() {
				s.cancel(&Error{Kind: ErrDisconnected, Err: fmt.Errorf("a write has not finished within %v", c.cfg.timeout)})
			})
			err := s.ws.Write(s.ctx, websocket.MessageText, m)
			timer.Stop()
			if err != nil {
				s.cancel(&Error{Kind: ErrDisconnected, Err: fmt.Errorf("write: %w", safe(err))})
				break
			}
		}
	}
}

// watch starts the timer that sends a ping when nothing was received for the activity
// timeout, and that ends the session if there is still nothing after the pong timeout.
func (c *Conn) watch(s *session) {
	s.watchdog = time.AfterFunc(s.activityTimeout, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.session != s {
			return
		}
		idle := time.Since(s.lastActive())
		switch {
		case idle < s.activityTimeout:
			s.watchdog.Reset(s.activityTimeout - idle)
		case !s.pinged.Swap(true):
			_ = c.send(s, eventPing, "", struct{}{})
			s.watchdog.Reset(c.cfg.pongTimeout)
		default:
			s.cancel(&Error{Kind: ErrDisconnected, Code: codeNoPong, Err: fmt.Errorf("no message for %v", idle.Round(time.Millisecond))})
		}
	})
}
