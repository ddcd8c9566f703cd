package pushertest

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// An App is the app that a server serves. The fmt, log/slog and encoding/json
// packages print it without its secret.
type App struct {
	ID     string
	Key    string
	Secret string
}

// redacted returns a value that prints like an App without a secret. It has no
// methods, so that printing it does not recurse.
func (a App) redacted() any {
	type app App
	a.Secret = "[REDACTED]"
	return app(a)
}

// Format implements [fmt.Formatter]. It prints the app without its secret for every
// verb.
func (a App) Format(state fmt.State, _ rune) { _, _ = fmt.Fprintf(state, "%+v", a.redacted()) }

// LogValue implements [slog.LogValuer]. It returns the app without its secret.
func (a App) LogValue() slog.Value { return slog.AnyValue(a.redacted()) }

// MarshalJSON implements [json.Marshaler]. It encodes the app without its secret.
func (a App) MarshalJSON() ([]byte, error) { return json.Marshal(a.redacted()) }
