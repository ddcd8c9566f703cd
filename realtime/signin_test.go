package realtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

func TestConn_SignIn(t *testing.T) {
	server := newServer(t)
	conn := server.connect(t)
	user, err := conn.SignIn(t.Context(), auth.User{ID: "bot-7", Watchlist: []string{"alice"}})
	noError(t, "SignIn", err)
	if user.Name() != "#server-to-user-bot-7" {
		t.Errorf("Name = %s", user.Name())
	}
	if event := next(t, user, realtime.KindWatchlist); event.Name != "offline" || strings.Join(event.UserIDs, " ") != "alice" || event.Data != `{"name":"offline","user_ids":["alice"]}` {
		t.Errorf("got %+v", event)
	}
	again, err := conn.SignIn(t.Context(), auth.User{ID: "bot-7"})
	if err != nil || again != user {
		t.Errorf("the second call returned %v, %v", again, err)
	}
	_, err = conn.SignIn(t.Context(), auth.User{ID: "other"})
	wantError(t, err, realtime.ErrInvalid)

	alice := server.connect(t)
	_, err = alice.SignIn(t.Context(), auth.User{ID: "alice"})
	noError(t, "SignIn", err)
	if event := next(t, user, realtime.KindWatchlist); event.Name != "online" {
		t.Errorf("got %+v", event)
	}
	// A member without channel_data is the signed-in user.
	lobby := subscribe(t, conn, "presence-lobby", realtime.WithMember(auth.Member{SignedIn: true}))
	if members := lobby.Members(); len(members) != 1 || members[0].ID != "bot-7" {
		t.Errorf("members %v", members)
	}
	for range 3 {
		noError(t, "SendToUser", server.SendToUser(t.Context(), "bot-7", "greeting", "1"))
		if event := next(t, user, realtime.KindMessage); event.Name != "greeting" || event.Data != "1" || event.Channel != user.Name() {
			t.Errorf("got %+v", event)
		}
		server.DropConnections()
		next(t, user, realtime.KindGap)
		next(t, lobby, realtime.KindGap)
	}
	noError(t, "TerminateUserConnections", server.TerminateUserConnections(t.Context(), "bot-7"))
	if e := wantError(t, nextError(t, user), realtime.ErrRejected); e.Code != 4009 {
		t.Errorf("got %+v", e)
	}
}

