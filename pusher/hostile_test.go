package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// TestFaults makes every call through a network that breaks in every way. A query
// never succeeds with anything but what the server said, a publish only with the
// server's status line, and the server never gets an event twice.
func TestFaults(t *testing.T) {
	lengthy := func(n any) string { return fmt.Sprintf("Content-Length: %v\r\n", n) }
	tests := []struct {
		name           string
		fault          fault
		query, publish []outcome
		published      int32 // how often the server accepts it
	}{
		{"nothing", func(x *exchange) { x.say(x.ask()); x.wait() }, right, right, 1},

		// Before the answer.
		{"it hangs up at once", func(*exchange) {}, lost, lost, 0},
		{"it resets at once", (*exchange).reset, lost, lost, 0},
		{"it resets inside the request", func(x *exchange) { _, _ = x.in.ReadByte(); x.reset() }, lost, lost, 0},
		{"it hangs up on a request that the server has not seen", func(x *exchange) { x.request() }, lost, lost, 0},
		{"it resets on a request that the server has not seen", func(x *exchange) { x.request(); x.reset() }, lost, lost, 0},
		{"it hangs up on an answer", func(x *exchange) { x.ask() }, lost, lost, 1},
		{"it resets on an answer", func(x *exchange) { x.ask(); x.reset() }, lost, lost, 1},

		// Inside the answer.
		{"it hangs up after the header", func(x *exchange) { x.say(x.ask().head) }, cutOff, accepted, 1},
		{"it resets inside the header", func(x *exchange) { x.say(x.ask().head[:20]); x.reset() }, lost, lost, 1},
		{"it resets inside the body", func(x *exchange) { r := x.ask(); x.say(r.of(r.body[:20])); x.reset() },
			append(lost, cutOff...), append(accepted, lost...), 1},

		// The status line.
		{"letters for digits in the status", func(x *exchange) { x.say(x.ask().with("200", "2OO")) }, lost, lost, 1},
		{"a status of four digits", func(x *exchange) { x.say(x.ask().with("200", "2000")) }, lost, lost, 1},
		{"a status below 0", func(x *exchange) { x.say(x.ask().with("200", "-20")) }, lost, lost, 1},
		{"a status of 0", func(x *exchange) { x.say(x.ask().with("200", "000")) },
			[]outcome{{kind: pusher.ErrServer}}, []outcome{{kind: pusher.ErrServer}}, 1},
		{"a status of 999", func(x *exchange) { x.say(x.ask().with("200", "999")) },
			[]outcome{{kind: pusher.ErrServer, status: 999}}, []outcome{{kind: pusher.ErrServer, status: 999}}, 1},
		{"another protocol's status line", func(x *exchange) { x.say(x.ask().with("HTTP/1.1", "ICY")) }, lost, lost, 1},
		{"no status line", func(x *exchange) { x.say(x.ask().with("HTTP/1.1 200 OK\r\n", "")) }, lost, lost, 1},
		{"no header at all, as in HTTP/0.9", func(x *exchange) { x.say(x.ask().body) }, lost, lost, 1},

		// The header.
		{"a header line without a colon", func(x *exchange) { x.say(x.ask().with("Content-Type:", "Content-Type")) }, lost, lost, 1},
		{"a header of 16 KiB", func(x *exchange) { x.say(x.ask().with(contentLength, contentLength+"X: "+filling[:16<<10]+"\r\n")) }, right, right, 1},
		{"a header of 1 MiB", func(x *exchange) {
			x.say(x.ask().with(contentLength, contentLength+"X: "+strings.Repeat(filling, 16)+"\r\n"))
		}, lost, lost, 1},
		{"a header without end", func(x *exchange) { x.ask(); x.say("HTTP/1.1 200 OK\r\nX: "); x.flood(filling) }, lost, lost, 1},
		{"header lines without end", func(x *exchange) { x.ask(); x.say("HTTP/1.1 200 OK\r\n"); x.flood("X: y\r\n") }, lost, lost, 1},
		{"a length that is no number", func(x *exchange) { x.say(x.ask().with(contentLength, lengthy("much"))) }, lost, lost, 1},
		{"a length below 0", func(x *exchange) { x.say(x.ask().with(contentLength, lengthy(-1))) }, lost, lost, 1},
		{"a length beyond numbers", func(x *exchange) { x.say(x.ask().with(contentLength, lengthy("99999999999999999999"))) }, lost, lost, 1},
		{"two lengths", func(x *exchange) { x.say(x.ask().with(contentLength, contentLength+lengthy(9))) }, lost, lost, 1},
		{"no length, and the end of the connection", func(x *exchange) { x.say(x.ask().with(contentLength, "")) }, right, right, 1},
		{"no length, and the end of the connection too early", func(x *exchange) { r := x.ask().with(contentLength, ""); x.say(r.of(r.body[:20])) }, nonsense, accepted, 1},
		{"a length of 0", func(x *exchange) { x.say(x.ask().with(contentLength, lengthy(0))) }, nonsense, accepted, 1},
		{"a length too short", func(x *exchange) { x.say(x.ask().with(contentLength, lengthy(20))) }, nonsense, accepted, 1},
		{"a length too long", func(x *exchange) { x.say(x.ask().with(contentLength, lengthy(5000))) }, cutOff, accepted, 1},

		// Chunks and compression.
		{"one byte a chunk", func(x *exchange) {
			r := x.ask()
			x.say(r.chunked(chunks(r.body) + "0\r\n\r\n"))
		}, right, right, 1},
		{"chunks beside a length", func(x *exchange) {
			r := x.ask()
			x.say(r.with(contentLength, contentLength+"Transfer-Encoding: chunked\r\n").of(chunks(r.body) + "0\r\n\r\n"))
		}, right, right, 1},
		{"chunks without the last one", func(x *exchange) { r := x.ask(); x.say(r.chunked(chunks(r.body))) }, cutOff, accepted, 1},
		{"a chunk whose size is no number", func(x *exchange) { x.say(x.ask().chunked("many\r\n{}\r\n0\r\n\r\n")) }, cutOff, accepted, 1},
		{"a chunk longer than its size", func(x *exchange) { x.say(x.ask().chunked("2\r\n{}{}\r\n0\r\n\r\n")) }, cutOff, accepted, 1},
		{"a chunk whose size is beyond numbers", func(x *exchange) { x.say(x.ask().chunked("fffffffffffffffff\r\n{}")) }, cutOff, accepted, 1},
		{"a chunk whose line has no end", func(x *exchange) { x.say(x.ask().chunked("2;")); x.flood(filling) }, cutOff, accepted, 1},
		{"an encoding of the transfer that there is not", func(x *exchange) { x.say(x.ask().chunked("").with("chunked", "telepathic")) }, lost, lost, 1},
		{"gzip", func(x *exchange) { x.say(zipped(x.ask(), func(z string) string { return z })) }, right, right, 1},
		{"gzip that is none", func(x *exchange) { x.say(zipped(x.ask(), func(string) string { return whole })) }, cutOff, accepted, 1},
		{"gzip cut short", func(x *exchange) { x.say(zipped(x.ask(), func(z string) string { return z[:len(z)/2] })) }, cutOff, accepted, 1},
		{"gzip whose check fails", func(x *exchange) {
			x.say(zipped(x.ask(), func(z string) string { return z[:len(z)-8] + "\x00\x00\x00\x00" + z[len(z)-4:] }))
		}, cutOff, accepted, 1},

		// What is no answer.
		{"words", func(x *exchange) { x.ask(); x.say("Who is there?\r\n\r\n") }, lost, lost, 1},
		{"line ends", func(x *exchange) { x.ask(); x.say("\r\n\r\n\r\n\r\n") }, lost, lost, 1},
		{"zero bytes", func(x *exchange) { x.ask(); x.say(strings.Repeat("\x00", 100)) }, lost, lost, 1},
		{"an alert of TLS", func(x *exchange) { x.ask(); x.say("\x15\x03\x01\x00\x02\x02\x46") }, lost, lost, 1},
		{"the settings of HTTP/2", func(x *exchange) { x.ask(); x.say("\x00\x00\x00\x04\x00\x00\x00\x00\x00") }, lost, lost, 1},
		{"the prompt of a mail server", func(x *exchange) { x.ask(); x.say("220 mail.example ESMTP\r\n") }, lost, lost, 1},

		// Answers before the answer, and after it.
		{"some informational answers", func(x *exchange) {
			r := x.ask()
			x.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 199 What\r\n\r\n")
			x.say(r)
		}, right, right, 1},
		{"informational answers without end", func(x *exchange) { x.ask(); x.flood("HTTP/1.1 102 Processing\r\n\r\n") }, lost, lost, 1},
		{"another protocol, and silence", func(x *exchange) {
			x.ask()
			x.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n")
			x.wait()
		}, []outcome{{kind: pusher.ErrServer, status: 101}}, []outcome{{kind: pusher.ErrServer, status: 101}}, 1},
		{"two answers", func(x *exchange) {
			r := x.ask()
			x.say(r.String() + r.of(strings.Replace(whole, "3", "5", -1)).String())
			x.wait()
		}, right, right, 1},
		{"garbage behind the answer", func(x *exchange) { x.say(x.ask().String() + "\x00\xff</html>"); x.wait() }, right, right, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy(t, overTCP{}, tt.fault)
			defer p.hangUp()
			for _, op := range operations() {
				client := p.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}))
				want := tt.query
				if op.publishes {
					want = tt.publish
				}
				p.published.Store(0)
				got, err := op.call(context.Background(), client)
				checkOutcome(t, op, got, err, want)
				if n := p.published.Load(); op.publishes && n != tt.published {
					t.Errorf("%s: the server accepted it %d times, want %d", op.name, n, tt.published)
				}
			}
		})
	}
}

