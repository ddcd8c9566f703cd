package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

func TestConn_Subscribe(t *testing.T) {
	server := newServer(t)
	conn := server.connect(t)
	for _, name := range []string{
		"news", "private-news", "presence-news", "private-encrypted-news",
		"cache-news", "private-cache-news", "presence-cache-news", "private-encrypted-cache-news", "azAZ09_=@,.;-",
	} {
		t.Run(name, func(t *testing.T) {
			var opts []realtime.SubscribeOption
			if strings.HasPrefix(name, "presence-") {
				opts = append(opts, realtime.WithMember(auth.Member{UserID: "bot-7"}))
			}
			channel := subscribe(t, conn, name, opts...)
			if channel.Name() != name {
				t.Errorf("Name = %s", channel.Name())
			}
			server.trigger(t, name, "greeting", `{"text":"hello"}`)
			if event := next(t, channel, realtime.KindMessage); event.Name != "greeting" || event.Data != `{"text":"hello"}` || event.Channel != name {
				t.Errorf("got %+v", event)
			}
			server.DropConnections()
			if event := next(t, channel, realtime.KindGap); event.From.After(event.To) {
				t.Errorf("the gap is %v to %v", event.From, event.To)
			}
			server.trigger(t, name, "again", "1")
			next(t, channel, realtime.KindMessage)
			channel.Unsubscribe()
			wantError(t, nextError(t, channel), realtime.ErrClosed)
		})
	}
}

func TestConn_Subscribe_Invalid(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
		endpoint, raw2 := server.connect(realtime.WithAuthEndpoint("http://app/auth", nil))
		without, raw3 := server.connect()
		member := realtime.WithMember(auth.Member{UserID: "1"})
		tests := []struct {
			name    string
			conn    *realtime.Conn
			channel string
			opt     realtime.SubscribeOption
			kind    error
		}{
			{"empty name", conn, "", nil, realtime.ErrInvalid},
			{"characters", conn, "a b", nil, realtime.ErrInvalid},
			{"user channel", conn, "#server-to-user-1", nil, realtime.ErrInvalid},
			{"too long", conn, strings.Repeat("x", 201), nil, realtime.ErrInvalid},
			{"member of a public channel", conn, "news", member, realtime.ErrInvalid},
			{"member with an endpoint", endpoint, "presence-x", member, realtime.ErrInvalid},
			{"presence without member", conn, "presence-x", nil, realtime.ErrConfiguration},
			{"private without authorizer", without, "private-x", nil, realtime.ErrConfiguration},
		}
		for _, tt := range tests {
			var opts []realtime.SubscribeOption
			if tt.opt != nil {
				opts = append(opts, tt.opt)
			}
			_, err := tt.conn.Subscribe(t.Context(), tt.channel, opts...)
			if e := wantError(t, err, tt.kind); e.Op != "Subscribe" || e.Channel != tt.channel {
				t.Errorf("%s: got %+v", tt.name, e)
			}
		}
		_, err := conn.Subscribe(t.Context(), "news", nil)
		wantError(t, err, realtime.ErrInvalid)
		for _, raw := range []*rawConn{raw, raw2, raw3} {
			raw.expectNothing()
		}
	})
}

func TestConn_Subscribe_Twice(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect()
		first, second := startSubscribe(t.Context(), conn, "news"), startSubscribe(t.Context(), conn, "news")
		raw.confirm("news")
		if a, b := first.mustSucceed(t), second.mustSucceed(t); a != b || a != subscribe(t, conn, "news") {
			t.Error("the channels differ")
		}
		raw.expectNothing()
	})
}

// The subscription is withdrawn when nobody waits for it any more.
func TestConn_Subscribe_Canceled(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first, second := startSubscribe(ctx, conn, "news"), startSubscribe(t.Context(), conn, "news")
		raw.expect("pusher:subscribe")
		if _, err := first.wait(t); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the error of the context", err)
		}
		raw.send(succeeded("news"))
		second.mustSucceed(t)

		ctx, cancel = context.WithCancel(t.Context())
		third := startSubscribe(ctx, conn, "other")
		raw.expect("pusher:subscribe")
		cancel()
		if _, err := third.wait(t); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the error of the context", err)
		}
		raw.expectNothing() // before the server has confirmed it
		raw.send(succeeded("other"))
		raw.expect("pusher:unsubscribe")
	})
}

