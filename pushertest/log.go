package pushertest

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/openchannels/pusher-go/internal/redact"
)

// maxLogText limits the bytes of a received text in a log line.
const maxLogText = 512

// maxLogBody limits the bytes of a webhook in a log line.
const maxLogBody = 4096

// logText returns a received text in a form that fits a log line: on one line,
// truncated, without signatures.
func logText(text string) string { return redact.Line(text, maxLogText) }

var noContext = context.Background()

// testLog writes the lines of a slog handler to a test's log.
type testLog struct{ logf func(string, ...any) }

func newTestLogger(logf func(string, ...any)) *slog.Logger {
	return slog.New(slog.NewTextHandler(testLog{logf}, nil))
}

func (l testLog) Write(line []byte) (int, error) {
	l.logf("%s", bytes.TrimSuffix(line, []byte("\n")))
	return len(line), nil
}