func TestConn_SignIn_Protocol(t *testing.T) {
	const success = `{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\":\\\"7\\\"}\"}"}`
	signIn := func(ctx context.Context, conn *realtime.Conn) *call {
		return start(func() (*realtime.Channel, error) { return conn.SignIn(ctx, auth.User{ID: "7"}) })
	}
	tests := []struct {
		name string
		run  func(*testing.T, *rawServer, *fakeAuthorizer, *realtime.Conn, *rawConn)
	}{
		{"messages", func(t *testing.T, _ *rawServer, _ *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			c := signIn(t.Context(), conn)
			if data := raw.expect("pusher:signin"); data != `{"auth":"key:1.1","user_data":"{\"id\":\"7\"}"}` {
				t.Errorf("sent %s", data)
			}
			raw.send(`{"event":"pusher:signin_success","data":{"user_data":{"id":"7"}}}`)
			if data := raw.expect("pusher:subscribe"); data != `{"channel":"#server-to-user-7","auth":""}` {
				t.Errorf("sent %s", data)
			}
			raw.send(succeeded("#server-to-user-7"))
			user := c.mustSucceed(t)
			raw.send(`{"event":"pusher_internal:watchlist_events","data":{"events":[{"name":"online","user_ids":["a","b"]},{"name":"offline","user_ids":["c"]}]}}`)
			for _, want := range []string{"online a b", "offline c"} {
				if event := next(t, user, realtime.KindWatchlist); event.Name+" "+strings.Join(event.UserIDs, " ") != want {
					t.Errorf("got %+v, want %s", event, want)
				}
			}
			user.Unsubscribe()
			raw.expect("pusher:unsubscribe")
			wantError(t, nextError(t, user), realtime.ErrClosed)
		}},
		{"rejected by the server", func(t *testing.T, _ *rawServer, _ *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			news := startSubscribe(t.Context(), conn, "private-x")
			raw.expect("pusher:subscribe")
			c := signIn(t.Context(), conn)
			raw.expect("pusher:signin")
			raw.send(`{"event":"pusher:error","data":{"message":"Invalid signature: Expected HMAC SHA256 hex digest of 1.1::user::{}, but got x"}}`)
			_, err := c.wait(t)
			wantError(t, err, realtime.ErrRejected)
			raw.send(succeeded("private-x"))
			news.mustSucceed(t)
		}},
		{"user without ID", func(t *testing.T, _ *rawServer, _ *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			c := signIn(t.Context(), conn)
			raw.expect("pusher:signin")
			raw.send(`{"event":"pusher:signin_success","data":{"user_data":"{}"}}`)
			_, err := c.wait(t)
			wantError(t, err, realtime.ErrProtocol)
		}},
		{"no response", func(t *testing.T, _ *rawServer, _ *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			c := signIn(t.Context(), conn)
			raw.expect("pusher:signin")
			_, err := c.wait(t)
			wantError(t, err, realtime.ErrTimeout)
			raw.expectNothing()
		}},
		{"forbidden", func(t *testing.T, _ *rawServer, authorizer *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			authorizer.fail(auth.ErrForbidden)
			_, err := signIn(t.Context(), conn).wait(t)
			wantError(t, err, realtime.ErrForbidden)
			authorizer.fail(nil)
			c := signIn(t.Context(), conn) // may be tried again
			raw.expect("pusher:signin")
			raw.send(success)
			raw.confirm("#server-to-user-7")
			c.mustSucceed(t)
		}},
		{"canceled", func(t *testing.T, _ *rawServer, _ *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c := signIn(ctx, conn)
			raw.expect("pusher:signin")
			if _, err := c.wait(t); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			raw.send(success)
			raw.expectNothing()
		}},
		{"after reconnecting", func(t *testing.T, server *rawServer, authorizer *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			c := signIn(t.Context(), conn)
			raw.expect("pusher:signin")
			raw.send(success)
			raw.confirm("#server-to-user-7")
			user := c.mustSucceed(t)
			member := startSubscribe(t.Context(), conn, "presence-x", realtime.WithMember(auth.Member{SignedIn: true}))
			raw.confirm("presence-x")
			member.mustSucceed(t)
			authorizer.fail(errors.New("outage"))
			server.cut()
			raw = server.accept()
			next(t, conn, realtime.KindError)
			authorizer.fail(nil)
			// The member is the user, so the channel waits for the sign-in.
			raw.expect("pusher:signin")
			raw.expectNothing()
			raw.send(success)
			raw.confirm("#server-to-user-7")
			raw.confirm("presence-x")
			next(t, user, realtime.KindGap)
		}},
		{"member without sign-in", func(t *testing.T, _ *rawServer, _ *fakeAuthorizer, conn *realtime.Conn, raw *rawConn) {
			_, err := conn.Subscribe(t.Context(), "presence-x", realtime.WithMember(auth.Member{SignedIn: true}))
			wantError(t, err, realtime.ErrConfiguration)
			raw.expectNothing()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server, authorizer := newRawServer(t), &fakeAuthorizer{}
				conn, raw := server.connect(realtime.WithAuthorizer(authorizer))
				tt.run(t, server, authorizer, conn, raw)
			})
		})
	}
	t.Run("configuration", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			conn, raw := server.connect()
			_, err := conn.SignIn(t.Context(), auth.User{ID: "7"})
			wantError(t, err, realtime.ErrConfiguration)
			raw.expectNothing()
			_, opts := newApp(t, server)
			conn, raw = server.connect(opts...)
			_, err = conn.SignIn(t.Context(), auth.User{ID: "7"})
			wantError(t, err, realtime.ErrInvalid)
			raw.expectNothing()
		})
	})
}