// TestAFaultOfAKeptConnection strikes on the second request of a connection that
// worked. Such a query goes over a new connection; a publish does not, since
// nobody knows how far it got.
func TestAFaultOfAKeptConnection(t *testing.T) {
	tests := []struct {
		name      string
		fault     fault // after the first answer
		publish   []outcome
		published int32
	}{
		{"it hangs up", func(x *exchange) { x.request() }, lost, 0},
		{"it resets", func(x *exchange) { x.request(); x.reset() }, lost, 0},
		{"it hangs up when the server has accepted", func(x *exchange) { x.ask() }, lost, 1},
		{"it hangs up inside the header", func(x *exchange) { x.say(x.ask().head[:20]) }, lost, 1},
		{"it hangs up inside the body", func(x *exchange) { r := x.ask(); x.say(r.of(r.body[:20])) }, accepted, 1},
		{"it answers something else", func(x *exchange) { x.ask(); x.say("HTTP/1.1 2OO OK\r\n\r\n") }, lost, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range operations() {
				p := newProxy(t, overTCP{}, func(x *exchange) {
					x.say(x.ask())
					if x.first {
						tt.fault(x)
						return
					}
					x.wait()
				})
				client := p.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}))
				if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
					t.Fatalf("Channels over a new connection = %v, want no error", err)
				}
				want := right
				if op.publishes {
					want = tt.publish
				}
				got, err := op.call(context.Background(), client)
				checkOutcome(t, op, got, err, want)
				if n := p.published.Load(); op.publishes && n != tt.published {
					t.Errorf("%s: the server accepted it %d times, want %d", op.name, n, tt.published)
				}
				p.hangUp()
			}
		})
	}
}

