package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// TestPipeline_Faults makes every call over connections that fail in every way. A query
// succeeds only with the complete response, a publish with the status line, and the
// server never receives an event twice.
func TestPipeline_Faults(t *testing.T) {
	contentLengthOf := func(n any) string { return fmt.Sprintf("Content-Length: %v\r\n", n) }
	tests := []struct {
		name           string
		fault          fault
		query, publish []outcome
		published      int32 // requests that the server processes
	}{
		{"no fault", func(x *faultConn) { x.send(x.process()); x.waitForClose() }, decoded, decoded, 1},

		// Before the response.
		{"closed before the request", func(*faultConn) {}, noResponse, noResponse, 0},
		{"reset before the request", (*faultConn).reset, noResponse, noResponse, 0},
		{"reset during the request", func(x *faultConn) { _, _ = x.in.ReadByte(); x.reset() }, noResponse, noResponse, 0},
		{"closed, request not processed", func(x *faultConn) { x.readRequest() }, noResponse, noResponse, 0},
		{"reset, request not processed", func(x *faultConn) { x.readRequest(); x.reset() }, noResponse, noResponse, 0},
		{"closed instead of a response", func(x *faultConn) { x.process() }, noResponse, noResponse, 1},
		{"reset instead of a response", func(x *faultConn) { x.process(); x.reset() }, noResponse, noResponse, 1},

		// During the response.
		{"closed after the header", func(x *faultConn) { x.send(x.process().head) }, truncated, acceptedOnly, 1},
		{"reset in the header", func(x *faultConn) { x.send(x.process().head[:20]); x.reset() }, noResponse, noResponse, 1},
		{"reset in the body", func(x *faultConn) { r := x.process(); x.send(r.withBody(r.body[:20])); x.reset() },
			append(noResponse, truncated...), append(acceptedOnly, noResponse...), 1},

		// The status line.
		{"status with letters", func(x *faultConn) { x.send(x.process().replaceHead("200", "2OO")) }, noResponse, noResponse, 1},
		{"status with four digits", func(x *faultConn) { x.send(x.process().replaceHead("200", "2000")) }, noResponse, noResponse, 1},
		{"negative status", func(x *faultConn) { x.send(x.process().replaceHead("200", "-20")) }, noResponse, noResponse, 1},
		{"status 000", func(x *faultConn) { x.send(x.process().replaceHead("200", "000")) },
			[]outcome{{kind: pusher.ErrServer}}, []outcome{{kind: pusher.ErrServer}}, 1},
		{"status 999", func(x *faultConn) { x.send(x.process().replaceHead("200", "999")) },
			[]outcome{{kind: pusher.ErrServer, status: 999}}, []outcome{{kind: pusher.ErrServer, status: 999}}, 1},
		{"status line of another protocol", func(x *faultConn) { x.send(x.process().replaceHead("HTTP/1.1", "ICY")) }, noResponse, noResponse, 1},
		{"no status line", func(x *faultConn) { x.send(x.process().replaceHead("HTTP/1.1 200 OK\r\n", "")) }, noResponse, noResponse, 1},
		{"no header (HTTP/0.9)", func(x *faultConn) { x.send(x.process().body) }, noResponse, noResponse, 1},

		// The header.
		{"header line without a colon", func(x *faultConn) { x.send(x.process().replaceHead("Content-Type:", "Content-Type")) }, noResponse, noResponse, 1},
		{"header of 16 KiB", func(x *faultConn) {
			x.send(x.process().replaceHead(contentLength, contentLength+"X: "+padding[:16<<10]+"\r\n"))
		}, decoded, decoded, 1},
		{"header of 1 MiB", func(x *faultConn) {
			x.send(x.process().replaceHead(contentLength, contentLength+"X: "+strings.Repeat(padding, 16)+"\r\n"))
		}, noResponse, noResponse, 1},
		{"endless header line", func(x *faultConn) { x.process(); x.send("HTTP/1.1 200 OK\r\nX: "); x.sendForever(padding) }, noResponse, noResponse, 1},
		{"endless header lines", func(x *faultConn) { x.process(); x.send("HTTP/1.1 200 OK\r\n"); x.sendForever("X: y\r\n") }, noResponse, noResponse, 1},
		{"Content-Length is not a number", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, contentLengthOf("much"))) }, noResponse, noResponse, 1},
		{"negative Content-Length", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, contentLengthOf(-1))) }, noResponse, noResponse, 1},
		{"Content-Length out of range", func(x *faultConn) {
			x.send(x.process().replaceHead(contentLength, contentLengthOf("99999999999999999999")))
		}, noResponse, noResponse, 1},
		{"two Content-Lengths", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, contentLength+contentLengthOf(9))) }, noResponse, noResponse, 1},
		{"no Content-Length, closed after the body", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, "")) }, decoded, decoded, 1},
		{"no Content-Length, closed in the body", func(x *faultConn) { r := x.process().replaceHead(contentLength, ""); x.send(r.withBody(r.body[:20])) }, unexpected, acceptedOnly, 1},
		{"Content-Length 0", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, contentLengthOf(0))) }, unexpected, acceptedOnly, 1},
		{"Content-Length too short", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, contentLengthOf(20))) }, unexpected, acceptedOnly, 1},
		{"Content-Length too long", func(x *faultConn) { x.send(x.process().replaceHead(contentLength, contentLengthOf(5000))) }, truncated, acceptedOnly, 1},

		// Chunks and compression.
		{"chunks of one byte", func(x *faultConn) {
			r := x.process()
			x.send(r.chunked(chunks(r.body) + "0\r\n\r\n"))
		}, decoded, decoded, 1},
		{"chunks and Content-Length", func(x *faultConn) {
			r := x.process()
			x.send(r.replaceHead(contentLength, contentLength+"Transfer-Encoding: chunked\r\n").withBody(chunks(r.body) + "0\r\n\r\n"))
		}, decoded, decoded, 1},
		{"last chunk missing", func(x *faultConn) { r := x.process(); x.send(r.chunked(chunks(r.body))) }, truncated, acceptedOnly, 1},
		{"chunk size is not a number", func(x *faultConn) { x.send(x.process().chunked("many\r\n{}\r\n0\r\n\r\n")) }, truncated, acceptedOnly, 1},
		{"chunk longer than its size", func(x *faultConn) { x.send(x.process().chunked("2\r\n{}{}\r\n0\r\n\r\n")) }, truncated, acceptedOnly, 1},
		{"chunk size out of range", func(x *faultConn) { x.send(x.process().chunked("fffffffffffffffff\r\n{}")) }, truncated, acceptedOnly, 1},
		{"endless chunk size", func(x *faultConn) { x.send(x.process().chunked("2;")); x.sendForever(padding) }, truncated, acceptedOnly, 1},
		{"unknown transfer encoding", func(x *faultConn) { x.send(x.process().chunked("").replaceHead("chunked", "telepathic")) }, noResponse, noResponse, 1},
		{"gzip", func(x *faultConn) { x.send(gzipped(x.process(), func(z string) string { return z })) }, decoded, decoded, 1},
		{"gzip header without gzip", func(x *faultConn) { x.send(gzipped(x.process(), func(string) string { return completeBody })) }, truncated, acceptedOnly, 1},
		{"truncated gzip", func(x *faultConn) { x.send(gzipped(x.process(), func(z string) string { return z[:len(z)/2] })) }, truncated, acceptedOnly, 1},
		{"gzip with a wrong checksum", func(x *faultConn) {
			x.send(gzipped(x.process(), func(z string) string { return z[:len(z)-8] + "\x00\x00\x00\x00" + z[len(z)-4:] }))
		}, truncated, acceptedOnly, 1},

		// Not HTTP.
		{"text", func(x *faultConn) { x.process(); x.send("Who is there?\r\n\r\n") }, noResponse, noResponse, 1},
		{"line ends", func(x *faultConn) { x.process(); x.send("\r\n\r\n\r\n\r\n") }, noResponse, noResponse, 1},
		{"zero bytes", func(x *faultConn) { x.process(); x.send(strings.Repeat("\x00", 100)) }, noResponse, noResponse, 1},
		{"TLS alert", func(x *faultConn) { x.process(); x.send("\x15\x03\x01\x00\x02\x02\x46") }, noResponse, noResponse, 1},
		{"HTTP/2 settings frame", func(x *faultConn) { x.process(); x.send("\x00\x00\x00\x04\x00\x00\x00\x00\x00") }, noResponse, noResponse, 1},
		{"SMTP greeting", func(x *faultConn) { x.process(); x.send("220 mail.example ESMTP\r\n") }, noResponse, noResponse, 1},

		// Responses before and after the response.
		{"informational responses", func(x *faultConn) {
			r := x.process()
			x.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 199 What\r\n\r\n")
			x.send(r)
		}, decoded, decoded, 1},
		{"endless informational responses", func(x *faultConn) { x.process(); x.sendForever("HTTP/1.1 102 Processing\r\n\r\n") }, noResponse, noResponse, 1},
		{"truncated status line", sendRaw("HTTP/1.1 20"), noResponse, noResponse, 0},
		{"SSH banner", sendRaw("SSH-2.0-OpenSSH_9.6\r\n"), noResponse, noResponse, 0},
		{"shorter than Content-Length", sendRaw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"channels\":{}"), truncated, acceptedOnly, 0},
		{"status 202 without its body", sendRaw("HTTP/1.1 202 OK\r\nContent-Length: 99\r\n\r\n"), []outcome{{kind: pusher.ErrTransport, status: 202}}, acceptedOnly, 0},
		{"truncated HTML page", sendRaw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<html>"), unexpected, unexpected, 0},
		{"truncated error response", sendRaw("HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\nover qu"),
			[]outcome{{kind: pusher.ErrForbidden, status: 403}}, []outcome{{kind: pusher.ErrForbidden, status: 403}}, 0},
		{"switching protocols", func(x *faultConn) {
			x.process()
			x.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
			x.waitForClose()
		}, []outcome{{kind: pusher.ErrServer, status: 101}}, []outcome{{kind: pusher.ErrServer, status: 101}}, 1},
		{"two responses", func(x *faultConn) {
			r := x.process()
			x.send(r.String() + r.withBody(strings.Replace(completeBody, "3", "5", -1)).String())
			x.waitForClose()
		}, decoded, decoded, 1},
		{"trailing data", func(x *faultConn) { x.send(x.process().String() + "\x00\xff</html>"); x.waitForClose() }, decoded, decoded, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newFaultServer(t, tcpNetwork{}, tt.fault)
			defer server.shutDown()
			for _, op := range operations() {
				client := server.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}))
				server.published.Store(0)
				got, err := op.call(context.Background(), client)
				checkOutcome(t, op, got, err, op.outcomes(tt.query, tt.publish))
				server.checkPublished(op, tt.published)
			}
		})
	}
}