func TestConn_Subscribe_WhileDisconnected(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect()
		server.fail(errors.New("no route to host"))
		noError(t, "close", raw.ws.Close(1001, ""))
		next(t, conn, realtime.KindDisconnected)
		c := startSubscribe(t.Context(), conn, "news")
		time.Sleep(10 * time.Second)
		server.fail(nil)
		server.accept().confirm("news")
		c.mustSucceed(t)
	})
	t.Run("connection lost before the confirmation", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			c := startSubscribe(t.Context(), conn, "news")
			raw.expect("pusher:subscribe")
			server.cut()
			raw = server.accept()
			raw.confirm("news")
			channel := c.mustSucceed(t)
			raw.send(message("news", "first", ""))
			if event, err := channel.Next(t.Context()); err != nil || event.Name != "first" {
				t.Errorf("got %+v, %v: there was no gap", event, err)
			}
		})
	})
}

// Source of the texts: pusher-js issues and Laravel Echo issues, which quote Pusher.
func TestConn_Subscribe_Rejected(t *testing.T) {
	tests := []struct {
		name, response string
		code           int
		message        string
	}{
		{"signature", `{"event":"pusher:error","data":{"code":null,"message":"Invalid signature: Expected HMAC SHA256 hex digest of 1.1:private-x, but got 3d1f25d2a5f0f4f0c0a0c9a4c1b8d1f25d2a5f0f4f0c0a0c9a4c1b8d1f25d2a5"}}`, 0, "Invalid signature: Expected HMAC SHA256 hex digest of 1.1:private-x, but got [REDACTED]"},
		{"key", `{"event":"pusher:error","data":{"code":null,"message":"Invalid key in subscription auth data: 'other'"}}`, 0, "Invalid key in subscription auth data: 'other'"},
		{"format", `{"event":"pusher:error","data":{"code":null,"message":"Invalid format: auth must have the format key:signature"}}`, 0, "Invalid format: auth must have the format key:signature"},
		{"existing", `{"event":"pusher:error","data":{"code":null,"message":"Existing subscription to channel private-x"}}`, 0, "Existing subscription to channel private-x"},
		{"unknown text", `{"event":"pusher:error","data":{"code":4100,"message":"No"}}`, 4100, "No"},
		{"soketi", `{"event":"pusher:subscription_error","channel":"private-x","data":{"type":"AuthError","error":"The connection is unauthorized.","status":401}}`, 401, "The connection is unauthorized."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				conn, raw := newRawServer(t).connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
				c := startSubscribe(t.Context(), conn, "private-x")
				raw.expect("pusher:subscribe")
				raw.send(tt.response)
				_, err := c.wait(t)
				if e := wantError(t, err, realtime.ErrRejected); e.Code != tt.code || e.Message != tt.message || e.Channel != "private-x" {
					t.Errorf("got %+v", e)
				}
				raw.expectNothing()
			})
		})
	}
	t.Run("which of several", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			conn, raw := newRawServer(t).connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
			calls := map[string]*call{}
			for _, name := range []string{"public", "private-a", "private-ab", "private-c"} {
				calls[name] = startSubscribe(t.Context(), conn, name)
				raw.expect("pusher:subscribe")
			}
			rejected := func(name, text string) {
				raw.send(fmt.Sprintf(`{"event":"pusher:error","data":{"message":%q}}`, text))
				_, err := calls[name].wait(t)
				wantError(t, err, realtime.ErrRejected)
			}
			raw.send(`{"event":"pusher:error","data":{"message":"Something else"}}`)
			rejected("private-ab", "Invalid signature: Expected HMAC SHA256 hex digest of 1.1:private-ab, but got x")
			rejected("private-a", "Invalid key in subscription auth data: 'other'") // the first that needs one
			raw.send(`{"event":"pusher:error","data":{"message":"To send client events, you must enable this feature in the Settings page of your dashboard."}}`)
			raw.send(succeeded("public"), succeeded("private-c"))
			calls["public"].mustSucceed(t)
			calls["private-c"].mustSucceed(t)
		})
	})
	t.Run("no response", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			conn, raw := newRawServer(t).connect(realtime.WithTimeout(9 * time.Second))
			start := time.Now()
			c := startSubscribe(t.Context(), conn, "news")
			raw.expect("pusher:subscribe")
			_, err := c.wait(t)
			wantError(t, err, realtime.ErrTimeout)
			if d := time.Since(start); d != 9*time.Second {
				t.Errorf("it took %v", d)
			}
			raw.expect("pusher:unsubscribe")
		})
	})
}