// TestAServerThatHangsUpAfterEachAnswer without a word, as Reverb does. A publish
// may meet the end of the connection, but it is never accepted twice, and none is
// reported as accepted that was not.
func TestAServerThatHangsUpAfterEachAnswer(t *testing.T) {
	p := newProxy(t, overTCP{}, func(x *exchange) { x.say(x.ask()) })
	defer p.hangUp()
	client := p.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}))
	succeeded := int32(0)
	for range 100 {
		_, err := client.Trigger(context.Background(), "c", "e", "d")
		if err == nil {
			succeeded++
		} else if !errors.Is(err, pusher.ErrHTTP) {
			t.Errorf("Trigger = %v, want no error or %v", err, pusher.ErrHTTP)
		}
		if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
			t.Errorf("Channels = %v, want no error", err)
		}
	}
	if n := p.published.Load(); n < succeeded || n > 100 {
		t.Errorf("the server accepted %d events, %d of 100 were reported as accepted", n, succeeded)
	}
	t.Logf("%d of 100 events were reported as accepted", succeeded)
}

// TestAPublishIsSentAgainOnlyOnDemand: the first answer is lost.
func TestAPublishIsSentAgainOnlyOnDemand(t *testing.T) {
	for _, demanded := range []bool{false, true} {
		for _, op := range operations() {
			if !op.publishes {
				continue
			}
			p := newProxy(t, overTCP{}, func(x *exchange) {
				if r := x.ask(); !x.first {
					x.say(r)
				}
			})
			want, published := lost, int32(1)
			if demanded {
				want, published = right, 2
			}
			client := p.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1, Publishes: demanded}))
			got, err := op.call(context.Background(), client)
			checkOutcome(t, op, got, err, want)
			if n := p.published.Load(); n != published {
				t.Errorf("%s with Publishes %v: the server accepted it %d times, want %d", op.name, demanded, n, published)
			}
			p.hangUp()
		}
	}
}