// TestPipeline_FaultOnReusedConnection checks faults of the second request on a
// connection. A query is sent again on a new connection. A publish is not, because the
// server may have processed it.
func TestPipeline_FaultOnReusedConnection(t *testing.T) {
	tests := []struct {
		name      string
		fault     fault // of the second request
		publish   []outcome
		published int32
	}{
		{"closed, request not processed", func(x *faultConn) { x.readRequest() }, noResponse, 0},
		{"reset, request not processed", func(x *faultConn) { x.readRequest(); x.reset() }, noResponse, 0},
		{"closed, request accepted", func(x *faultConn) { x.process() }, noResponse, 1},
		{"closed in the header", func(x *faultConn) { x.send(x.process().head[:20]) }, noResponse, 1},
		{"closed in the body", func(x *faultConn) { r := x.process(); x.send(r.withBody(r.body[:20])) }, acceptedOnly, 1},
		{"malformed response", func(x *faultConn) { x.process(); x.send("HTTP/1.1 2OO OK\r\n\r\n") }, noResponse, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, op := range operations() {
				server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
					x.send(x.process())
					if x.first {
						tt.fault(x)
						return
					}
					x.waitForClose()
				})
				client := server.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}))
				if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
					t.Fatalf("Channels on a new connection = %v, want no error", err)
				}
				got, err := op.call(context.Background(), client)
				checkOutcome(t, op, got, err, op.outcomes(decoded, tt.publish))
				server.checkPublished(op, tt.published)
				server.shutDown()
			}
		})
	}
}

