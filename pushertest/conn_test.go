package pushertest_test

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/openchannels/pusher-go/pushertest"
)

// Source of the codes: RFC 6455, section 7.4.1.
func TestConn_InvalidFrames(t *testing.T) {
	s := newListeningServer(t)
	hello := `{"event":"pusher:ping","data":{}}`
	tests := []struct {
		name   string
		frames []byte
		code   uint16
	}{
		{"not masked", append([]byte{textFrame, byte(len(hello))}, hello...), 1002},
		{"reserved bits", masked(0xF1, hello), 1002},
		{"unknown opcode", masked(0x83, hello), 1002},
		{"continuation without a message", masked(0x80, hello), 1002},
		{"fragmented ping", masked(0x09, ""), 1002},
		{"ping of 126 bytes", masked(pingFrame, strings.Repeat("x", 126)), 1002},
		{"message within a message", append(masked(0x01, hello), masked(textFrame, hello)...), 1002},
		{"close of one byte", masked(0x88, "x"), 1002},
		{"binary", masked(binaryFrame, hello), 1003},
		{"invalid UTF-8", masked(textFrame, "{\"event\":\"\xff\"}"), 1007},
		{"one byte more than the limit", masked(textFrame, strings.Repeat("x", 77_825)), 1009},
		{"message of 80,000 bytes", masked(textFrame, strings.Repeat("x", 80_000)), 1009},
		{"length of 2⁶² bytes", append([]byte{textFrame, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 80_000)...), 1009},
		{"endless fragments", append(masked(0x01, strings.Repeat("x", 50_000)), masked(0x00, strings.Repeat("x", 50_000))...), 1009},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialRaw(t, s.URL, s.App().Key)
			defer func() { _ = c.Close() }()
			go func() { _, _ = c.Write(test.frames) }()
			opcode, payload := c.read(t)
			if opcode != closing || len(payload) < 2 || binary.BigEndian.Uint16(payload) != test.code {
				t.Errorf("received frame %d %q, want a close frame with code %d", opcode, payload, test.code)
			}
		})
	}
}

func TestConn_Fragments(t *testing.T) {
	s := newListeningServer(t)
	hello := `{"event":"pusher:ping","data":{}}`
	c := dialRaw(t, s.URL, s.App().Key)
	defer func() { _ = c.Close() }()
	for _, frame := range [][]byte{masked(0x01, hello[:5]), masked(pingFrame, "x"), masked(0x80, hello[5:])} {
		if _, err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	c.expect(t, ponging, "x")
	c.expect(t, textOpcode, `{"event":"pusher:pong","data":"{}"}`)
}

// See also "one byte more than the limit" of TestConn_InvalidFrames. The limit is six
// times that of an event, and 16 KiB.
func TestConn_MaxMessageBytes(t *testing.T) {
	c := connect(t, newListeningServer(t))
	c.send(strings.Repeat("x", 77_824))
	c.expect(errorMessage("null", "Expected a JSON object"))
	c.expectNothing()
}

// The slow client is on a pipe, which has no buffer.
func TestConn_SlowReader(t *testing.T) {
	const size = 1 << 20
	var log logBuffer
	testInBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
		slow, other := dial(), join(t, s, "c")
		slow.send(t, subscribe("c"))
		slow.expect(t, textOpcode, subscribed("c")) // the last frame that it reads
		event := pushertest.Event{Name: "n", Channel: "c", Data: strings.Repeat("x", size)}
		for i := range 5 {
			pushertest.TriggerDirectly(s, event)
			synctest.Wait()
			dropped := strings.Contains(log.String(), "the client reads too slowly")
			// The subscription count is being written, and three messages of more than
			// 1 MiB fit into the queue of 4 MiB.
			if want := i >= 3; dropped != want {
				t.Errorf("after %d events: dropped is %t, want %t", i+1, dropped, want)
			}
		}
		if got := len(other.Events()); got != 5 {
			t.Errorf("the other subscriber received %d events, want 5", got)
		}
		checkGet(t, s, channels+"/c?info=subscription_count", `{"occupied":true,"subscription_count":1}`)
	}, pushertest.WithTestLog(&log), pushertest.WithSubscriptionCounting(true))
}

