package realtime_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

// The faults that a connection survives. The state is that right after the fault. In
// the end, the connection is subscribed again, with one gap in its stream.
func TestConn_Faults(t *testing.T) {
	const connected, connecting = realtime.StateConnected, realtime.StateConnecting
	tests := []struct {
		name    string
		fault   func(*testing.T, *rawServer, *rawConn)
		state   realtime.State
		within  time.Duration // until the connection is open again
		restore func(*rawServer)
	}{
		{"server killed", func(_ *testing.T, s *rawServer, _ *rawConn) {
			s.fail(errors.New("connection refused"))
			s.cut()
		}, connecting, time.Minute, func(s *rawServer) { s.fail(nil) }},
		{"server restarted", func(t *testing.T, _ *rawServer, c *rawConn) {
			noError(t, "close", c.ws.Close(websocket.StatusGoingAway, "restart"))
		}, connecting, 2 * time.Second, nil},
		{"connection reset", func(_ *testing.T, s *rawServer, _ *rawConn) { s.cut() }, connecting, 2 * time.Second, nil},
		{"TCP half open", func(_ *testing.T, s *rawServer, _ *rawConn) { s.silence() }, connected, 150 * time.Second, nil},
		{"stalled", func(_ *testing.T, s *rawServer, _ *rawConn) { s.stall() }, connected, 150 * time.Second, nil},
		{"machine asleep for a day", func(_ *testing.T, s *rawServer, _ *rawConn) {
			s.fail(errors.New("network is unreachable"))
			s.silence()
			time.Sleep(24 * time.Hour)
			s.fail(nil)
		}, connecting, time.Minute, nil},
		{"text instead of JSON, then reset", func(t *testing.T, s *rawServer, c *rawConn) {
			c.send(strings.Repeat("garbage ", 1000))
			s.cut()
		}, connecting, 2 * time.Second, nil},
		{"invalid frame", func(t *testing.T, s *rawServer, _ *rawConn) {
			s.each(func(l *link) { _, _ = l.server.Write([]byte{0xf3, 0x00}) })
		}, connecting, 2 * time.Second, nil},
		{"invalid UTF-8 in a close frame", func(t *testing.T, s *rawServer, _ *rawConn) {
			s.each(func(l *link) { _, _ = l.server.Write([]byte{0x88, 0x03, 0x03, 0xe8, 0xff}) })
		}, connecting, 2 * time.Second, nil},
		{"oversize message", func(t *testing.T, _ *rawServer, c *rawConn) {
			_ = c.ws.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", 2<<20)))
		}, connecting, 2 * time.Second, nil},
		{"DNS fails for a while", func(_ *testing.T, s *rawServer, _ *rawConn) {
			s.fail(&net.DNSError{Err: "no such host", Name: "ws-eu.pusher.com", IsNotFound: true})
			s.cut()
			time.Sleep(10 * time.Minute)
		}, connecting, time.Minute, func(s *rawServer) { s.fail(nil) }},
		{"handshake rejected for a while", func(_ *testing.T, s *rawServer, _ *rawConn) {
			s.greet(`{"event":"pusher:error","data":{"code":4100,"message":"Over capacity"}}`)
			s.cut()
			time.Sleep(10 * time.Minute)
			for len(s.conns) > 0 {
				<-s.conns
			}
		}, connecting, time.Minute, func(s *rawServer) { s.greeting.Store(nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				conn, raw := server.connect(realtime.WithBackoff(time.Second, 30*time.Second))
				channel := subscribed(t, conn, raw, "news")
				next(t, conn, realtime.KindConnected)
				tt.fault(t, server, raw)
				synctest.Wait()
				if state := conn.State(); state != tt.state {
					t.Errorf("the state is %v, want %v", state, tt.state)
				}
				if tt.restore != nil {
					tt.restore(server)
				}
				restored := time.Now()
				again := server.accept()
				if d := again.at.Sub(restored); d > tt.within {
					t.Errorf("connected again after %v, want at most %v", d, tt.within)
				}
				again.confirm("news")
				again.send(message("news", "alive", ""))
				first, err := channel.Next(t.Context())
				noError(t, "Next", err)
				second, err := channel.Next(t.Context())
				noError(t, "Next", err)
				if first.Kind != realtime.KindGap || second.Name != "alive" {
					t.Errorf("got %+v and %+v, want a gap and an event", first, second)
				}
				again.expectNothing()
			})
		})
	}
}

