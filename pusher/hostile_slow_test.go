package pusher_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// TestASlowNetwork: however slow it is, a call ends with the client's timeout, to
// the moment, and its connection with it.
func TestASlowNetwork(t *testing.T) {
	const timeout = 5 * time.Second // the client's default
	forbidden := []outcome{{kind: pusher.ErrForbidden, status: 403}}
	tests := []struct {
		name           string
		fault          fault
		query, publish []outcome
		published      int32
		after          time.Duration
	}{
		{"an answer in time", func(x *exchange) { r := x.ask(); time.Sleep(4 * time.Second); x.say(r); x.wait() }, right, right, 1, 4 * time.Second},
		{"an answer too late", func(x *exchange) { r := x.ask(); time.Sleep(6 * time.Second); x.say(r) }, lost, lost, 1, timeout},
		{"the header, and the body in time", func(x *exchange) { r := x.ask(); x.say(r.head); time.Sleep(4 * time.Second); x.say(r.body); x.wait() }, right, right, 1, 4 * time.Second},
		{"a request that is not read", func(*exchange) { time.Sleep(time.Minute) }, lost, lost, 0, timeout},
		{"a request that is read slowly", func(x *exchange) { x.sip(time.Second) }, lost, lost, 0, timeout},
		{"silence before the server has the request", func(x *exchange) { x.request(); x.wait() }, lost, lost, 0, timeout},
		{"silence when the server has accepted", func(x *exchange) { x.ask(); x.wait() }, lost, lost, 1, timeout},
		{"silence inside the status line", func(x *exchange) { x.say(x.ask().head[:9]); x.wait() }, lost, lost, 1, timeout},
		{"silence inside the header", func(x *exchange) { x.say(x.ask().head[:20]); x.wait() }, lost, lost, 1, timeout},
		{"silence after the header", func(x *exchange) { x.say(x.ask().head); x.wait() }, cutOff, accepted, 1, timeout},
		{"silence inside the body", func(x *exchange) { r := x.ask(); x.say(r.of(r.body[:20])); x.wait() }, cutOff, accepted, 1, timeout},
		{"silence after a body that is shorter than its length", func(x *exchange) {
			x.say(x.ask().with(contentLength, "Content-Length: 5000\r\n"))
			x.wait()
		}, cutOff, accepted, 1, timeout},
		{"silence after a body without a length", func(x *exchange) { x.say(x.ask().with(contentLength, "")); x.wait() }, cutOff, accepted, 1, timeout},
		{"silence before the last chunk", func(x *exchange) { r := x.ask(); x.say(r.chunked(chunks(r.body))); x.wait() }, cutOff, accepted, 1, timeout},
		{"silence after a page's first letter", func(x *exchange) { x.say(x.ask().of("<")); x.wait() }, nonsense, nonsense, 1, timeout},
		{"silence after another protocol", func(x *exchange) {
			x.ask()
			x.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n")
			x.wait()
		}, []outcome{{kind: pusher.ErrServer, status: 101}}, []outcome{{kind: pusher.ErrServer, status: 101}}, 1, 0},

		{"a body that drips in, in time", func(x *exchange) { r := x.ask(); x.say(r.head); x.drip(r.body, 10*time.Millisecond); x.wait() }, right, right, 1, time.Duration(len(whole)) * 10 * time.Millisecond},
		{"an answer that drips in", func(x *exchange) { x.drip(x.ask().String(), time.Second) }, lost, lost, 1, timeout},
		{"a body that drips in", func(x *exchange) { r := x.ask(); x.say(r.head); x.drip(r.body, time.Second) }, cutOff, accepted, 1, timeout},
		{"a refusal that drips in", func(x *exchange) {
			x.request()
			x.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 5000\r\n\r\n")
			x.drip(filling, time.Second)
		}, forbidden, forbidden, 0, timeout},
		{"white space without end", func(x *exchange) {
			x.say(x.ask().with(contentLength, "").of(""))
			x.drip(strings.Repeat(" ", 1000), time.Second)
		}, cutOff, accepted, 1, timeout},
		{"header lines without end", func(x *exchange) {
			x.ask()
			x.say("HTTP/1.1 200 OK\r\n")
			x.drip(strings.Repeat("X: y\r\n", 1000), 10*time.Millisecond)
		}, lost, lost, 1, timeout},
		{"informational answers without end", func(x *exchange) {
			x.ask()
			x.drip(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100), 10*time.Millisecond)
		}, lost, lost, 1, timeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range operations() {
				synctest.Test(t, func(t *testing.T) {
					p := newProxy(t, inMemory{}, tt.fault)
					defer p.hangUp()
					start := time.Now()
					got, err := op.call(context.Background(), p.client())
					took := time.Since(start)
					want := tt.query
					if op.publishes {
						want = tt.publish
					}
					checkOutcome(t, op, got, err, want)
					if took != tt.after {
						t.Errorf("%s took %v, want %v", op.name, took, tt.after)
					}
					synctest.Wait()
					if n := p.published.Load(); op.publishes && n != tt.published {
						t.Errorf("%s: the server accepted it %d times, want %d", op.name, n, tt.published)
					}
				})
			}
		})
	}
}

