package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

func TestConnect_Url(t *testing.T) {
	tests := []struct{ name, url, want string }{
		// Source of the host: Pusher Channels docs, "Pusher Channels Protocol".
		{"cluster", realtime.Cluster("eu", "key"), "wss://ws-eu.pusher.com/app/key"},
		{"host", realtime.Host("ws.example.com:6001", "key"), "wss://ws.example.com:6001/app/key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.url != tt.want {
				t.Errorf("got %s, want %s", tt.url, tt.want)
			}
		})
	}
	t.Run("query", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			connect(t, "http://server/prefix/app/key?flash=false", server.client())
			query, err := url.ParseQuery(server.accept().query)
			noError(t, "ParseQuery", err)
			want := url.Values{"protocol": {"7"}, "client": {"pusher-go"}, "version": {pusher.Version}, "flash": {"false"}}
			if query.Encode() != want.Encode() {
				t.Errorf("got %v, want %v", query, want)
			}
		})
	})
}

func TestConnect_Configuration(t *testing.T) {
	const url = "wss://example.com/app/key"
	tests := []struct {
		name, url string
		opt       realtime.Option
	}{
		{"empty URL", "", nil},
		{"URL with control characters", "wss://\x7f/app/key", nil},
		{"other scheme", "ftp://example.com/app/key", nil},
		{"no host", "wss:///app/key", nil},
		{"user in the URL", "wss://user:hunter2@example.com/app/key", nil},
		{"no key", "wss://example.com/app/", nil},
		{"other path", "wss://example.com/apps/3", nil},
		{"path after the key", "wss://example.com/app/key/more", nil},
		{"key of a cluster with a slash", realtime.Cluster("eu/x", "key") + "/", nil},
		{"nil option", url, nil},
		{"nil authorizer", url, realtime.WithAuthorizer(nil)},
		{"endpoint without scheme", url, realtime.WithAuthEndpoint("example.com", nil)},
		{"endpoint without host", url, realtime.WithAuthEndpoint("/pusher/auth", nil)},
		{"user endpoint", url, realtime.WithUserAuthEndpoint("ftp://user:hunter2@example.com", nil)},
		{"nil HTTP client", url, realtime.WithHTTPClient(nil)},
		{"nil logger", url, realtime.WithLogger(nil)},
		{"timeout", url, realtime.WithTimeout(0)},
		{"activity timeout", url, realtime.WithActivityTimeout(-time.Second)},
		{"pong timeout", url, realtime.WithPongTimeout(0)},
		{"backoff of 0", url, realtime.WithBackoff(0, time.Second)},
		{"backoff limits", url, realtime.WithBackoff(2*time.Second, time.Second)},
		{"message size", url, realtime.WithMaxMessageBytes(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := realtime.Connect(t.Context(), tt.url, tt.opt)
			if conn != nil {
				t.Errorf("got a connection")
			}
			wantError(t, err, realtime.ErrConfiguration)
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has a password or a line feed: %v", err)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := realtime.Connect(t.Context(), "x", realtime.WithTimeout(0), realtime.WithPongTimeout(0))
		for _, want := range []string{"URL", "WithTimeout", "WithPongTimeout"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not mention %s", err, want)
			}
		}
	})
}