// TestPipeline_ServerClosesConnections checks a server that closes each connection
// after a response without announcing it. A publish may fail because of it, but none is
// accepted twice, or reported as accepted although it was not.
func TestPipeline_ServerClosesConnections(t *testing.T) {
	server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) { x.send(x.process()) })
	defer server.shutDown()
	client := server.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1}))
	succeeded := int32(0)
	for range 100 {
		_, err := client.Trigger(context.Background(), "c", "e", "d")
		if err == nil {
			succeeded++
		} else if !errors.Is(err, pusher.ErrTransport) {
			t.Errorf("Trigger = %v, want no error or %v", err, pusher.ErrTransport)
		}
		if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
			t.Errorf("Channels = %v, want no error", err)
		}
	}
	if n := server.published.Load(); n < succeeded || n > 100 {
		t.Errorf("the server accepted %d events, Trigger succeeded for %d of 100", n, succeeded)
	}
	t.Logf("Trigger succeeded for %d of 100 events", succeeded)
}

// TestRetry_PublishesAfterLostResponse checks that a publish whose response is lost is
// sent again only if Retry.Publishes is set.
func TestRetry_PublishesAfterLostResponse(t *testing.T) {
	for _, enabled := range []bool{false, true} {
		for _, op := range operations() {
			if !op.publishes {
				continue
			}
			server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
				if r := x.process(); !x.first {
					x.send(r)
				}
			})
			want, published := noResponse, int32(1)
			if enabled {
				want, published = decoded, 2
			}
			client := server.client(pusher.WithRetry(pusher.Retry{Attempts: 3, BaseDelay: 1, Publishes: enabled}))
			got, err := op.call(context.Background(), client)
			checkOutcome(t, op, got, err, want)
			server.checkPublished(op, published)
			server.shutDown()
		}
	}
}

