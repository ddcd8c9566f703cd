package pushertest

import (
	"sync/atomic"
	"time"
)

// pongTimeout is how long a client may take to answer a ping.
//
// Source: Pusher Channels docs, WebSocket protocol, "Ping and pong messages".
const pongTimeout = 30 * time.Second

// liveness is when a connection has last shown a sign of life: a message, or a
// control frame of the WebSocket protocol.
type liveness struct {
	timeout time.Duration
	start   time.Time
	last    atomic.Int64 // after start
	timer   *time.Timer

	authorized *time.Timer // or nil
}

func (l *liveness) seen() { l.last.Store(int64(time.Since(l.start))) }

func (l *liveness) silence() time.Duration {
	return time.Since(l.start) - time.Duration(l.last.Load())
}

// watch has a connection closed that is silent for too long: after the activity
// timeout it is asked, and when pongTimeout has passed too it is closed. One that
// is not authorized in time is closed as well.
func (c *socket) watch(p *peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive.timer = time.AfterFunc(c.alive.timeout, c.check)
	if c.door.timeout > 0 {
		c.alive.authorized = time.AfterFunc(c.door.timeout, func() {
			if !c.state.isAuthorized(p) {
				c.close(codeUnauthorized, textNotAuthorized)
			}
		})
	}
}

func (c *socket) stopWatch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive.timer.Stop()
	if c.alive.authorized != nil {
		c.alive.authorized.Stop()
	}
}

func (c *socket) check() {
	silence := c.alive.silence()
	switch {
	case silence < c.alive.timeout:
		c.checkAfter(c.alive.timeout - silence)
	case silence < c.alive.timeout+pongTimeout:
		c.send(ping)
		c.send(pingFrame)
		c.checkAfter(c.alive.timeout + pongTimeout - silence)
	default:
		c.close(codeNoPong, textNoPong)
	}
}

func (c *socket) checkAfter(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		c.alive.timer.Reset(d)
	}
}