// TestTheCallersContextEndsASlowCall, wherever it stands.
func TestTheCallersContextEndsASlowCall(t *testing.T) {
	tests := []struct {
		name           string
		fault          fault
		query, publish []outcome
	}{
		{"silence", func(x *exchange) { x.request(); x.wait() }, lost, lost},
		{"silence inside the header", func(x *exchange) { x.say(x.ask().head[:20]); x.wait() }, lost, lost},
		{"silence inside the body", func(x *exchange) { r := x.ask(); x.say(r.of(r.body[:20])); x.wait() }, cutOff, accepted},
		{"an answer that drips in", func(x *exchange) { x.drip(x.ask().String(), time.Second) }, lost, lost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range operations() {
				synctest.Test(t, func(t *testing.T) {
					p := newProxy(t, inMemory{}, tt.fault)
					defer p.hangUp()
					ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
					defer cancel()
					start := time.Now()
					got, err := op.call(ctx, p.client(pusher.WithRetry(pusher.Retry{})))
					want := tt.query
					if op.publishes {
						want = tt.publish
					}
					checkOutcome(t, op, got, err, want)
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s = %v, want one that is %v", op.name, err, context.DeadlineExceeded)
					}
					if took := time.Since(start); took != 2*time.Second {
						t.Errorf("%s took %v, want 2s", op.name, took)
					}
				})
			}
		})
	}
}

// TestAServerThatCannotBeReached: nobody answers the attempt to connect.
func TestAServerThatCannotBeReached(t *testing.T) {
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			network := inMemory{}
			front := network.listen(t) // nobody accepts
			start := time.Now()
			got, err := op.call(context.Background(), newClient(t, network.options(front)...))
			checkOutcome(t, op, got, err, lost)
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("%s took %v, want 5s", op.name, took)
			}
			_ = front.Close() // net/http goes on connecting until then
		})
	}
}

// TestAQuerySurvivesAConnectionThatWentSilent: it is repeated over a new one.
func TestAQuerySurvivesAConnectionThatWentSilent(t *testing.T) {
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			p := newProxy(t, inMemory{}, func(x *exchange) {
				x.say(x.ask())
				if !x.first {
					x.say(x.ask())
				}
				x.wait()
			})
			defer p.hangUp()
			client := p.client(pusher.WithRetry(pusher.Retry{Attempts: 2}))
			if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
				t.Fatalf("Channels over a new connection = %v, want no error", err)
			}
			want := right
			if op.publishes {
				want = lost
			}
			got, err := op.call(context.Background(), client)
			checkOutcome(t, op, got, err, want)
			if n := p.published.Load(); n != 0 {
				t.Errorf("%s: the server accepted %d events, want none", op.name, n)
			}
		})
	}
}

// TestNoAttemptOutlivesItsCall: the requests of a client that gave up are seen to
// end by the server.
func TestNoAttemptOutlivesItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		p := newProxy(t, inMemory{}, func(x *exchange) { x.request(); x.wait(); ended++ })
		client := p.client(pusher.WithRetry(pusher.Retry{Attempts: 3}))
		_, err := client.Channels(context.Background(), pusher.ChannelsParams{})
		if !errors.Is(err, pusher.ErrHTTP) {
			t.Errorf("Channels = %v, want %v", err, pusher.ErrHTTP)
		}
		synctest.Wait()
		if ended != 3 {
			t.Errorf("the proxy saw %d connections end, want 3", ended)
		}
		p.hangUp()
	})
}

// sip reads a byte at a time with a pause before each, until the client goes.
func (x *exchange) sip(pause time.Duration) {
	for one := make([]byte, 1); ; {
		time.Sleep(pause)
		if _, err := x.Read(one); err != nil {
			return
		}
	}
}
