package pushertest_test

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// pipes is a network inside a synctest bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// inBubble runs a test with a server whose connections are pipes.
func inBubble(t *testing.T, test func(*testing.T, *pushertest.Server, func() *rawConn), opts ...pushertest.Option) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, append(opts, pushertest.WithSubscriptionCounting(false), pushertest.WithTestLog(t))...)
		network := make(pipes)
		server := http.Server{Handler: s}
		go func() { _ = server.Serve(network) }()
		defer close(network)
		defer s.Close()
		test(t, s, func() *rawConn {
			client, server := net.Pipe()
			network <- server
			t.Cleanup(func() { _ = client.Close() })
			return open(t, client, s.App().Key, "")
		})
	})
}

// Source: Pusher Channels docs, WebSocket protocol, "Ping and pong messages" and
// error code 4201. The text is the docs' description.
func TestSilentConnectionsAreAskedAndThenClosed(t *testing.T) {
	for _, test := range []struct {
		timeout time.Duration
		opts    []pushertest.Option
	}{
		{120 * time.Second, nil},
		{10 * time.Second, []pushertest.Option{pushertest.WithActivityTimeout(10 * time.Second)}},
	} {
		inBubble(t, func(t *testing.T, _ *pushertest.Server, dial func() *rawConn) {
			c := dial()
			start := time.Now()
			c.hear(t, textOpcode, `{"event":"pusher:ping","data":{}}`)
			c.hear(t, pinging, "")
			if got := time.Since(start); got != test.timeout {
				t.Errorf("the ping came after %v, want %v", got, test.timeout)
			}
			c.hearClose(t, 4201, "Pong reply not received")
			if got, want := time.Since(start), test.timeout+30*time.Second; got != want {
				t.Errorf("the close came after %v, want %v", got, want)
			}
		}, test.opts...)
	}
}

func TestAnySignOfLifeKeepsAConnectionOpen(t *testing.T) {
	const pong = `{"event":"pusher:pong","data":{}}`
	for _, test := range []struct {
		name   string
		frame  []byte
		answer byte // an opcode, or 0
	}{
		{"a pong of Pusher's protocol", masked(textFrame, pong), 0},
		{"a pong of the WebSocket protocol", masked(pongFrame, ""), 0},
		{"a ping of the WebSocket protocol", masked(pingFrame, ""), ponging},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, _ *pushertest.Server, dial func() *rawConn) {
				c := dial()
				for range 3 {
					start := time.Now()
					c.hear(t, textOpcode, `{"event":"pusher:ping","data":{}}`)
					c.hear(t, pinging, "")
					if got := time.Since(start); got != 120*time.Second {
						t.Errorf("the ping came %v after the last sign of life, want 2m0s", got)
					}
					time.Sleep(29 * time.Second)
					if _, err := c.Write(test.frame); err != nil {
						t.Fatal(err)
					}
					if test.answer != 0 {
						c.hear(t, test.answer, "")
					}
				}
			})
		})
	}
}

// Source: Pusher Channels docs, "Authorized connections"; the text is on record.
func TestConnectionsCanBeBoundToBeAuthorized(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
		none, public, private, signed := dial(), dial(), dial(), dial()
		for c, channel := range map[*rawConn]string{public: "c", private: "private-c", signed: ""} {
			c.authorize(t, s, channel)
		}
		sub := join(t, s, "c")
		start := time.Now()
		for _, c := range []*rawConn{none, public} {
			c.hearClose(t, 4009, "Connection not authorized within timeout")
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("the connections were closed after %v, want 30s", got)
		}
		trigger(t, s, `{"name":"n","channels":["c","private-c"],"data":"d"}`)
		private.hear(t, textOpcode, `{"event":"n","channel":"private-c","data":"d"}`)
		checkDeliveries(t, sub, pushertest.Delivery{Channel: "c", Name: "n", Data: "d"})
		signed.say(t, `{"event":"pusher:ping"}`)
		signed.hear(t, textOpcode, `{"event":"pusher:pong","data":{}}`)
	}, pushertest.WithAuthorizationTimeout(30*time.Second))
}

func TestCloseDoesNotWaitForAClientThatDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
		c := dial()
		c.say(t, subscribe("c"))
		c.hear(t, textOpcode, succeeded("c"))
		for range 2 {
			trigger(t, s, `{"name":"n","channel":"c","data":"d"}`)
		}
		start := time.Now()
		s.Close()
		if got := time.Since(start); got != 250*time.Millisecond {
			t.Errorf("Close() took %v, want 250ms", got)
		}
	})
}

func TestCloseDoesNotWaitForAClientThatDoesNotAgree(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
		c := dial()
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Close()
		}()
		c.hear(t, closing, "\x03\xe9The server is closed")
		<-done
		if got := time.Since(start); got != 250*time.Millisecond {
			t.Errorf("Close() took %v, want 250ms", got)
		}
	})
}
