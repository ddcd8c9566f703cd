package pushertest_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openchannels/pusher-go/pushertest"
)

// Source of the codes: RFC 6455, section 7.4.1.
func TestFramesThatBreakTheProtocol(t *testing.T) {
	s := listen(t)
	hello := `{"event":"pusher:ping","data":{}}`
	tests := []struct {
		name   string
		frames []byte
		code   uint16
	}{
		{"not masked", append([]byte{textFrame, byte(len(hello))}, hello...), 1002},
		{"with reserved bits", masked(0xF1, hello), 1002},
		{"with an opcode that there is not", masked(0x83, hello), 1002},
		{"a continuation of nothing", masked(0x80, hello), 1002},
		{"a ping in fragments", masked(0x09, ""), 1002},
		{"a ping of 126 bytes", masked(pingFrame, strings.Repeat("x", 126)), 1002},
		{"a message within a message", append(masked(0x01, hello), masked(textFrame, hello)...), 1002},
		{"a close of one byte", masked(0x88, "x"), 1002},
		{"binary", masked(binaryFrame, hello), 1003},
		{"a message of 80,000 bytes", masked(textFrame, strings.Repeat("x", 80_000)), 1009},
		{"one that says it has 2⁶² bytes", append([]byte{textFrame, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 80_000)...), 1009},
		{"a message in fragments without end", append(masked(0x01, strings.Repeat("x", 50_000)), masked(0x00, strings.Repeat("x", 50_000))...), 1009},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialRaw(t, s.URL, s.App().Key)
			defer func() { _ = c.Close() }()
			go func() { _, _ = c.Write(test.frames) }()
			opcode, payload := c.read(t)
			if opcode != closing || len(payload) < 2 || binary.BigEndian.Uint16(payload) != test.code {
				t.Errorf("the server sent a frame %d %q, want a close with %d", opcode, payload, test.code)
			}
		})
	}
	c := dialRaw(t, s.URL, s.App().Key)
	defer func() { _ = c.Close() }()
	for _, frame := range [][]byte{masked(0x01, hello[:5]), masked(pingFrame, "x"), masked(0x80, hello[5:])} {
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	c.hear(t, ponging, "x")
	c.hear(t, textOpcode, `{"event":"pusher:pong","data":{}}`)
}

// FuzzReceive holds that whatever text a client sends, the connection stays usable
// and all that it is told is of the protocol.
func FuzzReceive(f *testing.F) {
	for _, text := range []string{
		``, `null`, `{`, `{"event":"pusher:subscribe","data":{"channel":"c"}}`, `{"event":"pusher:subscribe","data":{"channel":"presence-c","auth":"a:b","channel_data":"{}"}}`,
		`{"event":"pusher:signin","data":{"auth":":","user_data":""}}`, `{"event":"pusher:unsubscribe","data":null}`, `{"event":"client-","channel":"private-c","data":1}`,
		`{"event":"client-a","channel":"","data":"\ud800"}`, `{"EVENT":"pusher:ping"}`, `{"event":"pusher:error"}`, "\xff",
	} {
		f.Add(text)
	}
	s := pushertest.NewServer()
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 70_000 {
			return
		}
		c := dialRaw(t, s.URL, s.App().Key)
		defer func() { _ = c.Close() }()
		c.say(t, text)
		c.say(t, `{"event":"pusher:ping","data":{}}`)
		for {
			opcode, payload := c.read(t)
			if opcode != textOpcode || !strings.HasPrefix(string(payload), `{"event":"pusher`) {
				t.Fatalf("after %q the server sent a frame %d %q, want one of the protocol", text, opcode, payload)
			}
			if string(payload) == `{"event":"pusher:pong","data":{}}` {
				return
			}
		}
	})
}

func TestASlowReaderIsCutOffAndTheOthersAreServed(t *testing.T) {
	const megabyte = 1 << 20
	var log logged
	s := listen(t, pushertest.WithMaxEventBytes(megabyte), pushertest.WithSubscriptionCounting(true), pushertest.WithTestLog(&log))
	count := func(n int) string {
		return fmt.Sprintf(`{"event":"pusher_internal:subscription_count","channel":"c","data":"{\"subscription_count\":%d}"}`, n)
	}
	reader := connect(t, s)
	reader.ws.SetReadLimit(2 * megabyte)
	reader.say(subscribe("c"))
	reader.hear(succeeded("c"), count(1))
	slow := dialRaw(t, s.URL, s.App().Key)
	defer func() { _ = slow.Close() }()
	if err := slow.Conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	slow.say(t, subscribe("c")) // and never reads again
	reader.hear(count(2))

	body := `{"name":"n","channel":"c","data":"` + strings.Repeat("x", megabyte) + `"}`
	for range 100 {
		s.ServeHTTP(newRecorder(), sign(t, s, newRequest(http.MethodPost, events, body), time.Time{}))
		switch message := reader.next(); {
		case message == count(1):
			if !strings.Contains(log.String(), "it reads too slowly") {
				t.Errorf("the log is\n%s, want a word on the slow reader", log.String())
			}
			return
		case len(message) < megabyte:
			t.Fatalf("the server said %.200s, want the event", message)
		}
	}
	t.Error("the slow reader is still there after 100 MB")
}

func TestTwoThousandConnectionsAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const many = 2000
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	conns := make([]*rawConn, many)
	var group sync.WaitGroup
	for worker := range 20 {
		group.Go(func() {
			for i := worker; i < many; i += 20 {
				conns[i] = dialRaw(t, s.URL, s.App().Key)
				conns[i].say(t, subscribe("c"))
				conns[i].hear(t, textOpcode, succeeded("c"))
			}
		})
	}
	group.Wait()
	trigger(t, s, `{"name":"n","channel":"c","data":"d"}`)
	for _, c := range conns {
		c.hear(t, textOpcode, `{"event":"n","channel":"c","data":"d"}`)
	}
	for _, c := range conns[:many/2] {
		_ = c.Close()
	}
	for _, c := range conns[many/2:] {
		go func() {
			c.hearClose(t, 1001, "The server is closed")
			_ = c.Close()
		}()
	}
	s.Close()
}

func TestManyDoEverythingAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := pushertest.NewServer(pushertest.WithTestLog(&logged{}))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			c := connect(t, s)
			for round := range 10 {
				c.say(signIn(fmt.Sprintf(`{"id":"u%d","watchlist":["u0","u1"]}`, i)), subscribe("cache-c"),
					subscribePresence("presence-x", fmt.Sprintf(`{"user_id":"%d"}`, i%3)),
					fmt.Sprintf(`{"event":"client-a","channel":"presence-x","data":%d}`, round))
				trigger(t, s, `{"name":"n","channels":["cache-c","presence-x"],"data":"d","info":"user_count","socket_id":"`+c.socketID+`"}`)
				join(t, s, "presence-x", pushertest.AsMember("sub", nil)).Close()
				c.say(unsubscribe("presence-x"), unsubscribe("cache-c"))
			}
			_ = c.ws.CloseNow()
		})
	}
	group.Go(func() {
		for range 20 {
			join(t, s, "cache-c", pushertest.AsUser("u8"))
			call(t, s, "POST", "/apps/3/users/u8/terminate_connections", "{}")
			call(t, s, "GET", channels+"/presence-x/users", "")
		}
	})
	group.Wait()
	s.Close()
}