func TestConnect_Errors(t *testing.T) {
	server := newServer(t)
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer failing.Close()
	tests := []struct {
		name, url    string
		prepare      func() error
		kind         error
		code, status int
		message      string
	}{
		{"unknown key", server.URL + "/app/other", nil, realtime.ErrRejected, 4001, 0, "App key other not in this cluster. Did you forget to specify the cluster?"},
		{"over quota", server.url(), func() error { return server.Fail(pushertest.Failure{CloseCode: 4004, Body: "Account over quota"}) }, realtime.ErrRejected, 4004, 0, "Account over quota"},
		{"over capacity", server.url(), func() error { return server.Fail(pushertest.Failure{CloseCode: 4100, Body: "Over capacity"}) }, realtime.ErrDisconnected, 4100, 0, "Over capacity"},
		{"going away", server.url(), func() error { return server.Fail(pushertest.Failure{CloseCode: 1001, Body: "bye"}) }, realtime.ErrDisconnected, 1001, 0, "bye"},
		{"HTTP status", failing.URL + "/app/key", nil, realtime.ErrDisconnected, 0, 503, ""},
		{"connection refused", "ws://127.0.0.1:1/app/key", nil, realtime.ErrDisconnected, 0, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.prepare != nil {
				noError(t, "prepare", tt.prepare())
			}
			_, err := realtime.Connect(t.Context(), tt.url)
			e := wantError(t, err, tt.kind)
			if e.Op != "Connect" || e.Code != tt.code || e.Status != tt.status || e.Message != tt.message {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// The first message decides whether the connection is open.
func TestConnect_Handshake(t *testing.T) {
	tests := []struct {
		name, greeting string
		kind           error // or nil
	}{
		{"data as string", `{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"}`, nil},
		{"data as object", `{"event":"pusher:connection_established","data":{"socket_id":"1.1","activity_timeout":30}}`, nil},
		{"without activity timeout", `{"event":"pusher:connection_established","data":{"socket_id":"1.1"}}`, nil},
		{"without socket ID", `{"event":"pusher:connection_established","data":{}}`, realtime.ErrDisconnected},
		{"error for good", `{"event":"pusher:error","data":{"code":4006,"message":"Invalid version string format"}}`, realtime.ErrRejected},
		{"temporary error", `{"event":"pusher:error","data":{"code":4100,"message":"Over capacity"}}`, realtime.ErrDisconnected},
		{"other message", `{"event":"pusher:pong"}`, realtime.ErrDisconnected},
		{"not JSON", `hello`, realtime.ErrDisconnected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				server.greet(tt.greeting)
				conn, err := realtime.Connect(t.Context(), "ws://server/app/key", server.client(), quiet)
				if tt.kind != nil {
					wantError(t, err, tt.kind)
					return
				}
				noError(t, "Connect", err)
				if got := conn.SocketID(); got != "1.1" {
					t.Errorf("SocketID = %q", got)
				}
				noError(t, "Close", conn.Close())
			})
		})
	}
}

func TestConnect_Timeout(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		silent := newNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := websocket.Accept(w, r, nil)
			if err == nil {
				_, _, _ = ws.Read(context.Background())
				_ = ws.CloseNow()
			}
		}))
		start := time.Now()
		_, err := realtime.Connect(t.Context(), "ws://server/app/key", silent.client(), realtime.WithTimeout(7*time.Second))
		wantError(t, err, realtime.ErrDisconnected)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 7*time.Second {
			t.Errorf("got %v after %v, want a deadline after 7s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := realtime.Connect(ctx, "ws://server/app/key", silent.client()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the error of the context", err)
		}
	})
}

// The close code decides whether and when the connection is opened again.
//
// Source: Pusher Channels docs, "Error codes"; pusher-js 8.6.0, protocol.ts. That 4000 is
// not an instruction to use TLS is a decision of this package.
func TestConn_CloseCodes(t *testing.T) {
	const atOnce, backoff, never = "at once", "backoff", "never"
	tests := []struct {
		code int
		want string
	}{
		{1000, backoff},
		{1001, backoff},
		{1002, backoff},
		{1003, backoff},
		{1009, backoff},
		{1011, backoff},
		{3000, backoff},
		{4000, never},
		{4001, never},
		{4003, never},
		{4004, never},
		{4005, never},
		{4006, never},
		{4007, never},
		{4008, never},
		{4009, never},
		{4099, never},
		{4100, backoff},
		{4199, backoff},
		{4200, atOnce},
		{4201, atOnce},
		{4202, atOnce},
		{4299, atOnce},
		{4300, never},
		{4999, never},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				conn, first := server.connect(realtime.WithBackoff(time.Second, 30*time.Second))
				channel := subscribed(t, conn, first, "news")
				closed := time.Now()
				noError(t, "close", first.ws.Close(websocket.StatusCode(tt.code), "because"))
				synctest.Wait()
				if tt.want == never {
					if e := wantError(t, nextError(t, channel), realtime.ErrRejected); e.Code != tt.code || e.Message != "because" || e.Channel != "news" {
						t.Errorf("the channel failed with %+v", e)
					}
					wantError(t, nextError(t, conn), realtime.ErrRejected)
					_, err := conn.Subscribe(t.Context(), "other")
					wantError(t, err, realtime.ErrRejected)
					if state := conn.State(); state != realtime.StateClosed {
						t.Errorf("the state is %v", state)
					}
					return
				}
				if event := next(t, conn, realtime.KindDisconnected); event.Err.Code != tt.code || event.Err.Message != "because" {
					t.Errorf("got %+v", event)
				}
				second := server.accept()
				delay := second.at.Sub(closed)
				if tt.want == atOnce && delay != 0 || tt.want == backoff && (delay < time.Second || delay > 2*time.Second) {
					t.Errorf("connected again after %v, want %s", delay, tt.want)
				}
				second.confirm("news")
				event := next(t, channel, realtime.KindGap)
				if !event.From.Equal(closed) || !event.To.Equal(second.at) {
					t.Errorf("the gap is from %v to %v, want from %v to %v", event.From, event.To, closed, second.at)
				}
			})
		})
	}
}

