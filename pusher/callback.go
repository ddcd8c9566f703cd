package pusher

import (
	"log/slog"
	"runtime/debug"
)

// protect calls a function of the user. It logs a panic, so that one does not end the
// program.
func protect(logger *slog.Logger, op string, callback func()) {
	defer func() {
		if reason := recover(); reason != nil {
			logger.Error("pusher: callback panicked", "op", op, "panic", reason, "stack", string(debug.Stack()))
		}
	}()
	callback()
}
