package main

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// logHandler returns the handler of serve's log: lines for people, or with --json one
// object per line. If quiet, it logs warnings only.
func (t *tool) logHandler(quiet bool) slog.Handler {
	level := slog.LevelDebug
	if quiet {
		level = slog.LevelWarn
	}
	if t.json {
		return slog.NewJSONHandler(t.stdout, &slog.HandlerOptions{Level: level})
	}
	return &lineHandler{out: &t.output, w: t.stdout, level: level, mu: &sync.Mutex{}}
}

// A lineHandler logs the time of day, the message, and the attributes. Its lines have no
// level: warnings, which are rejections, start with "!".
type lineHandler struct {
	out   *output
	w     io.Writer
	level slog.Level
	attrs string
	mu    *sync.Mutex
}

func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *lineHandler) Handle(_ context.Context, record slog.Record) error {
	message := strings.TrimPrefix(strings.TrimPrefix(record.Message, "pushertest: "), "http: ")
	mark := " "
	if record.Level >= slog.LevelWarn {
		mark, message = h.out.red("!"), h.out.red(message)
	}
	attrs := h.attrs
	record.Attrs(func(attr slog.Attr) bool {
		attrs += formatAttr(attr)
		return true
	})
	line := h.out.dim(record.Time.Format(clockFormat)) + " " + mark + " " + message + attrs + "\n"
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line)
	return err
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	for _, attr := range attrs {
		with.attrs += formatAttr(attr)
	}
	return &with
}

func (h *lineHandler) WithGroup(string) slog.Handler { return h }

// maxLogValue limits the bytes of a value; the body of a webhook would fill the terminal.
const maxLogValue = 512

func formatAttr(attr slog.Attr) string {
	value := attr.Value.Resolve().String()
	if len(value) > maxLogValue {
		value = strings.ToValidUTF8(value[:maxLogValue], "") + "…"
	}
	if value == "" || strings.ContainsAny(value, " \"") || oneLine(value) != value {
		value = strconv.Quote(value)
	}
	return " " + attr.Key + "=" + value
}
