package pushertest

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// The versions of the protocol that are let in. The server speaks version 7 to
// all of them.
const (
	oldestProtocol = 4
	newestProtocol = 7
)

// A door lets clients in on WebSockets, and closes those that it does not let in
// with a code that says why.
type door struct {
	state   *state
	logger  *slog.Logger
	timeout time.Duration // to be authorized; 0 for any
	maxRead int64

	mu      sync.Mutex
	closed  bool
	sockets map[*socket]struct{}
	done    sync.WaitGroup // of every request at the door and every goroutine behind it
}

func newDoor(cfg *config, st *state) *door {
	return &door{
		state:   st,
		logger:  cfg.logger,
		timeout: cfg.authorizationTimeout,
		// JSON may escape a byte as six, and what goes beside a client event's data
		// is short.
		maxRead: 6*int64(cfg.maxEventBytes) + 16*1024,
		sockets: make(map[*socket]struct{}),
	}
}

// isWebSocket tells whether a request asks for a WebSocket.
func isWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, reason := d.check(r)
	d.open(w, r, code, reason)
}

// check returns why a client cannot come in, or 0.
func (d *door) check(r *http.Request) (code int, reason string) {
	key, ok := strings.CutPrefix(r.URL.Path, "/app/")
	if !ok || key == "" || strings.Contains(key, "/") {
		return codePathNotFound, textPathNotFound
	}
	if key != d.state.app.Key {
		return codeNoApp, strings.Replace(textNotInCluster, "%s", clipped(key), 1)
	}
	asked := r.URL.Query().Get("protocol")
	version, err := strconv.Atoi(asked)
	switch {
	case asked == "":
		return codeNoVersion, textNoVersion
	case err != nil:
		return codeInvalidVersion, textInvalidVersion
	case version < oldestProtocol || version > newestProtocol:
		return codeUnsupportedVersion, textUnsupportedVersion
	}
	return 0, ""
}

// clipped keeps the reason of a close valid and below the 123 bytes that it may
// have.
func clipped(key string) string {
	key = strings.ToValidUTF8(key, "")
	for i := range key {
		if i > 32 {
			return key[:i]
		}
	}
	return key
}

// open accepts a WebSocket and, unless the code is 0, closes it.
func (d *door) open(w http.ResponseWriter, r *http.Request, code int, reason string) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	d.done.Add(1)
	d.mu.Unlock()
	defer d.done.Done()

	tapped := newTap(w)
	if tapped == nil {
		http.Error(w, http.StatusText(http.StatusNotImplemented), http.StatusNotImplemented)
		return
	}
	c := &socket{state: d.state, logger: d.logger, door: d}
	c.alive.timeout, c.alive.start = d.state.activityTimeout, time.Now()
	ws, err := websocket.Accept(tapped, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // browsers come from wherever the app's pages are
		OnPingReceived:     func(context.Context, []byte) bool { c.alive.seen(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.alive.seen() },
	})
	if err != nil {
		d.logger.WarnContext(r.Context(), "pushertest: WebSocket refused", "path", r.URL.Path, "reason", err)
		return
	}
	ws.SetReadLimit(d.maxRead)
	c.ws, c.wire = ws, tapped.wire
	if code != 0 {
		d.logger.WarnContext(r.Context(), "pushertest: connection refused", "path", r.URL.Path, "code", code, "reason", reason)
		c.hangUp(websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason})
		return
	}
	d.letIn(c)
}

// letIn returns once the connection is a peer; it is served in the background, so
// that nothing of the request is kept.
func (d *door) letIn(c *socket) {
	p := d.enter(c)
	if p == nil {
		c.hangUp(websocket.CloseError{Code: codeGoingAway, Reason: textGoingAway})
		return
	}
	c.watch(p)
	d.done.Go(func() { c.serve(p) })
}

// enter makes a peer of the socket, or returns nil if the server is closed.
func (d *door) enter(c *socket) *peer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.sockets[c] = struct{}{}
	return d.state.join(c, true)
}

func (d *door) leave(c *socket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sockets, c)
}

// each does something with every connection.
func (d *door) each(do func(*socket)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.sockets {
		do(c)
	}
}

// close closes all connections, waits for them and returns how many there were.
func (d *door) close() int {
	d.mu.Lock()
	d.closed = true
	open := len(d.sockets)
	d.mu.Unlock()
	d.each(func(c *socket) { c.close(codeGoingAway, textGoingAway) })
	d.done.Wait()
	return open
}
