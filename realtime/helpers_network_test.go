package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

// A network connects clients to an http.Handler in memory, so that tests in a synctest
// bubble can use it. It is a net.Listener.
type network struct {
	accepted chan net.Conn
	closed   chan struct{}
	dials    atomic.Int32
	hangs    atomic.Bool // nobody accepts connections

	mu    sync.Mutex
	err   error // of dialing, if not nil
	links []*link
}

// newNetwork serves handler until the test ends.
func newNetwork(t testing.TB, handler http.Handler) *network {
	t.Helper()
	n := &network{accepted: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(n)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		n.cut()
		<-done
	})
	return n
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accepted:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { close(n.closed); return nil }
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.dials.Add(1)
	n.mu.Lock()
	err := n.err
	n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if n.hangs.Load() {
		<-n.closed // net/http lets a dial continue when the request is canceled
		return nil, net.ErrClosed
	}
	client, server := net.Pipe()
	l := &link{Conn: client, server: server, closed: make(chan struct{})}
	select {
	case n.accepted <- server:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-n.closed:
		return nil, errors.New("connection refused")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = append(n.links, l)
	return l, nil
}

// client returns a client that dials this network.
func (n *network) client() realtime.Option {
	return realtime.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: n.dial, DisableKeepAlives: true}})
}

// fail makes dialing fail, or succeed again if err is nil.
func (n *network) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
}

// cut closes all connections without close frames.
func (n *network) cut() {
	n.each(func(l *link) { _ = l.server.Close(); _ = l.Close() })
}

// silence makes all open connections half open: what is sent is lost.
func (n *network) silence() { n.each(func(l *link) { l.silent.Store(true) }) }

// stall stops all transfers on the open connections, so that writes block.
func (n *network) stall() { n.each(func(l *link) { l.stalled.Store(true) }) }

func (n *network) each(f func(*link)) {
	n.mu.Lock()
	links := n.links
	n.mu.Unlock()
	for _, l := range links {
		f(l)
	}
}

// A link is the client's end of a connection.
type link struct {
	net.Conn
	server  net.Conn
	silent  atomic.Bool
	stalled atomic.Bool
	once    sync.Once
	closed  chan struct{}
}

func (l *link) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if l.silent.Load() || l.stalled.Load() {
		<-l.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (l *link) Write(p []byte) (int, error) {
	switch {
	case l.silent.Load():
		return len(p), nil
	case l.stalled.Load():
		<-l.closed
		return 0, net.ErrClosed
	}
	return l.Conn.Write(p)
}

func (l *link) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}

// A memoryServer is a pushertest.Server on a network in memory.
type memoryServer struct {
	testServer
	*network
}

func newMemoryServer(t testing.TB, opts ...pushertest.Option) memoryServer {
	t.Helper()
	handler, err := pushertest.New(opts...)
	noError(t, "pushertest.New", err)
	t.Cleanup(handler.Close)
	n := newNetwork(t, handler)
	url, err := handler.PusherURLAt("http://server")
	noError(t, "PusherURLAt", err)
	client, err := pusher.NewFromURL(url, pusher.WithEncryptionMasterKey(masterKey), pusher.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Body == nil {
				r = r.Clone(r.Context())
				r.Body = http.NoBody
			}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, r)
			return recorder.Result(), nil
		}),
	}))
	noError(t, "pusher.NewFromURL", err)
	return memoryServer{testServer{handler, client, newAuthorizer(t, handler.App(), masterKey)}, n}
}

func (s memoryServer) connect(t testing.TB, opts ...realtime.Option) *realtime.Conn {
	t.Helper()
	return connect(t, "ws://server/app/"+s.App().Key, append([]realtime.Option{s.network.client(), realtime.WithAuthorizer(s.authorizer)}, opts...)...)
}

// A rawServer speaks the protocol as the test says, message by message.
type rawServer struct {
	*network
	t        testing.TB
	conns    chan *rawConn
	greeting atomic.Pointer[string] // the first message instead of established, or nil
	closing  chan struct{}
}

// established is the first message, with %s for the socket ID.
const established = `{"event":"pusher:connection_established","data":"{\"socket_id\":\"%s\",\"activity_timeout\":120}"}`

func newRawServer(t testing.TB) *rawServer {
	s := &rawServer{t: t, conns: make(chan *rawConn, 100), closing: make(chan struct{})}
	s.network = newNetwork(t, s)
	t.Cleanup(func() { close(s.closing) })
	return s
}

func (s *rawServer) greet(text string) { s.greeting.Store(&text) }

