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

// TestPipeline_SlowNetwork checks that a call ends exactly when the client's timeout
// expires, and that it closes its connection.
func TestPipeline_SlowNetwork(t *testing.T) {
	const timeout = 5 * time.Second // the client's default
	forbidden := []outcome{{kind: pusher.ErrForbidden, status: 403}}
	tests := []struct {
		name           string
		fault          fault
		query, publish []outcome
		published      int32
		after          time.Duration
	}{
		{"response before the timeout", func(x *faultConn) { r := x.process(); time.Sleep(4 * time.Second); x.send(r); x.waitForClose() }, decoded, decoded, 1, 4 * time.Second},
		{"response after the timeout", func(x *faultConn) { r := x.process(); time.Sleep(6 * time.Second); x.send(r) }, noResponse, noResponse, 1, timeout},
		{"header at once, body before the timeout", func(x *faultConn) {
			r := x.process()
			x.send(r.head)
			time.Sleep(4 * time.Second)
			x.send(r.body)
			x.waitForClose()
		}, decoded, decoded, 1, 4 * time.Second},
		{"request is not read", func(*faultConn) { time.Sleep(time.Minute) }, noResponse, noResponse, 0, timeout},
		{"request is read slowly", func(x *faultConn) { x.readSlowly(time.Second) }, noResponse, noResponse, 0, timeout},
		{"no response, request not processed", func(x *faultConn) { x.readRequest(); x.waitForClose() }, noResponse, noResponse, 0, timeout},
		{"no response, request accepted", func(x *faultConn) { x.process(); x.waitForClose() }, noResponse, noResponse, 1, timeout},
		{"stalled in the status line", func(x *faultConn) { x.send(x.process().head[:9]); x.waitForClose() }, noResponse, noResponse, 1, timeout},
		{"stalled in the header", func(x *faultConn) { x.send(x.process().head[:20]); x.waitForClose() }, noResponse, noResponse, 1, timeout},
		{"stalled after the header", func(x *faultConn) { x.send(x.process().head); x.waitForClose() }, truncated, acceptedOnly, 1, timeout},
		{"stalled in the body", func(x *faultConn) { r := x.process(); x.send(r.withBody(r.body[:20])); x.waitForClose() }, truncated, acceptedOnly, 1, timeout},
		{"stalled after a body shorter than Content-Length", func(x *faultConn) {
			x.send(x.process().replaceHead(contentLength, "Content-Length: 5000\r\n"))
			x.waitForClose()
		}, truncated, acceptedOnly, 1, timeout},
		{"stalled after a body without Content-Length", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, "")); x.waitForClose() }, truncated, acceptedOnly, 1, timeout},
		{"stalled before the last chunk", func(x *faultConn) { r := x.process(); x.send(r.chunked(chunks(r.body))); x.waitForClose() }, truncated, acceptedOnly, 1, timeout},
		{"stalled after the first byte of an HTML page", func(x *faultConn) { x.send(x.process().withBody("<")); x.waitForClose() }, unexpected, unexpected, 1, timeout},
		{"stalled after switching protocols", func(x *faultConn) {
			x.process()
			x.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
			x.waitForClose()
		}, []outcome{{kind: pusher.ErrServer, status: 101}}, []outcome{{kind: pusher.ErrServer, status: 101}}, 1, 0},

		{"slow body before the timeout", func(x *faultConn) {
			r := x.process()
			x.send(r.head)
			x.sendSlowly(r.body, 10*time.Millisecond)
			x.waitForClose()
		}, decoded, decoded, 1, time.Duration(len(completeBody)) * 10 * time.Millisecond},
		{"slow response", func(x *faultConn) { x.sendSlowly(x.process().String(), time.Second) }, noResponse, noResponse, 1, timeout},
		{"slow body", func(x *faultConn) { r := x.process(); x.send(r.head); x.sendSlowly(r.body, time.Second) }, truncated, acceptedOnly, 1, timeout},
		{"slow error response", func(x *faultConn) {
			x.readRequest()
			x.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 5000\r\n\r\n")
			x.sendSlowly(padding, time.Second)
		}, forbidden, forbidden, 0, timeout},
		{"endless white space", func(x *faultConn) {
			x.send(x.process().replaceHead(contentLength, "").withBody(""))
			x.sendSlowly(strings.Repeat(" ", 1000), time.Second)
		}, truncated, acceptedOnly, 1, timeout},
		{"endless header lines", func(x *faultConn) {
			x.process()
			x.send("HTTP/1.1 200 OK\r\n")
			x.sendSlowly(strings.Repeat("X: y\r\n", 1000), 10*time.Millisecond)
		}, noResponse, noResponse, 1, timeout},
		{"endless informational responses", func(x *faultConn) {
			x.process()
			x.sendSlowly(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100), 10*time.Millisecond)
		}, noResponse, noResponse, 1, timeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range operations() {
				synctest.Test(t, func(t *testing.T) {
					server := newFaultServer(t, memoryNetwork{}, tt.fault)
					defer server.shutDown()
					start := time.Now()
					got, err := op.call(context.Background(), server.client())
					took := time.Since(start)
					checkOutcome(t, op, got, err, op.outcomes(tt.query, tt.publish))
					if took != tt.after {
						t.Errorf("%s took %v, want %v", op.name, took, tt.after)
					}
					synctest.Wait()
					server.checkPublished(op, tt.published)
				})
			}
		})
	}
}