func TestChannel_Unsubscribe(t *testing.T) {
	t.Run("subscribed", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			conn, raw := newRawServer(t).connect()
			channel := subscribed(t, conn, raw, "news")
			raw.send(message("news", "unread", "1"))
			synctest.Wait()
			channel.Unsubscribe()
			channel.Unsubscribe()
			if data := raw.expect("pusher:unsubscribe"); data != `{"channel":"news"}` {
				t.Errorf("sent %s", data)
			}
			for event, err := range channel.Events(t.Context()) {
				t.Errorf("Events yields %+v, %v", event, err)
			}
			wantError(t, nextError(t, channel), realtime.ErrClosed)
			raw.send(message("news", "late", "1"))
			if again := subscribed(t, conn, raw, "news"); again == channel {
				t.Error("Subscribe returned a channel that has ended")
			}
		})
	})
	t.Run("while subscribing", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			conn, raw := newRawServer(t).connect()
			ctx, cancel := context.WithCancel(t.Context())
			first := startSubscribe(ctx, conn, "news")
			raw.expect("pusher:subscribe")
			cancel()
			_, _ = first.wait(t)
			second, third := startSubscribe(t.Context(), conn, "news"), startSubscribe(t.Context(), conn, "news")
			raw.expectNothing()
			raw.send(succeeded("news"))
			raw.expect("pusher:unsubscribe")
			raw.confirm("news")
			if second.mustSucceed(t) != third.mustSucceed(t) {
				t.Error("the channels differ")
			}
		})
	})
	t.Run("while disconnected", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			channel := subscribed(t, conn, raw, "news")
			server.fail(errors.New("no route to host"))
			server.cut()
			next(t, conn, realtime.KindDisconnected)
			channel.Unsubscribe()
			server.fail(nil)
			server.accept().expectNothing()
		})
	})
	t.Run("while authorizing", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			authorizer := &fakeAuthorizer{delay: time.Minute}
			conn, raw := newRawServer(t).connect(realtime.WithAuthorizer(authorizer))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := conn.Subscribe(ctx, "private-x")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			time.Sleep(100 * time.Second)
			raw.expectNothing()
		})
	})
}

// A fakeAuthorizer is an Authorizer of the app itself.
type fakeAuthorizer struct {
	delay    time.Duration
	requests atomic.Int32
	err      atomic.Pointer[error]
}

// fail makes all following calls return err, unless it is nil.
func (a *fakeAuthorizer) fail(err error) { a.err.Store(&err) }

