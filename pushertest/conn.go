package pushertest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

const (
	// maxQueueBytes limits the unread messages of a connection. If they exceed the
	// limit, the connection is dropped, so that a slow reader does not use up the
	// memory. See also maxBacklogBytes.
	maxQueueBytes = 4 << 20

	// closeTimeout limits how long a client may take to read the messages that are
	// queued before a close frame, and to reply to the close frame. Tests wait for it.
	closeTimeout = 250 * time.Millisecond
)

// A conn is a WebSocket connection and the transport of its client. One goroutine
// reads. Another one writes while messages are queued.
type conn struct {
	ws        *websocket.Conn
	netConn   net.Conn // the connection of ws, which has no method for deadlines
	handler   *wsHandler
	state     *state
	logger    *slog.Logger
	keepalive keepalive

	mu          sync.Mutex
	socketID    string
	queue       [][]byte // to be written; the first one may be in progress
	queuedBytes int
	writing     bool
	closing     *websocket.CloseError // if not nil, send discards messages
}

func (c *conn) send(message []byte) {
	c.enqueue(message)
	for slowest := c.handler.backlog.slowest(); slowest != nil; slowest = c.handler.backlog.slowest() {
		slowest.dropSlow("all clients together have too many unread messages, and this one has the most")
	}
}

func (c *conn) enqueue(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing != nil:
	case c.queuedBytes+len(message) > maxQueueBytes:
		c.dropSlowLocked("the client reads too slowly")
	default:
		c.queue = append(c.queue, message)
		c.queuedBytes += len(message)
		c.handler.backlog.add(c, message)
		c.startWriting()
	}
}

// setSocketID sets the socket ID that the log names.
func (c *conn) setSocketID(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.socketID = id
}

// close sends a close frame once all queued messages are sent.
func (c *conn) close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.closing = &websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
		_ = c.netConn.SetWriteDeadline(time.Now().Add(closeTimeout)) // a write may be blocked
		c.startWriting()
	}
}

// drop closes the connection without a close frame.
func (c *conn) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropLocked()
}

// dropSlow logs the reason and drops the connection.
func (c *conn) dropSlow(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropSlowLocked(reason)
}

func (c *conn) dropSlowLocked(reason string) {
	c.logger.Warn("pushertest: connection dropped, because "+reason, "socket_id", c.socketID, "unread_bytes", c.queuedBytes)
	c.dropLocked()
}

func (c *conn) dropLocked() {
	c.closing = &websocket.CloseError{Code: websocket.StatusAbnormalClosure}
	for len(c.queue) > 0 {
		c.dequeue()
	}
	_ = c.netConn.Close()
	c.startWriting()
}

func (c *conn) startWriting() {
	if !c.writing {
		c.writing = true
		c.handler.wg.Go(c.write)
	}
}

// write sends the queued messages and then, if the connection is closing, the close
// frame.
func (c *conn) write() {
	c.mu.Lock()
	for len(c.queue) > 0 {
		message := c.queue[0]
		c.mu.Unlock()
		err := c.ws.Write(context.Background(), websocket.MessageText, message)
		c.mu.Lock()
		switch {
		case err != nil:
			c.dropLocked()
		case len(c.queue) > 0: // the connection was not dropped meanwhile
			c.dequeue()
		}
	}
	c.writing = false
	closing := c.closing
	c.mu.Unlock()
	if closing != nil {
		c.closeHandshake(*closing)
	}
}

// dequeue removes the first message of the queue. The caller holds the lock.
func (c *conn) dequeue() {
	message := c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	c.queuedBytes -= len(message)
	c.handler.backlog.remove(c, message)
}

// closeHandshake sends a close frame, unless the connection was dropped, and waits
// for the client's.
func (c *conn) closeHandshake(closing websocket.CloseError) {
	_ = c.netConn.SetDeadline(time.Now().Add(closeTimeout))
	if closing.Code == websocket.StatusAbnormalClosure {
		_ = c.ws.CloseNow()
		return
	}
	_ = c.ws.Close(closing.Code, closing.Reason)
}

// serve handles messages until the connection ends.
func (c *conn) serve(cl *client) {
	code, reason := c.read(cl)
	c.handler.remove(c)
	c.state.disconnect(cl)
	c.close(code, reason)
	c.stopKeepalive()
	c.state.debug("connection closed", "socket_id", cl.socketID)
}

// read returns the code and reason to close the connection with.
func (c *conn) read(cl *client) (code int, reason string) {
	for {
		kind, text, err := c.ws.Read(context.Background())
		switch {
		case err != nil:
			// The code is only sent if the connection is still open, which means that
			// the client broke the protocol.
			return codeProtocolError, ""
		case kind != websocket.MessageText:
			return codeUnsupportedData, textNotText
		case !utf8.Valid(text):
			return codeInvalidPayload, textNotUTF8
		}
		c.keepalive.activity()
		if r, err := c.state.receive(cl, text); err != nil {
			c.logger.Warn("pushertest: message rejected", "socket_id", cl.socketID,
				"event", logText(r.Event), "channel", logText(r.channel()), "reason", logText(err.Error()))
			cl.sendError(err)
		}
	}
}
