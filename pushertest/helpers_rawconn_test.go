package pushertest_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openchannels/pusher-go/pushertest"
)

// A rawConn is a WebSocket connection without a library: it can send invalid frames,
// and takes little time in benchmarks.
type rawConn struct {
	net.Conn
	r        *bufio.Reader
	greeting []byte
}

// dialRaw opens a WebSocket and reads up to the end of the first message.
func dialRaw(t testing.TB, base, key string) *rawConn {
	t.Helper()
	return dialRawWith(t, base, key, "")
}

// dialRawWith is like dialRaw, but sends more data together with the handshake.
func dialRawWith(t testing.TB, base, key, more string) *rawConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return open(t, conn, key, more)
}

// open opens a WebSocket on a connection and reads up to the end of the first message.
func open(t testing.TB, conn net.Conn, key, more string) *rawConn {
	t.Helper()
	c := &rawConn{Conn: conn, r: bufio.NewReader(conn)}
	_, err := fmt.Fprintf(conn, "GET /app/%s?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n%s", key, more)
	if err != nil {
		t.Fatal(err)
	}
	for line := ""; line != "\r\n"; {
		if line, err = c.r.ReadString('\n'); err != nil {
			t.Fatalf("reading the response to the handshake: %v", err)
		}
	}
	_, c.greeting = c.read(t)
	return c
}

// authorize subscribes to a private channel or, if channel is "", signs in.
func (c *rawConn) authorize(t testing.TB, s *pushertest.Server, channel string) {
	t.Helper()
	_, id, _ := strings.Cut(string(c.greeting), `socket_id\":\"`)
	id, _, _ = strings.Cut(id, `\`)
	signer := &wsClient{server: s, socketID: id}
	text, want := subscribePrivate(channel), subscribed(channel)
	if channel == "" {
		text, want = signIn(`{"id":"1"}`), signedIn(`{"id":"1"}`)
	}
	c.send(t, signer.fill(text))
	c.expect(t, textOpcode, want)
}

// read returns the opcode and the payload of the next frame.
func (c *rawConn) read(t testing.TB) (opcode byte, payload []byte) {
	t.Helper()
	opcode, payload, err := c.readFrame()
	if err != nil {
		t.Fatalf("no further frame: %v", err)
	}
	return opcode, payload
}

func (c *rawConn) readFrame() (opcode byte, payload []byte, err error) {
	var header [8]byte
	if _, err := io.ReadFull(c.r, header[:2]); err != nil {
		return 0, nil, err
	}
	opcode, length := header[0]&0xF, uint64(header[1])
	switch length {
	case 126:
		_, err = io.ReadFull(c.r, header[6:])
		length = binary.BigEndian.Uint64(header[:]) & 0xFFFF
	case 127:
		_, err = io.ReadFull(c.r, header[:])
		length = binary.BigEndian.Uint64(header[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.r, payload)
	return opcode, payload, err
}

// masked returns a client's frame, with a mask of zeros.
func masked(first byte, payload string) []byte {
	frame := []byte{first, 0x80}
	switch n := len(payload); {
	case n < 126:
		frame[1] |= byte(n)
	case n < 1<<16:
		frame[1] |= 126
		frame = binary.BigEndian.AppendUint16(frame, uint16(n))
	default:
		frame[1] |= 127
		frame = binary.BigEndian.AppendUint64(frame, uint64(n))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}

// First bytes of frames, and opcodes.
const (
	textFrame   = 0x81
	binaryFrame = 0x82
	pingFrame   = 0x89
	pongFrame   = 0x8A

	textOpcode = 1
	closing    = 8
	pinging    = 9
	ponging    = 10
)

// send sends a text message.
func (c *rawConn) send(t testing.TB, text string) {
	t.Helper()
	if _, err := c.Write(masked(textFrame, text)); err != nil {
		t.Fatal(err)
	}
}

// expect checks the next frame.
func (c *rawConn) expect(t testing.TB, opcode byte, want string) {
	t.Helper()
	if got, payload := c.read(t); got != opcode || string(payload) != want {
		t.Errorf("received frame %d %q, want %d %q", got, payload, opcode, want)
	}
}

// expectPings checks that the next two frames are the pings of both protocols, in any
// order.
func (c *rawConn) expectPings(t testing.TB) {
	t.Helper()
	got := map[byte]string{}
	for range 2 {
		opcode, payload := c.read(t)
		got[opcode] = string(payload)
	}
	if _, ok := got[pinging]; !ok || got[textOpcode] != `{"event":"pusher:ping","data":"{}"}` {
		t.Errorf("received frames %q, want a pusher:ping and a ping frame", got)
	}
}

// expectClose checks that the next frame is a close frame, and replies to it.
func (c *rawConn) expectClose(t testing.TB, code int, reason string) {
	t.Helper()
	c.expect(t, closing, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
	_, _ = c.Write(masked(0x88, string(binary.BigEndian.AppendUint16(nil, uint16(code)))))
}

// A pipeListener is a network inside a synctest bubble.
type pipeListener chan net.Conn

func (p pipeListener) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipeListener) Close() error { return nil }

func (p pipeListener) Addr() net.Addr { return &net.IPAddr{} }

// testInBubble runs a test in a synctest bubble, with a server that listens on a
// pipeListener and a function that opens a connection.
func testInBubble(t *testing.T, test func(*testing.T, *pushertest.Server, func() *rawConn), opts ...pushertest.Option) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, append([]pushertest.Option{pushertest.WithSubscriptionCounting(false), pushertest.WithTestLog(t)}, opts...)...)
		network := make(pipeListener)
		server := http.Server{Handler: s}
		go func() { _ = server.Serve(network) }()
		defer close(network)
		defer s.Close()
		test(t, s, func() *rawConn {
			client, server := net.Pipe()
			network <- server
			t.Cleanup(func() { _ = client.Close() })
			return open(t, client, s.App().Key, "")
		})
	})
}
