package pusher_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
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

// A faultServer is a server for tests of real connections. Its fault handles every
// connection.
type faultServer struct {
	t         testing.TB
	network   network
	fault     fault
	listener  net.Listener
	published atomic.Int32 // POST requests that were processed

	mu          sync.Mutex
	connections map[net.Conn]bool // open ones
	opened      int
	running     sync.WaitGroup
}

func newFaultServer(t testing.TB, n network, f fault) *faultServer {
	t.Helper()
	s := &faultServer{t: t, network: n, fault: f, listener: n.listen(t), connections: map[net.Conn]bool{}}
	s.running.Go(s.accept)
	return s
}

// client returns a client that sends its requests to the server.
func (s *faultServer) client(opts ...pusher.Option) *pusher.Client {
	s.t.Helper()
	return newClient(s.t, append(s.network.options(s.listener), opts...)...)
}

// connectionCount returns the number of connections so far.
func (s *faultServer) connectionCount() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.opened)
}

// checkPublished fails the test unless the server has processed the number of requests
// of an operation that publishes.
func (s *faultServer) checkPublished(op operation, want int32) {
	s.t.Helper()
	if n := s.published.Load(); op.publishes && n != want {
		s.t.Errorf("%s: the server processed %d requests, want %d", op.name, n, want)
	}
}

func (s *faultServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		x := &faultConn{Conn: conn, server: s, first: s.opened == 0, in: bufio.NewReader(conn)}
		s.opened++
		s.connections[conn] = true
		s.mu.Unlock()
		s.running.Go(func() {
			defer func() {
				_ = x.Close()
				s.mu.Lock()
				delete(s.connections, conn)
				s.mu.Unlock()
			}()
			s.fault(x)
		})
	}
}

// shutDown closes all connections and waits until all faults have returned.
func (s *faultServer) shutDown() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.connections {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// A faultConn is a connection of the client.
type faultConn struct {
	net.Conn
	server *faultServer
	first  bool // the first connection of the server
	in     *bufio.Reader
}

// readRequest reads a complete request. If the client disconnects, it ends the fault.
func (x *faultConn) readRequest() *http.Request {
	r, err := http.ReadRequest(x.in)
	if err != nil {
		runtime.Goexit() // the client disconnected
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		runtime.Goexit()
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return r
}

// process reads and accepts a request. It fails the test if the signature is invalid.
func (x *faultConn) process() rawResponse {
	r := x.readRequest()
	if _, err := verify(r, time.Now()); err != nil {
		x.server.t.Errorf("the server received a request with an invalid signature: %v", err)
	}
	if r.Method == http.MethodPost {
		x.server.published.Add(1)
	}
	return rawResponse{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + contentLength + "\r\n", completeBody}
}

// contentLength is a header line of the responses of process.
var contentLength = fmt.Sprintf("Content-Length: %d\r\n", len(completeBody))

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
	options(net.Listener) []pusher.Option // for a client that connects to the listener
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

func (tcpNetwork) options(to net.Listener) []pusher.Option {
	return []pusher.Option{pusher.WithBaseURL("http://" + to.Addr().String())}
}

// memoryNetwork uses unbuffered pipes, which work in a synctest bubble.
type memoryNetwork struct{}

func (memoryNetwork) listen(testing.TB) net.Listener {
	return &pipeListener{ends: make(chan net.Conn), closed: make(chan struct{})}
}

func (memoryNetwork) options(to net.Listener) []pusher.Option {
	listener := to.(*pipeListener)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case listener.ends <- theirs:
			return ours, nil
		case <-listener.closed:
		case <-ctx.Done():
		}
		return nil, net.ErrClosed
	}
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
