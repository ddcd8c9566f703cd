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

// A fault handles one connection of the client. The connection is closed when it
// returns.
type fault func(x *faultConn)

// A faultProxy is a reverse proxy between a client and a correct server. It applies its
// fault to every connection.
type faultProxy struct {
	t         testing.TB
	network   network
	fault     fault
	front     net.Listener
	back      net.Listener
	server    *http.Server
	published atomic.Int32 // POST requests that the server has accepted

	mu          sync.Mutex
	connections map[net.Conn]bool // open ones
	opened      int
	running     sync.WaitGroup
}

func newFaultProxy(t testing.TB, n network, f fault) *faultProxy {
	t.Helper()
	p := &faultProxy{t: t, network: n, fault: f, connections: map[net.Conn]bool{}}
	p.front, p.back = n.listen(t), n.listen(t)
	p.server = &http.Server{Handler: http.HandlerFunc(p.handle), ErrorLog: log.New(io.Discard, "", 0)}
	p.running.Go(func() { _ = p.server.Serve(p.back) })
	p.running.Go(p.accept)
	return p
}

// client returns a client that sends its requests to the proxy.
func (p *faultProxy) client(opts ...pusher.Option) *pusher.Client {
	p.t.Helper()
	return newClient(p.t, append(p.network.options(p.front), opts...)...)
}

// connectionCount returns the number of connections so far.
func (p *faultProxy) connectionCount() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.opened)
}

// checkPublished fails the test unless the server has accepted the number of requests
// of an operation that publishes.
func (p *faultProxy) checkPublished(op operation, want int32) {
	p.t.Helper()
	if n := p.published.Load(); op.publishes && n != want {
		p.t.Errorf("%s: the server accepted %d requests, want %d", op.name, n, want)
	}
}

// handle is the server. It fails the test if a signature is invalid.
func (p *faultProxy) handle(w http.ResponseWriter, r *http.Request) {
	if _, err := verify(r, time.Now()); err != nil {
		p.t.Errorf("the server received a request with an invalid signature: %v", err)
	}
	if r.Method == http.MethodPost {
		p.published.Add(1)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, completeBody)
}

func (p *faultProxy) accept() {
	for {
		conn, err := p.front.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		x := &faultConn{Conn: conn, proxy: p, first: p.opened == 0}
		p.opened++
		p.connections[conn] = true
		p.mu.Unlock()
		p.running.Go(func() { p.serve(x) })
	}
}

func (p *faultProxy) serve(x *faultConn) {
	defer func() {
		_ = x.Close()
		p.mu.Lock()
		delete(p.connections, x.Conn)
		p.mu.Unlock()
	}()
	x.in = bufio.NewReader(io.TeeReader(x.Conn, &x.seen))
	p.fault(x)
}

// shutDown closes all connections and waits until all faults have returned.
func (p *faultProxy) shutDown() {
	_ = p.front.Close()
	_ = p.server.Close()
	p.mu.Lock()
	for conn := range p.connections {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// A faultConn is a connection of the client.
type faultConn struct {
	net.Conn
	proxy *faultProxy
	first bool // the first connection of the proxy
	in    *bufio.Reader
	seen  bytes.Buffer // read from in since the previous request
}

// readRequest reads a complete request. If the client disconnects, it ends the fault.
func (x *faultConn) readRequest() string {
	x.seen.Reset()
	r, err := http.ReadRequest(x.in)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		runtime.Goexit() // the client disconnected
	}
	return x.seen.String()
}

// sendRaw is a fault that sends these bytes instead of a response and closes the
// connection.
func sendRaw(text string) fault {
	return func(x *faultConn) { x.readRequest(); x.send(text) }
}

// A rawResponse is a response of the server, split after its header.
type rawResponse struct{ head, body string }

func (r rawResponse) String() string { return r.head + r.body }

// replaceHead returns the response with a part of its header replaced.
func (r rawResponse) replaceHead(old, replacement string) rawResponse {
	if !strings.Contains(r.head, old) {
		panic("no " + old + " in " + r.head)
	}
	return rawResponse{strings.Replace(r.head, old, replacement, 1), r.body}
}

// chunked returns the response with the given chunked body.
func (r rawResponse) chunked(body string) rawResponse {
	return rawResponse{r.replaceHead(contentLength, "Transfer-Encoding: chunked\r\n").head, body}
}

// withBody returns the response with another body.
func (r rawResponse) withBody(body string) rawResponse { return rawResponse{r.head, body} }

// forward reads a request, sends it to the server and returns the response.
func (x *faultConn) forward() rawResponse {
	request := x.readRequest()
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
	return rawResponse{head + "\r\n\r\n", body}
}

// send writes to the client, which may have disconnected.
func (x *faultConn) send(text any) {
	switch text := text.(type) {
	case string:
		_, _ = io.WriteString(x, text)
	case rawResponse:
		_, _ = io.WriteString(x, text.String())
	}
}

// sendSlowly writes the text byte by byte with a delay before each, until the client
// disconnects.
func (x *faultConn) sendSlowly(text string, delay time.Duration) {
	for i := range len(text) {
		time.Sleep(delay)
		if _, err := io.WriteString(x, text[i:i+1]); err != nil {
			return
		}
	}
}

// readSlowly reads byte by byte with a delay before each, until the client disconnects.
func (x *faultConn) readSlowly(delay time.Duration) {
	for one := make([]byte, 1); ; {
		time.Sleep(delay)
		if _, err := x.Read(one); err != nil {
			return
		}
	}
}

// sendForever writes the text repeatedly until the client disconnects.
func (x *faultConn) sendForever(text string) {
	text = strings.Repeat(text, 1+4096/len(text))
	for {
		if _, err := io.WriteString(x, text); err != nil {
			return
		}
	}
}

// waitForClose sends nothing until the client disconnects.
func (x *faultConn) waitForClose() { _, _ = io.Copy(io.Discard, x) }

// reset closes the connection with a TCP reset.
func (x *faultConn) reset() {
	if tcp, ok := x.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = x.Close()
}

// A network makes connections.
type network interface {
	listen(testing.TB) net.Listener
	dial(context.Context, net.Listener) (net.Conn, error)
	options(front net.Listener) []pusher.Option // for a client that connects to front
}

// tcpNetwork uses TCP and the default transport of the client.
type tcpNetwork struct{}

func (tcpNetwork) listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (tcpNetwork) dial(_ context.Context, to net.Listener) (net.Conn, error) {
	return net.Dial("tcp", to.Addr().String())
}

func (tcpNetwork) options(front net.Listener) []pusher.Option {
	return []pusher.Option{pusher.WithBaseURL("http://" + front.Addr().String())}
}

// memoryNetwork uses unbuffered pipes, which work in a synctest bubble.
type memoryNetwork struct{}

func (memoryNetwork) listen(testing.TB) net.Listener {
	return &pipeListener{ends: make(chan net.Conn), closed: make(chan struct{})}
}

func (memoryNetwork) dial(ctx context.Context, to net.Listener) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case to.(*pipeListener).ends <- theirs:
		return ours, nil
	case <-to.(*pipeListener).closed:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}

func (m memoryNetwork) options(front net.Listener) []pusher.Option {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return m.dial(ctx, front) }
	return []pusher.Option{
		pusher.WithBaseURL("http://pusher.example"),
		pusher.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial}}),
	}
}

// pipeListener is a net.Listener of pipes.
type pipeListener struct {
	ends   chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-p.ends:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (*pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
