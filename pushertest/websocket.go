package pushertest

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// The protocol versions that clients may request. The server uses version 7 for all
// of them.
const (
	minProtocol = 4
	maxProtocol = 7
)

// A wsHandler accepts WebSocket connections. It closes those that it rejects with a
// code that gives the reason.
type wsHandler struct {
	state                *state
	logger               *slog.Logger
	authorizationTimeout time.Duration // 0 for none
	maxMessageBytes      int64
	backlog              *backlog

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
	wg     sync.WaitGroup // all requests and goroutines of the handler
}

func newWSHandler(cfg *config, st *state) *wsHandler {
	return &wsHandler{
		state:                st,
		logger:               cfg.logger,
		authorizationTimeout: cfg.authorizationTimeout,
		// JSON escapes a byte with up to six, and the rest of a client event is short.
		maxMessageBytes: 6*int64(cfg.maxEventBytes) + 16*1024,
		backlog:         newBacklog(),
		conns:           make(map[*conn]struct{}),
	}
}

// isWebSocket reports whether r requests a WebSocket.
func isWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func (h *wsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, reason := h.check(r)
	h.accept(w, r, code, reason)
}

// check returns the code and reason to reject a connection with, or 0.
func (h *wsHandler) check(r *http.Request) (code int, reason string) {
	key, ok := strings.CutPrefix(r.URL.Path, "/app/")
	if !ok || key == "" || strings.Contains(key, "/") {
		return codePathNotFound, textPathNotFound
	}
	if key != h.state.app.Key {
		return codeNoApp, strings.Replace(textNotInCluster, "%s", truncateKey(key), 1)
	}
	protocol := r.URL.Query().Get("protocol")
	version, err := strconv.Atoi(protocol)
	switch {
	case protocol == "":
		return codeNoVersion, textNoVersion
	case err != nil:
		return codeInvalidVersion, textInvalidVersion
	case version < minProtocol || version > maxProtocol:
		return codeUnsupportedVersion, textUnsupportedVersion
	}
	return 0, ""
}

// truncateKey keeps the reason of a close frame valid UTF-8 and below its limit of 123
// bytes.
func truncateKey(key string) string {
	key = strings.ToValidUTF8(key, "")
	for i := range key {
		if i > 32 {
			return key[:i]
		}
	}
	return key
}

// accept accepts a WebSocket. If code is not 0, it sends a pusher:error, as Pusher
// does, and closes the connection.
func (h *wsHandler) accept(w http.ResponseWriter, r *http.Request, code int, reason string) {
	if !h.begin() {
		panic(http.ErrAbortHandler)
	}
	defer h.wg.Done()

	c := &conn{state: h.state, logger: h.logger, handler: h}
	c.keepalive.timeout, c.keepalive.start = h.state.activityTimeout, time.Now()
	hijacker := &hijackRecorder{ResponseWriter: w}
	ws, err := websocket.Accept(hijacker.writer(), r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // browsers connect from any page of the app
		OnPingReceived:     func(context.Context, []byte) bool { c.keepalive.activity(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.keepalive.activity() },
	})
	if err != nil {
		h.logger.WarnContext(r.Context(), "pushertest: WebSocket handshake failed",
			"path", logText(r.URL.Path), "reason", logText(err.Error()))
		return
	}
	ws.SetReadLimit(h.maxMessageBytes)
	c.ws, c.netConn = ws, hijacker.conn
	if code != 0 {
		h.reject(r, c, code, reason)
		return
	}
	// The connection is served in the background, so that the request can be freed.
	library := r.URL.Query().Get("client")
	cl := h.add(c, library)
	if cl == nil {
		c.closeHandshake(websocket.CloseError{Code: codeGoingAway, Reason: textGoingAway})
		return
	}
	h.state.debug("connection opened", "socket_id", cl.socketID, "client", library, "remote", r.RemoteAddr)
	c.startKeepalive(cl)
	h.wg.Go(func() { c.serve(cl) })
}

func (h *wsHandler) reject(r *http.Request, c *conn, code int, reason string) {
	h.logger.WarnContext(r.Context(), "pushertest: connection rejected",
		"path", logText(r.URL.Path), "code", code, "reason", logText(reason))
	_ = c.netConn.SetDeadline(time.Now().Add(closeTimeout))
	if code >= 4000 { // lower codes are those of the WebSocket protocol
		rejection := &protocolError{code: code, text: reason}
		_ = c.ws.Write(context.Background(), websocket.MessageText, rejection.message().encode())
	}
	c.closeHandshake(websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason})
}

// begin counts a goroutine of the handler. It returns false if the handler is closed.
func (h *wsHandler) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.wg.Add(1)
	return true
}

// background runs f in a goroutine, unless the handler is closed.
func (h *wsHandler) background(f func()) {
	if h.begin() {
		go func() {
			defer h.wg.Done()
			f()
		}()
	}
}

// add adds a connection and its client. It returns nil if the server is closed.
func (h *wsHandler) add(c *conn, library string) *client {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.conns[c] = struct{}{}
	cl := h.state.connect(c, library, true)
	if cl != nil {
		c.setSocketID(cl.socketID)
	}
	return cl
}

func (h *wsHandler) remove(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// each calls f for every connection.
func (h *wsHandler) each(f func(*conn)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		f(c)
	}
}

// close closes all connections, waits for them and returns their number.
func (h *wsHandler) close() int {
	h.mu.Lock()
	h.closed = true
	open := len(h.conns)
	h.mu.Unlock()
	h.each(func(c *conn) { c.close(codeGoingAway, textGoingAway) })
	h.wg.Wait()
	return open
}

// A hijackRecorder keeps the network connection of a hijacked response.
type hijackRecorder struct {
	http.ResponseWriter
	conn net.Conn
}

// writer returns h if the connection can be hijacked. Otherwise it returns the
// original writer, for which [websocket.Accept] responds with status 501.
func (h *hijackRecorder) writer() http.ResponseWriter {
	for w := h.ResponseWriter; ; {
		switch inner := w.(type) {
		case http.Hijacker:
			return h
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return h.ResponseWriter
		}
	}
}

// Hijack implements [http.Hijacker].
func (h *hijackRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, buffered, err
}