func (s *rawServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	c := &rawConn{t: s.t, ws: ws, received: make(chan rawMessage, 10_000), ended: make(chan error, 1), at: time.Now(), query: r.URL.RawQuery}
	c.id = fmt.Sprintf("1.%d", s.dials.Load())
	greeting := fmt.Sprintf(established, c.id)
	if text := s.greeting.Load(); text != nil {
		greeting = *text
	}
	if ws.Write(r.Context(), websocket.MessageText, []byte(greeting)) != nil {
		return
	}
	s.conns <- c
	for {
		_, text, err := ws.Read(context.Background())
		if err != nil {
			c.ended <- err
			return
		}
		var m rawMessage
		if err := json.Unmarshal(text, &m); err != nil {
			s.t.Errorf("the client sent %q: %v", text, err)
		}
		c.received <- m
	}
}

// A rawConn is the server's end of a WebSocket.
type rawConn struct {
	t        testing.TB
	ws       *websocket.Conn
	id       string
	query    string
	at       time.Time // when it was opened
	received chan rawMessage
	ended    chan error // why it has ended
}

type rawMessage struct {
	Event, Channel string
	Data           json.RawMessage
}

// accept returns the next connection.
func (s *rawServer) accept() *rawConn {
	s.t.Helper()
	select {
	case c := <-s.conns:
		return c
	case <-time.After(limit()):
		s.t.Fatal("the client did not connect")
		return nil
	}
}

func (c *rawConn) send(messages ...string) {
	c.t.Helper()
	for _, m := range messages {
		noError(c.t, "send", c.ws.Write(context.Background(), websocket.MessageText, []byte(m)))
	}
}

// expect returns the data of the next message, which has to be this event.
func (c *rawConn) expect(event string) string {
	c.t.Helper()
	select {
	case m := <-c.received:
		if m.Event != event {
			c.t.Fatalf("the client sent %s with %s, want %s", m.Event, m.Data, event)
		}
		return string(m.Data)
	case <-time.After(limit()):
		c.t.Fatalf("the client did not send %s", event)
		return ""
	}
}

// expectNothing checks that the client has sent nothing more.
func (c *rawConn) expectNothing() {
	c.t.Helper()
	synctest.Wait()
	select {
	case m := <-c.received:
		c.t.Fatalf("the client sent %s with %s, want nothing", m.Event, m.Data)
	default:
	}
}

// confirm confirms the subscription that the client requests next.
func (c *rawConn) confirm(channel string) {
	c.t.Helper()
	if data := c.expect("pusher:subscribe"); channelOf(c.t, data) != channel {
		c.t.Fatalf("the client subscribes to %s, want %s", data, channel)
	}
	c.send(succeeded(channel))
}

func channelOf(t testing.TB, data string) string {
	t.Helper()
	var decoded struct{ Channel string }
	noError(t, "decode "+data, json.Unmarshal([]byte(data), &decoded))
	return decoded.Channel
}

func succeeded(channel string) string {
	return fmt.Sprintf(`{"event":"pusher_internal:subscription_succeeded","channel":%q,"data":"{}"}`, channel)
}

func message(channel, event, data string) string {
	return fmt.Sprintf(`{"event":%q,"channel":%q,"data":%q}`, event, channel, data)
}

// connect connects to the server.
func (s *rawServer) connect(opts ...realtime.Option) (*realtime.Conn, *rawConn) {
	s.t.Helper()
	conn := connect(s.t, "ws://server/app/key", append([]realtime.Option{s.client()}, opts...)...)
	return conn, s.accept()
}

// A call is a method that runs in a goroutine.
type call struct {
	channel *realtime.Channel
	err     error
	done    chan struct{}
}

func start(f func() (*realtime.Channel, error)) *call {
	c := &call{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.channel, c.err = f()
	}()
	return c
}

func startSubscribe(ctx context.Context, conn *realtime.Conn, name string, opts ...realtime.SubscribeOption) *call {
	return start(func() (*realtime.Channel, error) { return conn.Subscribe(ctx, name, opts...) })
}

// wait waits for the result.
func (c *call) wait(t testing.TB) (*realtime.Channel, error) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(limit()):
		t.Fatal("the call did not return")
	}
	return c.channel, c.err
}

func (c *call) mustSucceed(t testing.TB) *realtime.Channel {
	t.Helper()
	channel, err := c.wait(t)
	noError(t, "call", err)
	return channel
}

// subscribed subscribes and confirms it.
func subscribed(t testing.TB, conn *realtime.Conn, server *rawConn, name string, opts ...realtime.SubscribeOption) *realtime.Channel {
	t.Helper()
	c := startSubscribe(t.Context(), conn, name, opts...)
	server.confirm(name)
	return c.mustSucceed(t)
}

// inBubble runs a test with a fake clock.
func inBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t) })
}
