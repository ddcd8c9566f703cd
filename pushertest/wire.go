package pushertest

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// The library asks for a buffer each way. Clients' messages are short, and it
// writes control frames only, of at most 127 bytes: small buffers do, and make
// most of the difference in what an idle connection costs.
const (
	readBuffer  = 512
	writeBuffer = 128
)

// A wire is the network connection below a WebSocket. The library reads from it
// and writes control frames, each in one Write. Data frames go past it: all
// subscribers are sent the same bytes, which the library would copy for each, and
// all that waits goes in one system call, where the library makes one a frame. For
// ten events to 1,000 subscribers that takes half the time.
type wire struct {
	net.Conn

	mu sync.Mutex // so that frames go one after the other
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Conn.Write(p)
}

// writeFrames writes all frames, in one system call where there is such a call.
func (w *wire) writeFrames(frames []frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(frames) == 1 {
		_, err := w.Conn.Write(frames[0])
		return err
	}
	buffers := make(net.Buffers, len(frames))
	for i, f := range frames {
		buffers[i] = f
	}
	_, err := buffers.WriteTo(w.Conn)
	return err
}

// A tap is a ResponseWriter whose connection, once hijacked, is a wire.
type tap struct {
	http.ResponseWriter
	hijacker http.Hijacker
	wire     *wire
}

// newTap looks for the connection below w, or returns nil if it cannot be had.
func newTap(w http.ResponseWriter) *tap {
	for inner := w; ; {
		switch below := inner.(type) {
		case http.Hijacker:
			return &tap{ResponseWriter: w, hijacker: below}
		case interface{ Unwrap() http.ResponseWriter }:
			inner = below.Unwrap()
		default:
			return nil
		}
	}
}

func (t *tap) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := t.hijacker.Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.wire = &wire{Conn: conn}
	reader := buffered.Reader
	if reader.Buffered() == 0 { // else a client that could not wait has sent on
		reader = bufio.NewReaderSize(conn, readBuffer)
	}
	return t.wire, bufio.NewReadWriter(reader, bufio.NewWriterSize(t.wire, writeBuffer)), nil
}
