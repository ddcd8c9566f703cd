package control

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/internal/control/api"
	"github.com/openchannels/pusher-go/pushertest"
)

const (
	// maxUnread limits the lines that wait for the reader of a stream. It is more than
	// the recorded events and the kept log lines that a stream starts with.
	maxUnread = 2000

	// chunkLines limits the lines that are encoded at once.
	chunkLines = 100

	keepAliveInterval = 15 * time.Second
)

// A stream is the body of a response of streamApp. Lines that are pushed never wait for
// the reader.
type stream struct {
	log       *log
	ctx       context.Context // of the request; also canceled when the app is closed
	cancel    context.CancelFunc
	keepAlive *time.Ticker
	unread    []byte // encoded; only Read uses it
	wake      chan struct{}

	mu      sync.Mutex
	queue   []lineFunc
	skipped int
}

// openStream returns a stream that ends when ctx is done or the app is closed. The caller
// must call Close.
func openStream(ctx context.Context, app *app) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{
		log: app.log, ctx: ctx, cancel: cancel,
		keepAlive: time.NewTicker(keepAliveInterval),
		unread:    []byte("\n"), // the client gets the header of the response immediately
		wake:      make(chan struct{}, 1),
	}
	app.log.subscribe(s)
	go func() {
		defer cancel()
		_, _ = app.WaitForEvent(ctx, func(event pushertest.Event) bool {
			s.push(func() api.StreamLine { return api.StreamLine{Event: formatEvent(event)} })
			return false
		})
	}()
	return s
}

func (s *stream) push(line lineFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == maxUnread {
		s.queue = s.queue[1:]
		s.skipped++
	}
	s.queue = append(s.queue, line)
	s.signal()
}

// signal makes Read look at the queue. It never waits: one signal is enough for all lines.
func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Read implements [io.Reader]. It returns [io.EOF] when the stream ends.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.unread) == 0 {
		select {
		case <-s.ctx.Done():
			return 0, io.EOF
		case <-s.wake:
			s.unread = s.encode()
		case <-s.keepAlive.C:
			s.unread = []byte("\n")
		}
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

// encode removes the next lines from the queue.
func (s *stream) encode() []byte {
	s.mu.Lock()
	n := min(len(s.queue), chunkLines)
	lines, skipped := s.queue[:n], s.skipped
	s.queue, s.skipped = s.queue[n:], 0
	if len(s.queue) > 0 {
		s.signal()
	}
	s.mu.Unlock()

	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	if skipped > 0 {
		_ = encoder.Encode(api.StreamLine{Skipped: skipped})
	}
	for _, line := range lines {
		_ = encoder.Encode(line()) // text, numbers and times can be encoded
	}
	return text.Bytes()
}

// Close ends the stream.
func (s *stream) Close() error {
	s.cancel()
	s.log.unsubscribe(s)
	s.keepAlive.Stop()
	return nil
}