// Each client is on a pipe, which has no buffer, and reads nothing more after it has
// subscribed. A message to all clients counts once; otherwise the last message exceeds
// the limit of 64 MiB.
func TestConn_Backlog(t *testing.T) {
	const size = 1 << 20
	for _, test := range []struct {
		name    string
		channel func(i int) string
		shared  bool
	}{
		{"messages to each client", func(i int) string { return fmt.Sprintf("c%d", i) }, false},
		{"messages to all clients", func(int) string { return "c" }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log logBuffer
			testInBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
				const clients = 21
				publish := func(i int, bytes int) {
					pushertest.TriggerDirectly(s, pushertest.Event{Name: "n", Channel: test.channel(i), Data: strings.Repeat("x", bytes)})
					synctest.Wait()
				}
				var all []*rawConn
				for i := range clients {
					c := dial()
					c.send(t, subscribe(test.channel(i)))
					c.expect(t, textOpcode, subscribed(test.channel(i)))
					all = append(all, c)
				}
				if test.shared {
					publish(0, 3*size) // 63 MiB if it was counted for every client
					publish(0, size/2)
				} else {
					for i := range clients {
						publish(i, 3*size)
					}
					publish(7, size/2) // 63.5 MiB, most of them for client 7
					publish(8, size/4)
					if strings.Contains(log.String(), "dropped") {
						t.Errorf("a connection was dropped before the limit was exceeded:\n%s", log.String())
					}
					publish(9, size/4)
				}
				id := regexp.MustCompile(`socket_id\\":\\"([0-9.]+)`).FindStringSubmatch(string(all[7].greeting))[1]
				want := `msg="pushertest: connection dropped, because all clients together have too many unread messages, and this one has the most" socket_id=` + id + " unread_bytes="
				if got := strings.Count(log.String(), "connection dropped"); test.shared && got != 0 || !test.shared && (got != 1 || !strings.Contains(log.String(), want)) {
					t.Errorf("the log is\n%s, want\n%s", log.String(), want)
				}
				// The others receive what was sent to them.
				opcode, payload := all[0].read(t)
				if opcode != textOpcode || len(payload) < 3*size {
					t.Errorf("client 0 received frame %d of %d bytes, want the event", opcode, len(payload))
				}
			}, pushertest.WithTestLog(&log))
		})
	}
}

func TestConn_LongMessages(t *testing.T) {
	s := newListeningServer(t, pushertest.WithMaxEventBytes(100_000))
	c := connect(t, s)
	c.send(subscribe("c"))
	c.expect(subscribed("c"))
	data := strings.Repeat("x", 100_000)
	trigger(t, s, `{"name":"n","channel":"c","data":"`+data+`"}`)
	c.expect(`{"event":"n","channel":"c","data":"` + data + `"}`)
	sub := join(t, s, "c")
	trigger(t, s, `{"name":"n","channel":"c","data":"`+data+`"}`)
	checkDeliveries(t, sub, pushertest.Delivery{Channel: "c", Name: "n", Data: data})
}

func TestConn_ManyConnections(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const many = 500
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	conns := make([]*rawConn, many)
	var group sync.WaitGroup
	for worker := range 20 {
		group.Go(func() {
			for i := worker; i < many; i += 20 {
				conns[i] = dialRaw(t, s.URL, s.App().Key)
				conns[i].send(t, subscribe("c"))
				conns[i].expect(t, textOpcode, subscribed("c"))
			}
		})
	}
	group.Wait()
	trigger(t, s, `{"name":"n","channel":"c","data":"d"}`)
	for _, c := range conns {
		c.expect(t, textOpcode, `{"event":"n","channel":"c","data":"d"}`)
	}
	for _, c := range conns[:many/2] {
		_ = c.Close()
	}
	for _, c := range conns[many/2:] {
		go func() {
			_, _, _ = c.readFrame() // a close frame, or none on a busy machine
			_ = c.Close()
		}()
	}
	s.Close()
}

func TestServer_ConcurrentClients(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := pushertest.NewServer(pushertest.WithTestLog(&logBuffer{}))
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			c := connect(t, s)
			for round := range 5 {
				c.send(signIn(fmt.Sprintf(`{"id":"u%d","watchlist":["u0","u1"]}`, i)), subscribe("cache-c"),
					subscribePresence("presence-x", fmt.Sprintf(`{"user_id":"%d"}`, i%3)),
					fmt.Sprintf(`{"event":"client-a","channel":"presence-x","data":%d}`, round))
				trigger(t, s, `{"name":"n","channels":["cache-c","presence-x"],"data":"d","info":"user_count","socket_id":"`+c.socketID+`"}`)
				join(t, s, "presence-x", pushertest.AsMember("sub", nil)).Close()
				c.send(unsubscribe("presence-x"), unsubscribe("cache-c"))
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
