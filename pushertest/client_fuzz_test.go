package pushertest_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/pushertest"
)

// FuzzMessage checks that a connection stays usable whatever text the client sends, and
// that the server sends only messages of the protocol.
func FuzzMessage(f *testing.F) {
	for _, text := range []string{
		``, `null`, `{`, `{"event":"pusher:subscribe","data":{"channel":"c"}}`, `{"event":"pusher:subscribe","data":{"channel":"presence-c","auth":"a:b","channel_data":"{}"}}`,
		`{"event":"pusher:signin","data":{"auth":":","user_data":""}}`, `{"event":"pusher:unsubscribe","data":null}`, `{"event":"client-","channel":"private-c","data":1}`,
		`{"event":"client-a","channel":"","data":"\ud800"}`, `{"EVENT":"pusher:ping"}`, `{"event":"pusher:error"}`,
	} {
		f.Add(text)
	}
	s := pushertest.NewServer()
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 70_000 || !utf8.ValidString(text) {
			return
		}
		c := dialRaw(t, s.URL, s.App().Key)
		defer func() { _ = c.Close() }()
		c.send(t, text)
		c.send(t, `{"event":"pusher:ping","data":{}}`)
		for {
			opcode, payload := c.read(t)
			if opcode != textOpcode || !strings.HasPrefix(string(payload), `{"event":"pusher`) {
				t.Fatalf("after %q: received frame %d %q, want a message of the protocol", text, opcode, payload)
			}
			if string(payload) == `{"event":"pusher:pong","data":"{}"}` {
				return
			}
		}
	})
}
