package pushertest

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// An App is the account that a server serves. Its secret is left out of whatever
// fmt, slog and encoding/json print.
type App struct {
	ID     string
	Key    string
	Secret string
}

// redacted has App's fields and not its methods, so that it can be printed.
func (a App) redacted() any {
	type app App
	a.Secret = "[REDACTED]"
	return app(a)
}

// Format writes the app without its secret, whatever the verb.
func (a App) Format(state fmt.State, _ rune) { _, _ = fmt.Fprintf(state, "%+v", a.redacted()) }

// LogValue is the app without its secret.
func (a App) LogValue() slog.Value { return slog.AnyValue(a.redacted()) }

// MarshalJSON returns the app without its secret.
func (a App) MarshalJSON() ([]byte, error) { return json.Marshal(a.redacted()) }