func TestConn_Backoff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, first := server.connect(realtime.WithBackoff(time.Second, 30*time.Second))
		time.Sleep(time.Minute)
		noError(t, "close", first.ws.Close(4200, "")) // at once
		second := server.accept()
		noError(t, "close", second.ws.Close(4200, "")) // not again
		third := server.accept()
		if delay := third.at.Sub(second.at); delay < time.Second {
			t.Errorf("connected after %v to a server that rejects connections", delay)
		}
		server.fail(errors.New("no such host"))
		noError(t, "close", third.ws.Close(1001, ""))
		lost := time.Now()
		var last time.Time
		for n := range 12 {
			event := next(t, conn, realtime.KindDisconnected)
			if n > 4 && !strings.Contains(event.Err.Error(), "no such host") {
				t.Errorf("got %v", event.Err)
			}
			if delay := time.Since(last); n > 4 && (delay < time.Second || delay > 30*time.Second) {
				t.Errorf("attempt %d after %v, want 1s to 30s", n, delay)
			}
			last = time.Now()
		}
		if state := conn.State(); state != realtime.StateConnecting || conn.SocketID() != "" {
			t.Errorf("state %v and socket ID %q", state, conn.SocketID())
		}
		server.fail(nil)
		server.accept()
		if down := time.Since(lost); down < 30*time.Second || down > 6*time.Minute {
			t.Errorf("the connection was down for %v", down)
		}
	})
}

// The limit doubles with each attempt, but not without end.
func TestWithBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		_, raw := server.connect(realtime.WithBackoff(10*time.Minute, time.Hour))
		server.fail(errors.New("down"))
		noError(t, "close", raw.ws.Close(1001, ""))
		time.Sleep(100 * time.Hour)
		if n := server.dials.Load() - 1; n < 100 || n > 600 {
			t.Errorf("%d attempts in 100 hours, want one in 10 to 60 minutes", n)
		}
	})
}

// Source: Pusher Channels docs, "Ping and pong messages".
func TestConn_Ping(t *testing.T) {
	t.Run("sent after the activity timeout of the server", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			server.greet(`{"event":"pusher:connection_established","data":{"socket_id":"1.1","activity_timeout":30}}`)
			_, raw := server.connect()
			time.Sleep(20 * time.Second)
			raw.send(`{"event":"pusher:pong"}`) // any message counts
			time.Sleep(20 * time.Second)
			raw.expectNothing()
			time.Sleep(10 * time.Second)
			if data := raw.expect("pusher:ping"); data != "{}" {
				t.Errorf("data %s", data)
			}
			raw.send(`{"event":"pusher:pong","data":"{}"}`)
			time.Sleep(29 * time.Second)
			raw.expectNothing()
			time.Sleep(time.Second)
			raw.expect("pusher:ping")
		})
	})
	t.Run("sent after the client's own timeout", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			_, raw := newRawServer(t).connect(realtime.WithActivityTimeout(5 * time.Second))
			start := time.Now()
			raw.expect("pusher:ping")
			if idle := time.Since(start); idle != 5*time.Second {
				t.Errorf("ping after %v", idle)
			}
		})
	})
	t.Run("not answered", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			channel := subscribed(t, conn, raw, "news")
			lost := time.Now()
			second := server.accept()
			if down := second.at.Sub(lost); down != 150*time.Second {
				t.Errorf("connected again after %v, want 120s and 30s", down)
			}
			second.confirm("news")
			if event := next(t, channel, realtime.KindGap); !event.From.Equal(lost) {
				t.Errorf("the gap starts at %v, want %v, when the last message was received", event.From, lost)
			}
		})
	})
	t.Run("answered", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			_, raw := newRawServer(t).connect()
			raw.send(`{"event":"pusher:ping","data":{}}`)
			if data := raw.expect("pusher:pong"); data != "{}" {
				t.Errorf("data %s", data)
			}
			noError(t, "Ping", raw.ws.Ping(t.Context())) // of the WebSocket protocol
		})
	})
	t.Run("frames count as activity", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			_, raw := newRawServer(t).connect()
			for range 5 {
				time.Sleep(100 * time.Second)
				noError(t, "Ping", raw.ws.Ping(t.Context()))
			}
			raw.expectNothing()
		})
	})
}

