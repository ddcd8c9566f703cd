package pushertest

import (
	"context"
	"sync/atomic"
	"time"
)

// pongTimeout is how long a client may take to respond to a ping.
//
// Source: Pusher Channels docs, WebSocket protocol, "Ping and pong messages".
const pongTimeout = 30 * time.Second

// keepalive records when a connection was last active: when it received a message or
// a control frame of the WebSocket protocol.
type keepalive struct {
	timeout time.Duration
	start   time.Time
	last    atomic.Int64 // time.Duration after start
	timer   *time.Timer

	authorization *time.Timer // or nil
}

func (k *keepalive) activity() { k.last.Store(int64(time.Since(k.start))) }

func (k *keepalive) idle() time.Duration {
	return time.Since(k.start) - time.Duration(k.last.Load())
}

// startKeepalive sends a ping when the connection has been idle for the activity
// timeout, and closes the connection if it stays idle for another pongTimeout. It also
// closes a connection that is not authorized in time.
func (c *conn) startKeepalive(cl *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepalive.timer = time.AfterFunc(c.keepalive.timeout, c.checkKeepalive)
	if c.handler.authorizationTimeout > 0 {
		c.keepalive.authorization = time.AfterFunc(c.handler.authorizationTimeout, func() {
			if !c.state.isAuthorized(cl) {
				c.close(codeUnauthorized, textNotAuthorized)
			}
		})
	}
}

func (c *conn) stopKeepalive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepalive.timer.Stop()
	if c.keepalive.authorization != nil {
		c.keepalive.authorization.Stop()
	}
}

func (c *conn) checkKeepalive() {
	idle := c.keepalive.idle()
	switch {
	case idle < c.keepalive.timeout:
		c.checkKeepaliveAfter(c.keepalive.timeout - idle)
	case idle < c.keepalive.timeout+pongTimeout:
		c.ping()
		c.checkKeepaliveAfter(c.keepalive.timeout + pongTimeout - idle)
	default:
		c.close(codeNoPong, textNoPong)
	}
}

func (c *conn) checkKeepaliveAfter(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.keepalive.timer.Reset(d)
	}
}

// ping sends a pusher:ping, to which pusher-js responds, and a ping frame, to which
// every WebSocket library responds.
func (c *conn) ping() {
	c.send(ping)
	c.handler.background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pongTimeout)
		defer cancel()
		_ = c.ws.Ping(ctx) // checkKeepalive notices a missing pong
	})
}