// someCalls are one of each way through the client, for tests of many faults.
var someCalls = []string{"Trigger", "Channels", "Get", "Post"}

// TestAnAnswerCutAfterEachByte: half a status line or header is no answer; half a
// body is none for a query.
func TestAnAnswerCutAfterEachByte(t *testing.T) {
	for _, name := range someCalls {
		t.Run(name, func(t *testing.T) {
			op, size := named(t, name), 1
			for cut := 0; cut < size; cut++ {
				var head int
				p := newProxy(t, overTCP{}, func(x *exchange) {
					r := x.ask()
					head, size = len(r.head), len(r.String())
					x.say(r.String()[:cut])
				})
				got, err := op.call(context.Background(), p.client())
				p.hangUp()
				want := lost
				switch {
				case cut < head:
				case op.publishes:
					want = accepted
				default:
					want = cutOff
				}
				if !checkOutcome(t, op, got, err, want) {
					t.Fatalf("the answer was cut after %d of %d bytes", cut, size)
				}
			}
			if size < len(whole) {
				t.Errorf("%d cuts were made, want at least %d", size, len(whole))
			}
		})
	}
}

// TestAnAnswerWithEachByteDestroyed: a body with a zero byte is no JSON, wherever
// that is, and a header that survives one is good for the answer behind it.
func TestAnAnswerWithEachByteDestroyed(t *testing.T) {
	for _, name := range someCalls {
		t.Run(name, func(t *testing.T) {
			op, size := named(t, name), 1
			for at := 0; at < size; at++ {
				var head int
				p := newProxy(t, overTCP{}, func(x *exchange) {
					r := x.ask()
					head, size = len(r.head), len(r.String())
					x.say(r.String()[:at] + "\x00" + r.String()[at+1:])
				})
				got, err := op.call(context.Background(), p.client())
				p.hangUp()
				want := nonsense
				switch {
				case at < head && err != nil:
					want = append(lost, cutOff...)
				case at < head:
					want = right
				case op.publishes:
					want = accepted
				}
				if !checkOutcome(t, op, got, err, want) {
					t.Fatalf("byte %d of %d was destroyed", at, size)
				}
			}
			if size < len(whole) {
				t.Errorf("%d bytes were destroyed, want at least %d", size, len(whole))
			}
		})
	}
}

// TestASecondAnswerIsNobodys: what comes after an answer is not taken for that of
// the next request.
func TestASecondAnswerIsNobodys(t *testing.T) {
	gone := make(chan struct{})
	p := newProxy(t, overTCP{}, func(x *exchange) {
		r := x.ask()
		if !x.first {
			x.say(r)
			x.wait()
			return
		}
		x.say(r.String() + r.of(strings.ReplaceAll(whole, "3", "5")).String())
		x.wait()
		close(gone)
	})
	defer p.hangUp()
	client := p.client()
	for _, name := range []string{"Channels", "ChannelInfo"} {
		op := named(t, name)
		got, err := op.call(context.Background(), client)
		checkOutcome(t, op, got, err, right)
		<-gone // the client has seen the second answer
	}
}
