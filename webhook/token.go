package webhook

import (
	"fmt"
	"io"

	"github.com/openchannels/pusher-go/signing"
)

// A Token is one key of an app with its secret, as the dashboard lists them under
// "App Keys". A Token prints without its secret. (The fmt package cannot honour
// that inside an unexported field of another struct.)
type Token struct {
	Key    string
	Secret string
}

func (t Token) validate() error { return signing.CheckCredentials(t.Key, t.Secret) }

func (t Token) redacted() string { return fmt.Sprintf("{%s [REDACTED]}", t.Key) }

// Format keeps the secret out of everything that fmt prints.
func (t Token) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.redacted()) }

// MarshalText keeps the secret out of logs, JSON and their kin.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.redacted()), nil }