func (a *fakeAuthorizer) call() error {
	a.requests.Add(1)
	time.Sleep(a.delay)
	if err := a.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (a *fakeAuthorizer) AuthorizePrivate(socketID, channel string) (*auth.ChannelAuthorization, error) {
	if err := a.call(); err != nil {
		return nil, err
	}
	return &auth.ChannelAuthorization{Auth: "key:" + socketID + ":" + channel}, nil
}

func (a *fakeAuthorizer) AuthorizePresence(socketID, channel string, member auth.Member) (*auth.ChannelAuthorization, error) {
	authorization, err := a.AuthorizePrivate(socketID, channel)
	if err == nil && !member.SignedIn {
		authorization.ChannelData = fmt.Sprintf(`{"user_id":%q}`, member.UserID)
	}
	return authorization, err
}

func (a *fakeAuthorizer) AuthenticateUser(socketID string, user auth.User) (*auth.UserAuthentication, error) {
	if err := a.call(); err != nil {
		return nil, err
	}
	return &auth.UserAuthentication{Auth: "key:" + socketID, UserData: fmt.Sprintf(`{"id":%q}`, user.ID)}, nil
}

// An existing subscription survives failures of the authorization, but not a decision.
func TestChannel_Resubscribe(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		kind   error
		retry  bool
		public bool
	}{
		{"outage", errors.New("database is down"), realtime.ErrAuthorization, true, false},
		{"forbidden", fmt.Errorf("no: %w", auth.ErrForbidden), realtime.ErrForbidden, false, false},
		{"invalid", auth.ErrInvalid, realtime.ErrInvalid, false, false},
		{"configuration", auth.ErrConfiguration, realtime.ErrConfiguration, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				authorizer := &fakeAuthorizer{}
				conn, raw := server.connect(realtime.WithAuthorizer(authorizer))
				authorizer.fail(tt.err)
				_, err := conn.Subscribe(t.Context(), "private-new")
				wantError(t, err, tt.kind) // at once: nobody depends on it
				authorizer.fail(nil)
				channel := subscribed(t, conn, raw, "private-x")
				authorizer.fail(tt.err)
				server.cut()
				raw = server.accept()
				if !tt.retry {
					if e := wantError(t, nextError(t, channel), tt.kind); e.Channel != "private-x" {
						t.Errorf("got %+v", e)
					}
					return
				}
				before := authorizer.requests.Load()
				time.Sleep(time.Minute)
				raw.expectNothing()
				if authorizer.requests.Load() < before+2 {
					t.Errorf("%d requests in a minute", authorizer.requests.Load()-before)
				}
				if event := next(t, conn, realtime.KindError); !errors.Is(event.Err, tt.kind) || event.Err.Channel != "private-x" {
					t.Errorf("got %+v", event)
				}
				authorizer.fail(nil)
				raw.confirm("private-x")
				next(t, channel, realtime.KindGap)
			})
		})
	}
	t.Run("rejected by the server", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
			channel := subscribed(t, conn, raw, "private-x")
			raw.send(message("private-x", "last", ""))
			synctest.Wait()
			server.cut()
			raw = server.accept()
			raw.expect("pusher:subscribe")
			raw.send(`{"event":"pusher:error","data":{"message":"Invalid signature: Expected HMAC SHA256 hex digest of 1.2:private-x, but got x"}}`)
			next(t, channel, realtime.KindMessage) // is still delivered
			wantError(t, nextError(t, channel), realtime.ErrRejected)
			wantError(t, nextError(t, channel), realtime.ErrRejected) // also to other readers
		})
	})
	t.Run("no response", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			channel := subscribed(t, conn, raw, "news")
			server.cut()
			raw = server.accept()
			raw.expect("pusher:subscribe")
			raw.expect("pusher:unsubscribe")
			raw.confirm("news")
			next(t, channel, realtime.KindGap)
		})
	})
	t.Run("fresh authorization", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
			subscribed(t, conn, raw, "private-x")
			server.cut()
			raw = server.accept()
			want := fmt.Sprintf(`{"channel":"private-x","auth":"key:%s:private-x"}`, raw.id)
			if got := raw.expect("pusher:subscribe"); got != want {
				t.Errorf("sent %s, want %s", got, want)
			}
		})
	})
	t.Run("authorization of an older connection", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			authorizer := &fakeAuthorizer{delay: 5 * time.Second}
			conn, _ := server.connect(realtime.WithAuthorizer(authorizer))
			c := startSubscribe(t.Context(), conn, "private-x")
			time.Sleep(time.Second)
			server.cut()
			raw := server.accept()
			if data := raw.expect("pusher:subscribe"); !strings.Contains(data, raw.id) {
				t.Errorf("sent %s, want an authorization for %s", data, raw.id)
			}
			raw.send(succeeded("private-x"))
			c.mustSucceed(t)
			raw.expectNothing()
		})
	})
}

func TestChannel_Members(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		conn, raw := server.connect(realtime.WithAuthorizer(&fakeAuthorizer{}))
		c := startSubscribe(t.Context(), conn, "presence-x", realtime.WithMember(auth.Member{UserID: "me"}))
		if data := raw.expect("pusher:subscribe"); !strings.Contains(data, `"channel_data":"{\"user_id\":\"me\"}"`) {
			t.Errorf("sent %s", data)
		}
		raw.send(`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"me\",\"2\"],\"hash\":{\"me\":null,\"2\":{\"name\":\"Zoë\"}},\"count\":2}}"}`)
		channel := c.mustSucceed(t)
		wantMembers := func(want string) {
			t.Helper()
			synctest.Wait()
			if got := fmt.Sprint(channel.Members()); got != want {
				t.Errorf("members %s, want %s", got, want)
			}
		}
		wantMembers(`[{2 {"name":"Zoë"}} {me }]`)
		raw.send(
			`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":3,\"user_info\":{\"a\":1}}"}`,
			`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":\"2\",\"user_info\":{\"name\":\"Zoe\"}}"}`,
			`{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":\"unknown\"}"}`,
			`{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":\"3\"}"}`,
			`{"event":"pusher_internal:member_added","channel":"presence-x","data":"invalid"}`,
			`{"event":"client-hi","channel":"presence-x","data":{"x":[1]},"user_id":"2"}`,
			`{"event":"pusher_internal:subscription_count","channel":"presence-x","data":"{\"subscription_count\":13}"}`,
			`{"event":"pusher_internal:something_new","channel":"presence-x","data":"{}"}`,
			`{"event":"pusher:cache_miss","channel":"presence-x"}`,
		)
		wantMembers(`[{2 {"name":"Zoe"}} {me }]`)
		for _, want := range []realtime.Event{
			{Kind: realtime.KindMemberAdded, Name: "pusher:member_added", UserID: "3", Data: `{"a":1}`},
			{Kind: realtime.KindMemberAdded, Name: "pusher:member_added", UserID: "2", Data: `{"name":"Zoe"}`},
			{Kind: realtime.KindMemberRemoved, Name: "pusher:member_removed", UserID: "3", Data: `{"a":1}`},
			{Kind: realtime.KindMessage, Name: "client-hi", UserID: "2", Data: `{"x":[1]}`},
			{Kind: realtime.KindSubscriptionCount, Name: "pusher:subscription_count", Data: `{"subscription_count":13}`, Count: 13},
			{Kind: realtime.KindCacheMiss, Name: "pusher:cache_miss"},
		} {
			want.Channel = "presence-x"
			if got, err := channel.Next(t.Context()); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
		server.cut()
		raw = server.accept()
		raw.expect("pusher:subscribe")
		raw.send(`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":{"presence":{"ids":[],"hash":[],"count":0}}}`)
		next(t, channel, realtime.KindGap)
		wantMembers(`[]`)
	})
}