// TestPipeline_EachByte checks a response that is truncated, or has a zero byte, at
// every position.
func TestPipeline_EachByte(t *testing.T) {
	truncate := func(r string, at int) string { return r[:at] }
	truncatedAt := func(op operation, at, head int, _ error) []outcome {
		if at < head {
			return noResponse
		}
		return op.outcomes(truncated, acceptedOnly)
	}
	corrupt := func(r string, at int) string { return r[:at] + "\x00" + r[at+1:] }
	corruptedAt := func(op operation, at, head int, err error) []outcome {
		switch {
		case at < head && err != nil:
			return append(noResponse, truncated...)
		case at < head:
			return decoded
		case at == head: // the body does not start like an object
			return unexpected
		}
		return op.outcomes(unexpected, acceptedOnly)
	}
	tests := []struct {
		name  string
		fault func(response string, at int) string
		want  func(op operation, at, head int, err error) []outcome
	}{{"truncated", truncate, truncatedAt}, {"corrupted", corrupt, corruptedAt}}
	for _, tt := range tests {
		for _, name := range []string{"Trigger", "Channels", "Get", "Post"} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				op, size := operationNamed(t, name), 1
				for at := 0; at < size; at++ {
					var head int
					server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
						r := x.process()
						head, size = len(r.head), len(r.String())
						x.send(tt.fault(r.String(), at))
					})
					got, err := op.call(context.Background(), server.client())
					server.shutDown()
					if !checkOutcome(t, op, got, err, tt.want(op, at, head, err)) {
						t.Fatalf("the response was %s after %d of %d bytes", tt.name, at, size)
					}
				}
				if size < len(completeBody) {
					t.Errorf("%d positions were tested, want at least %d", size, len(completeBody))
				}
			})
		}
	}
}

// TestPipeline_UnsolicitedResponse checks that data after a response is not used as the
// response to the next request.
func TestPipeline_UnsolicitedResponse(t *testing.T) {
	closed := make(chan struct{})
	server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
		r := x.process()
		if !x.first {
			x.send(r)
			x.waitForClose()
			return
		}
		x.send(r.String() + r.withBody(strings.ReplaceAll(completeBody, "3", "5")).String())
		x.waitForClose()
		close(closed)
	})
	defer server.shutDown()
	client := server.client()
	for _, name := range []string{"Channels", "ChannelInfo"} {
		op := operationNamed(t, name)
		got, err := op.call(context.Background(), client)
		checkOutcome(t, op, got, err, decoded)
		<-closed // the client has received the second response
	}
}