// A server whose clock jumps, or sends times of its own, changes nothing: all times are
// measured with the monotonic clock of the client.
func TestConn_Faults_Clock(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var offset atomic.Int64
		server := newMemoryServer(t, pushertest.WithClock(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }))
		conn := server.connect(t)
		channel := subscribe(t, conn, "private-x")
		for _, jump := range []time.Duration{-time.Hour, 100 * 24 * time.Hour, 0} {
			offset.Store(int64(jump))
			noError(t, "Trigger", channel.Trigger(t.Context(), "client-x", 1))
			time.Sleep(10 * time.Minute)
		}
		if server.dials.Load() != 1 || conn.State() != realtime.StateConnected {
			t.Errorf("%d connections, state %v", server.dials.Load(), conn.State())
		}
	})
}

// A server that stops reading cannot make the queue of messages grow.
func TestConn_Faults_Writes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}), realtime.WithTimeout(5*time.Second))
		channel := subscribed(t, conn, raw, "private-x")
		server.stall()
		began := time.Now()
		noError(t, "Trigger", channel.Trigger(t.Context(), "client-x", 1))
		if event := next(t, conn, realtime.KindDisconnected); !strings.Contains(event.Err.Error(), "write") {
			t.Errorf("got %v", event.Err)
		}
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("the connection was given up after %v", d)
		}
		server.accept().confirm("private-x")
		next(t, channel, realtime.KindGap)
	})
}

// WithMaxMessageBytes is the limit of a message.
func TestWithMaxMessageBytes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect(realtime.WithMaxMessageBytes(100))
		channel := subscribed(t, conn, raw, "news")
		fits := message("news", "fits", "")
		fits = message("news", "fits", strings.Repeat("x", 100-len(fits)))
		raw.send(fits)
		if event := next(t, channel, realtime.KindMessage); event.Name != "fits" {
			t.Errorf("got %+v", event)
		}
		_ = raw.ws.Write(t.Context(), websocket.MessageText, []byte(fits+" "))
		if code := websocket.CloseStatus(<-raw.ended); code != websocket.StatusMessageTooBig {
			t.Errorf("the client closed with code %v", code)
		}
		next(t, conn, realtime.KindDisconnected)
	})
}

// Cuts at random times lose no subscription and double none. REALTIME_CUTS is the
// number of cuts, REALTIME_SEED the seed.
func TestConn_RandomCuts(t *testing.T) {
	cuts, seed := 1000, rand.Uint64()
	if text := os.Getenv("REALTIME_CUTS"); text != "" {
		n, err := strconv.Atoi(text)
		noError(t, "REALTIME_CUTS", err)
		cuts = n
	}
	if text := os.Getenv("REALTIME_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		noError(t, "REALTIME_SEED", err)
		seed = n
	}
	t.Logf("%d cuts, REALTIME_SEED=%d", cuts, seed)
	inBubble(t, func(t *testing.T) {
		server := newMemoryServer(t)
		conn := server.connect(t, realtime.WithBackoff(time.Second, 30*time.Second))
		names := []string{"public", "cache-x", "private-x", "private-encrypted-x", "presence-x"}
		var channels []*realtime.Channel
		for _, name := range names {
			var opts []realtime.SubscribeOption
			if name == "presence-x" {
				opts = append(opts, realtime.WithMember(auth.Member{UserID: "me"}))
			}
			channels = append(channels, subscribe(t, conn, name, opts...))
		}
		user, err := conn.SignIn(t.Context(), auth.User{ID: "me"})
		noError(t, "SignIn", err)
		channels = append(channels, user)
		gaps := make([]int, len(channels))
		random := rand.New(rand.NewPCG(seed, 0))
		for n := range cuts {
			time.Sleep(time.Duration(random.Int64N(int64(3 * time.Second))))
			switch random.IntN(4) {
			case 0:
				server.silence() // noticed by the next ping, or with the next cut
			case 1:
				noError(t, "CloseConnections", server.CloseConnections(4200, "reconnect"))
			case 2:
				time.Sleep(time.Duration(random.Int64N(int64(time.Millisecond)))) // in the middle of a handshake
				server.cut()
			default:
				server.cut()
			}
			if n%10 != 9 {
				continue
			}
			time.Sleep(4 * time.Minute) // until everything is subscribed again
			for i, channel := range channels {
				for {
					ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
					event, err := channel.Next(ctx)
					cancel()
					if err != nil {
						break
					}
					if event.Kind == realtime.KindGap {
						gaps[i]++
					}
				}
			}
			for _, name := range names {
				info, err := server.ChannelInfo(t.Context(), name, pusher.SubscriptionCount)
				noError(t, "ChannelInfo", err)
				if got, _ := info.Subscriptions(); got != 1 {
					t.Fatalf("after %d cuts there are %d subscriptions to %s, want 1", n+1, got, name)
				}
			}
			if members := channels[4].Members(); len(members) != 1 {
				t.Fatalf("members %v", members)
			}
		}
		for i, channel := range channels {
			if gaps[i] == 0 || gaps[i] > cuts {
				t.Errorf("%s has %d gaps after %d cuts", channel.Name(), gaps[i], cuts)
			}
		}
	})
}