// A slow reader loses the oldest events and learns how many.
func TestChannel_Buffer(t *testing.T) {
	tests := []struct {
		name                  string
		events, size, dropped int
	}{
		{"below the limits", 1000, 10, 0},
		{"number of events", 1500, 10, 500},
		{"bytes", 40, 100_000, 30}, // 1,048,576 bytes hold 10
		{"one large event", 1, 900_000, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				conn, raw := newRawServer(t).connect()
				channel := subscribed(t, conn, raw, "news")
				data := strings.Repeat("x", tt.size)
				for n := range tt.events {
					raw.send(message("news", fmt.Sprint(n), data))
				}
				synctest.Wait()
				for n := tt.dropped; n < tt.events; n++ {
					event := next(t, channel, realtime.KindMessage)
					dropped := 0
					if n == tt.dropped {
						dropped = tt.dropped
					}
					if event.Name != fmt.Sprint(n) || event.Dropped != dropped {
						t.Fatalf("event %d: got %s, %d dropped", n, event.Name, event.Dropped)
					}
				}
			})
		})
	}
}

func TestChannel_Next(t *testing.T) {
	t.Run("several readers", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			conn, raw := newRawServer(t).connect()
			channel := subscribed(t, conn, raw, "news")
			names := make(chan string, 100)
			for range 4 {
				go func() {
					for event, err := range channel.Events(t.Context()) {
						if err != nil {
							t.Errorf("Events yields %v", err)
						}
						names <- event.Name
					}
					names <- "end"
				}()
			}
			for n := range 50 {
				raw.send(message("news", fmt.Sprint(n), ""))
			}
			synctest.Wait()
			channel.Unsubscribe()
			synctest.Wait()
			close(names)
			seen := map[string]int{}
			for name := range names {
				seen[name]++
			}
			if len(seen) != 51 || seen["end"] != 4 || seen["7"] != 1 {
				t.Errorf("got %v, want 50 names once and 4 ends", seen)
			}
		})
	})
	t.Run("context", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			conn, raw := newRawServer(t).connect()
			channel := subscribed(t, conn, raw, "news")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := channel.Next(ctx)
			var e *realtime.Error
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || e.Op != "Next" || e.Channel != "news" {
				t.Errorf("got %v", err)
			}
			for event, err := range channel.Events(ctx) {
				t.Errorf("Events yields %+v, %v", event, err)
			}
			raw.send(message("news", "later", ""))
			for event := range channel.Events(t.Context()) {
				if event.Name != "later" {
					t.Errorf("got %+v", event)
				}
				break
			}
		})
	})
}

// Events that the server sends right after the confirmation are not lost.
func TestChannel_Next_Cache(t *testing.T) {
	server := newServer(t)
	server.trigger(t, "cache-prices", "price", `{"eur":1}`)
	conn := server.connect(t)
	for range 20 {
		channel := subscribe(t, conn, "cache-prices")
		if event := next(t, channel, realtime.KindMessage, realtime.KindCacheMiss); event.Data != `{"eur":1}` {
			t.Fatalf("got %+v", event)
		}
		channel.Unsubscribe()
	}
	next(t, subscribe(t, conn, "cache-empty"), realtime.KindCacheMiss)
}