func TestConn_Events(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect()
		if event := next(t, conn, realtime.KindConnected); event.Data != conn.SocketID() {
			t.Errorf("got %+v, want socket ID %s", event, conn.SocketID())
		}
		raw.send(`{"event":"pusher:error","data":{"code":4301,"message":"slow down"}}`,
			`{"event":"pusher:error","data":{"code":null,"message":"no code"}}`,
			`{"event":"pusher:error","data":"text"}`,
			`not JSON`, `{"channel":"no-event"}`, `null`, `[]`)
		noError(t, "binary", raw.ws.Write(t.Context(), websocket.MessageBinary, []byte(`{"event":"x"}`)))
		wants := []realtime.Error{
			{Kind: realtime.ErrRejected, Code: 4301, Message: "slow down"}, {Kind: realtime.ErrRejected, Message: "no code"}, {Kind: realtime.ErrRejected, Message: "text"},
			{Kind: realtime.ErrProtocol}, {Kind: realtime.ErrProtocol}, {Kind: realtime.ErrProtocol}, {Kind: realtime.ErrProtocol}, {Kind: realtime.ErrProtocol},
		}
		for _, want := range wants {
			event := next(t, conn, realtime.KindError)
			if !errors.Is(event.Err, want.Kind) || event.Err.Code != want.Code || event.Err.Message != want.Message {
				t.Errorf("got %v, want %v", event.Err, &want)
			}
		}
		subscribed(t, conn, raw, "still-open")
		closed := make(chan int)
		go func() {
			n := 0
			for _, err := range conn.Events(t.Context()) {
				if n++; err != nil {
					t.Errorf("Events yields %v after Close", err)
				}
			}
			closed <- n
		}()
		synctest.Wait()
		noError(t, "Close", conn.Close())
		if n := <-closed; n != 0 {
			t.Errorf("Events yielded %d events, want none", n)
		}
	})
}

func TestConn_Close(t *testing.T) {
	t.Run("close frame and queued messages", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			channel := subscribed(t, conn, raw, "news")
			raw.send(message("news", "unread", "1"))
			synctest.Wait()
			start := time.Now()
			noError(t, "Close", conn.Close())
			if code := websocket.CloseStatus(<-raw.ended); code != websocket.StatusNormalClosure || time.Since(start) != 0 {
				t.Errorf("close code %v after %v", code, time.Since(start))
			}
			wantError(t, nextError(t, channel), realtime.ErrClosed)
			wantError(t, nextError(t, conn), realtime.ErrClosed)
			_, err := conn.Subscribe(t.Context(), "other")
			wantError(t, err, realtime.ErrClosed)
			channel.Unsubscribe()
			noError(t, "second Close", conn.Close())
			if state := conn.State(); state != realtime.StateClosed {
				t.Errorf("the state is %v", state)
			}
		})
	})
	t.Run("while subscribing", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			c := startSubscribe(t.Context(), conn, "news")
			raw.expect("pusher:subscribe")
			noError(t, "Close", conn.Close())
			_, err := c.wait(t)
			wantError(t, err, realtime.ErrClosed)
		})
	})
	t.Run("during a backoff", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect(realtime.WithBackoff(time.Hour, time.Hour))
			noError(t, "close", raw.ws.Close(1001, ""))
			synctest.Wait()
			start := time.Now()
			noError(t, "Close", conn.Close())
			if d := time.Since(start); d != 0 {
				t.Errorf("Close took %v", d)
			}
		})
	})
	t.Run("while dialing", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			server.hangs.Store(true)
			noError(t, "close", raw.ws.Close(4200, ""))
			synctest.Wait()
			start := time.Now()
			noError(t, "Close", conn.Close())
			if d := time.Since(start); d != 0 {
				t.Errorf("Close took %v", d)
			}
		})
	})
	for _, stop := range []struct {
		name string
		f    func(*network)
	}{{"server does not respond", (*network).silence}, {"server does not read", (*network).stall}} {
		t.Run(stop.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				conn, _ := server.connect()
				stop.f(server.network)
				start := time.Now()
				noError(t, "Close", conn.Close())
				if d := time.Since(start); d > 5*time.Second {
					t.Errorf("Close took %v, want at most 5s", d)
				}
			})
		})
	}
}
