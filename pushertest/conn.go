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
	// maxQueueBytes limits the messages that wait for a slow reader. Its connection
	// is closed when they exceed the limit, so that it does not use up the memory.
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
	queue       [][]byte
	queuedBytes int
	writing     bool
	closing     *websocket.CloseError // if not nil, send discards messages
}

func (c *conn) send(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return
	}
	if c.queuedBytes+len(message) > maxQueueBytes {
		c.logger.Warn("pushertest: connection dropped, because the client reads too slowly", "queued_bytes", c.queuedBytes)
		c.dropLocked()
		return
	}
	c.queue = append(c.queue, message)
	c.queuedBytes += len(message)
	c.startWriting()
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

func (c *conn) dropLocked() {
	c.closing = &websocket.CloseError{Code: websocket.StatusAbnormalClosure}
	c.queue, c.queuedBytes = nil, 0
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
	for {
		c.mu.Lock()
		queue, closing := c.queue, c.closing
		c.queue, c.queuedBytes = nil, 0
		if len(queue) == 0 {
			c.writing = false
			c.mu.Unlock()
			if closing != nil {
				c.closeHandshake(*closing)
			}
			return
		}
		c.mu.Unlock()
		for _, message := range queue {
			if c.ws.Write(context.Background(), websocket.MessageText, message) != nil {
				c.drop()
				break
			}
		}
	}
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
		if err := c.state.receive(cl, text); err != nil {
			c.logger.Warn("pushertest: message rejected", "socket_id", cl.socketID, "reason", logText(err.Error()))
			cl.sendError(err)
		}
	}
}