// TestPipeline_SlowNetworkContext checks that the context of the caller ends a call.
func TestPipeline_SlowNetworkContext(t *testing.T) {
	tests := []struct {
		name           string
		fault          fault
		query, publish []outcome
	}{
		{"no response", func(x *faultConn) { x.readRequest(); x.waitForClose() }, noResponse, noResponse},
		{"stalled in the header", func(x *faultConn) { x.send(x.process().head[:20]); x.waitForClose() }, noResponse, noResponse},
		{"stalled in the body", func(x *faultConn) { r := x.process(); x.send(r.withBody(r.body[:20])); x.waitForClose() }, truncated, acceptedOnly},
		{"slow response", func(x *faultConn) { x.sendSlowly(x.process().String(), time.Second) }, noResponse, noResponse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range operations() {
				synctest.Test(t, func(t *testing.T) {
					server := newFaultServer(t, memoryNetwork{}, tt.fault)
					defer server.shutDown()
					ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
					defer cancel()
					start := time.Now()
					got, err := op.call(ctx, server.client(pusher.WithRetry(pusher.Retry{})))
					checkOutcome(t, op, got, err, op.outcomes(tt.query, tt.publish))
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s = %v, want an error that is %v", op.name, err, context.DeadlineExceeded)
					}
					if took := time.Since(start); took != 2*time.Second {
						t.Errorf("%s took %v, want 2s", op.name, took)
					}
				})
			}
		})
	}
}

// TestPipeline_UnreachableServer checks a connection that is not established.
func TestPipeline_UnreachableServer(t *testing.T) {
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			network := memoryNetwork{}
			front := network.listen(t) // accepts no connection
			start := time.Now()
			got, err := op.call(context.Background(), newClient(t, network.options(front)...))
			checkOutcome(t, op, got, err, noResponse)
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("%s took %v, want 5s", op.name, took)
			}
			_ = front.Close() // ends the dial, which net/http continues in the background
		})
	}
}

// TestRetry_SilentConnection checks that a query on a reused connection that does not
// respond is sent again on a new one.
func TestRetry_SilentConnection(t *testing.T) {
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			server := newFaultServer(t, memoryNetwork{}, func(x *faultConn) {
				x.send(x.process())
				if !x.first {
					x.send(x.process())
				}
				x.waitForClose()
			})
			defer server.shutDown()
			client := server.client(pusher.WithRetry(pusher.Retry{Attempts: 2}))
			if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
				t.Fatalf("Channels on a new connection = %v, want no error", err)
			}
			got, err := op.call(context.Background(), client)
			checkOutcome(t, op, got, err, op.outcomes(decoded, noResponse))
			server.checkPublished(op, 0)
		})
	}
}

// TestPipeline_AttemptsEndWithCall checks that no request outlives its call: the
// server sees every connection end.
func TestPipeline_AttemptsEndWithCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		server := newFaultServer(t, memoryNetwork{}, func(x *faultConn) { x.readRequest(); x.waitForClose(); ended++ })
		client := server.client(pusher.WithRetry(pusher.Retry{Attempts: 3}))
		_, err := client.Channels(context.Background(), pusher.ChannelsParams{})
		if !errors.Is(err, pusher.ErrTransport) {
			t.Errorf("Channels = %v, want %v", err, pusher.ErrTransport)
		}
		synctest.Wait()
		if ended != 3 {
			t.Errorf("the server saw %d connections end, want 3", ended)
		}
		server.shutDown()
	})
}
