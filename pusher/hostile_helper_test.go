package pusher_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// whole is what the server behind the proxy answers to every request: something
// for each operation.
const whole = `{"channels":{"presence-c":{"user_count":3}},"occupied":true,"user_count":3,"users":[{"id":"7"}],"batch":[{"user_count":3},{"user_count":4}]}`

// A fault is what a proxy does with one connection of the client. When it
// returns, the connection ends.
type fault func(x *exchange)

// A proxy stands between a client and a server that answers as it should. It
// does to every connection what its fault says.
type proxy struct {
	t         testing.TB
	network   network
	fault     fault
	front     net.Listener
	back      net.Listener
	server    *http.Server
	published atomic.Int32 // POST requests that the server has accepted

	mu          sync.Mutex
	connections map[net.Conn]bool // open ones
	accepted    int
	running     sync.WaitGroup
}

func newProxy(t testing.TB, n network, f fault) *proxy {
	t.Helper()
	p := &proxy{t: t, network: n, fault: f, connections: map[net.Conn]bool{}}
	p.front, p.back = n.listen(t), n.listen(t)
	p.server = &http.Server{Handler: http.HandlerFunc(p.answer), ErrorLog: log.New(io.Discard, "", 0)}
	p.running.Go(func() { _ = p.server.Serve(p.back) })
	p.running.Go(p.accept)
	return p
}

// client returns one whose requests go through the proxy.
func (p *proxy) client(opts ...pusher.Option) *pusher.Client {
	p.t.Helper()
	return newClient(p.t, append(p.network.options(p.front), opts...)...)
}

// answer is the server: it accepts what is rightly signed.
func (p *proxy) answer(w http.ResponseWriter, r *http.Request) {
	if _, err := verify(r, time.Now()); err != nil {
		p.t.Errorf("the server got a request that is not rightly signed: %v", err)
	}
	if r.Method == http.MethodPost {
		p.published.Add(1)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, whole)
}

func (p *proxy) accept() {
	for {
		conn, err := p.front.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		x := &exchange{Conn: conn, proxy: p, first: p.accepted == 0}
		p.accepted++
		p.connections[conn] = true
		p.mu.Unlock()
		p.running.Go(func() { p.serve(x) })
	}
}

func (p *proxy) serve(x *exchange) {
	defer func() {
		_ = x.Close()
		p.mu.Lock()
		delete(p.connections, x.Conn)
		p.mu.Unlock()
	}()
	x.in = bufio.NewReader(io.TeeReader(x.Conn, &x.seen))
	p.fault(x)
}

// hangUp ends all connections, and waits until all faults have noticed.
func (p *proxy) hangUp() {
	_ = p.front.Close()
	_ = p.server.Close()
	p.mu.Lock()
	for conn := range p.connections {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// An exchange is a connection of the client, as its fault has it.
type exchange struct {
	net.Conn
	proxy *proxy
	first bool // of all connections of the proxy
	in    *bufio.Reader
	seen  bytes.Buffer // of in, since the last request
}

// request reads a whole request. It ends the fault if there is none.
func (x *exchange) request() string {
	x.seen.Reset()
	r, err := http.ReadRequest(x.in)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		runtime.Goexit() // the client has gone
	}
	return x.seen.String()
}

// A reply is what the server answers, cut after its header.
type reply struct{ head, body string }

func (r reply) String() string { return r.head + r.body }

// with replaces a part of the header.
func (r reply) with(old, replacement string) reply {
	if !strings.Contains(r.head, old) {
		panic("no " + old + " in " + r.head)
	}
	return reply{strings.Replace(r.head, old, replacement, 1), r.body}
}

// chunked is the reply with the body in chunks of its own making.
func (r reply) chunked(body string) reply {
	return reply{r.with(contentLength, "Transfer-Encoding: chunked\r\n").head, body}
}

// of replaces the body.
func (r reply) of(body string) reply { return reply{r.head, body} }

// ask reads a request, has the server answer it, and returns the answer.
func (x *exchange) ask() reply {
	request := x.request()
	conn, err := x.proxy.network.dial(context.Background(), x.proxy.back)
	if err != nil {
		runtime.Goexit() // the test is over
	}
	defer func() { _ = conn.Close() }()
	var seen bytes.Buffer
	if _, err = io.WriteString(conn, request); err != nil {
		runtime.Goexit()
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &seen)), nil)
	if err != nil {
		runtime.Goexit()
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		runtime.Goexit()
	}
	head, body, _ := strings.Cut(seen.String(), "\r\n\r\n")
	return reply{head + "\r\n\r\n", body}
}

// say writes to the client, which may have gone.
func (x *exchange) say(text any) {
	switch text := text.(type) {
	case string:
		_, _ = io.WriteString(x, text)
	case reply:
		_, _ = io.WriteString(x, text.String())
	}
}

// drip writes the text byte by byte with a pause before each, until the client
// goes.
func (x *exchange) drip(text string, pause time.Duration) {
	for i := range len(text) {
		time.Sleep(pause)
		if _, err := io.WriteString(x, text[i:i+1]); err != nil {
			return
		}
	}
}

// flood writes the text over and over, until the client goes.
func (x *exchange) flood(text string) {
	text = strings.Repeat(text, 1+4096/len(text))
	for {
		if _, err := io.WriteString(x, text); err != nil {
			return
		}
	}
}

// wait is silent until the client goes.
func (x *exchange) wait() { _, _ = io.Copy(io.Discard, x) }

// reset ends the connection without the end of TCP, where it is one.
func (x *exchange) reset() {
	if tcp, ok := x.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = x.Close()
}

// A network makes connections.
type network interface {
	listen(testing.TB) net.Listener
	dial(context.Context, net.Listener) (net.Conn, error)
	options(front net.Listener) []pusher.Option // of a client that connects to front
}

// overTCP is TCP, and the client's own transport.
type overTCP struct{}

func (overTCP) listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (overTCP) dial(_ context.Context, to net.Listener) (net.Conn, error) {
	return net.Dial("tcp", to.Addr().String())
}

func (overTCP) options(front net.Listener) []pusher.Option {
	return []pusher.Option{pusher.WithBaseURL("http://" + front.Addr().String())}
}

// inMemory has no buffers and the time of its synctest bubble.
type inMemory struct{}

func (inMemory) listen(testing.TB) net.Listener {
	return &pipes{ends: make(chan net.Conn), closed: make(chan struct{})}
}

func (inMemory) dial(ctx context.Context, to net.Listener) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case to.(*pipes).ends <- theirs:
		return ours, nil
	case <-to.(*pipes).closed:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}

func (m inMemory) options(front net.Listener) []pusher.Option {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return m.dial(ctx, front) }
	return []pusher.Option{
		pusher.WithBaseURL("http://pusher.example"),
		pusher.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial}}),
	}
}

// pipes is a listener in memory.
type pipes struct {
	ends   chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.ends:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (*pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
