package pushertest_test

import (
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// Source: Pusher Channels docs, WebSocket protocol, "Ping and pong messages" and
// error code 4201. The text is the docs' description.
func TestWithActivityTimeout(t *testing.T) {
	for _, test := range []struct {
		timeout time.Duration
		opts    []pushertest.Option
	}{
		{120 * time.Second, nil},
		{10 * time.Second, []pushertest.Option{pushertest.WithActivityTimeout(10 * time.Second)}},
	} {
		testInBubble(t, func(t *testing.T, _ *pushertest.Server, dial func() *rawConn) {
			c := dial()
			start := time.Now()
			c.expectPings(t)
			if got := time.Since(start); got != test.timeout {
				t.Errorf("the ping was sent after %v, want %v", got, test.timeout)
			}
			c.expectClose(t, 4201, "Pong reply not received")
			if got, want := time.Since(start), test.timeout+30*time.Second; got != want {
				t.Errorf("the connection was closed after %v, want %v", got, want)
			}
		}, test.opts...)
	}
}

func TestKeepalive_Activity(t *testing.T) {
	const pong = `{"event":"pusher:pong","data":{}}`
	for _, test := range []struct {
		name     string
		frame    []byte
		response byte // an opcode, or 0
	}{
		{"pusher:pong", masked(textFrame, pong), 0},
		{"pong frame", masked(pongFrame, ""), 0},
		{"ping frame", masked(pingFrame, ""), ponging},
	} {
		t.Run(test.name, func(t *testing.T) {
			testInBubble(t, func(t *testing.T, _ *pushertest.Server, dial func() *rawConn) {
				c := dial()
				for range 3 {
					start := time.Now()
					c.expectPings(t)
					if got := time.Since(start); got != 120*time.Second {
						t.Errorf("the ping was sent %v after the last activity, want 2m0s", got)
					}
					time.Sleep(29 * time.Second)
					if _, err := c.Write(test.frame); err != nil {
						t.Fatal(err)
					}
					if test.response != 0 {
						c.expect(t, test.response, "")
					}
				}
			})
		})
	}
}

// Source: Pusher Channels docs, "Authorized connections"; the text is that of Pusher.
func TestWithAuthorizationTimeout(t *testing.T) {
	testInBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
		none, public, private, signed := dial(), dial(), dial(), dial()
		for c, channel := range map[*rawConn]string{public: "c", private: "private-c", signed: ""} {
			c.authorize(t, s, channel)
		}
		sub := join(t, s, "c")
		start := time.Now()
		for _, c := range []*rawConn{none, public} {
			c.expectClose(t, 4009, "Connection not authorized within timeout")
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("the connections were closed after %v, want 30s", got)
		}
		trigger(t, s, `{"name":"n","channels":["c","private-c"],"data":"d"}`)
		private.expect(t, textOpcode, `{"event":"n","channel":"private-c","data":"d"}`)
		checkDeliveries(t, sub, pushertest.Delivery{Channel: "c", Name: "n", Data: "d"})
		signed.send(t, `{"event":"pusher:ping"}`)
		signed.expect(t, textOpcode, `{"event":"pusher:pong","data":"{}"}`)
	}, pushertest.WithAuthorizationTimeout(30*time.Second))
}
