package pushertest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxQueue is how many bytes may wait for a slow reader. One with more is cut
	// off, so that it costs neither memory nor the others their events.
	maxQueue = 4 << 20

	// closeTimeout is how long the other side may take to read what is queued
	// before a close, and then to answer it. That is politeness, and a test waits
	// for it.
	closeTimeout = 250 * time.Millisecond
)

// A socket is the outlet of a peer on a WebSocket. One goroutine reads; a second
// one writes as long as there is something to write, so that an idle connection
// has a single goroutine.
type socket struct {
	ws     *websocket.Conn
	wire   *wire
	state  *state
	logger *slog.Logger
	alive  liveness
	door   *door

	mu      sync.Mutex
	queue   []frame
	queued  int // bytes
	writing bool
	end     *websocket.CloseError // once set, nothing is taken any more
}

func (c *socket) send(f frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return
	}
	if c.queued+len(f) > maxQueue {
		c.logger.Warn("pushertest: connection cut off: it reads too slowly", "queued", c.queued)
		c.cut()
		return
	}
	c.queue = append(c.queue, f)
	c.queued += len(f)
	c.wake()
}

func (c *socket) close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		c.end = &websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
		_ = c.wire.SetWriteDeadline(time.Now().Add(closeTimeout)) // a write may be stuck
		c.wake()
	}
}

// drop closes the connection without a word.
func (c *socket) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut()
}

// cut is drop for a caller that holds the lock.
func (c *socket) cut() {
	c.end = &websocket.CloseError{Code: websocket.StatusAbnormalClosure}
	c.queue, c.queued = nil, 0
	_ = c.wire.Close()
	c.wake()
}

func (c *socket) wake() {
	if !c.writing {
		c.writing = true
		c.door.done.Go(c.write)
	}
}

// write sends what is queued, and then hangs up if that is what comes last.
func (c *socket) write() {
	for {
		c.mu.Lock()
		frames, end := c.queue, c.end
		c.queue, c.queued = nil, 0
		if len(frames) == 0 {
			c.writing = false
			c.mu.Unlock()
			if end != nil {
				c.hangUp(*end)
			}
			return
		}
		c.mu.Unlock()
		if c.wire.writeFrames(frames) != nil {
			c.drop()
		}
	}
}

// hangUp closes the connection, after the other side has agreed or has taken too
// long.
func (c *socket) hangUp(end websocket.CloseError) {
	_ = c.wire.SetDeadline(time.Now().Add(closeTimeout))
	if end.Code == websocket.StatusAbnormalClosure {
		_ = c.ws.CloseNow()
		return
	}
	_ = c.ws.Close(end.Code, end.Reason)
}

// serve reads until the connection ends.
func (c *socket) serve(p *peer) {
	code, reason := c.read(p)
	c.door.leave(c)
	c.state.leave(p)
	c.close(code, reason)
	c.stopWatch()
}

// read returns with what the connection shall be closed.
func (c *socket) read(p *peer) (code int, reason string) {
	for {
		kind, text, err := c.ws.Read(context.Background())
		if err != nil { // only who has broken the protocol is still there to be told
			return int(websocket.StatusProtocolError), ""
		}
		if kind != websocket.MessageText {
			return int(websocket.StatusUnsupportedData), textBinary
		}
		c.alive.seen()
		if err := c.state.receive(p, text); err != nil {
			c.logger.Warn("pushertest: client refused", "socket_id", p.socketID, "reason", err)
			p.tell(err)
		}
	}
}
