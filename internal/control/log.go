package control

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/openchannels/pusher-go/internal/control/api"
)

// maxLogLines limits the log lines that are kept of an app.
const maxLogLines = 200

// A log keeps the last lines of an app's log, and passes new ones to streams.
type log struct {
	open atomic.Int32 // number of streams

	mu      sync.Mutex
	kept    []lineFunc
	streams map[*stream]struct{}
}

// A lineFunc formats a line when a client reads it.
type lineFunc func() api.StreamLine

func newLog() *log { return &log{streams: make(map[*stream]struct{})} }

func (l *log) add(line lineFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == maxLogLines {
		l.kept = l.kept[1:]
	}
	l.kept = append(l.kept, line)
	for s := range l.streams {
		s.push(line)
	}
}

// subscribe passes the kept lines and all new ones to s.
func (l *log) subscribe(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.kept {
		s.push(line)
	}
	l.streams[s] = struct{}{}
	l.open.Add(1)
}

func (l *log) unsubscribe(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, s)
	l.open.Add(-1)
}

// A logHandler adds lines to a log, and passes those to another handler that are enabled
// there. It enables all lines while a stream is open.
type logHandler struct {
	log   *log
	next  slog.Handler
	attrs []slog.Attr
}

func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || h.log.open.Load() > 0
}

func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	record = record.Clone()
	h.log.add(func() api.StreamLine { return formatRecord(record, h.attrs) })
	if !h.next.Enabled(ctx, record.Level) {
		return nil
	}
	return h.next.Handle(ctx, record)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.log, h.next.WithAttrs(attrs), append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup ignores the group, because the server's log lines have none.
func (h logHandler) WithGroup(string) slog.Handler { return h }

func formatRecord(record slog.Record, attrs []slog.Attr) api.StreamLine {
	attributes := make(map[string]string, len(attrs)+record.NumAttrs())
	add := func(attr slog.Attr) bool {
		attributes[attr.Key] = attr.Value.Resolve().String()
		return true
	}
	for _, attr := range attrs {
		add(attr)
	}
	record.Attrs(add)
	return api.StreamLine{Log: api.LogLine{
		Time:       record.Time,
		Level:      api.LogLineLevel(record.Level.String()),
		Message:    strings.TrimPrefix(record.Message, "pushertest: "),
		Attributes: attributes,
	}}
}
