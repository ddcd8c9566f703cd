package pushertest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestSubscriber(t *testing.T) {
	s := newListeningServer(t)
	ada := join(t, s, "presence-x", pushertest.AsMember("ada", map[string]int{"n": 1}), pushertest.ProtocolEvents())
	grace := join(t, s, "presence-x", pushertest.AsUser("grace"))
	trigger(t, s, `{"name":"a","channel":"presence-x","data":"{}","socket_id":"`+grace.SocketID()+`"}`)
	for _, data := range []string{`{"text":1}`, "no JSON"} {
		if err := grace.Send("client-b", data); err != nil {
			t.Errorf("Send(client-b, %s) = %v, want nil", data, err)
		}
	}
	if err := ada.Send("client-c", "null"); err != nil {
		t.Error(err)
	}
	grace.Close()
	grace.Close()
	trigger(t, s, `{"name":"d","channel":"presence-x","data":"","info":"user_count"}`)

	checkDeliveries(t, ada,
		pushertest.Delivery{Channel: "presence-x", Name: "pusher_internal:subscription_succeeded", Data: `{"presence":{"ids":["ada"],"hash":{"ada":{"n":1}},"count":1}}`},
		pushertest.Delivery{Channel: "presence-x", Name: "pusher_internal:member_added", Data: `{"user_id":"grace"}`},
		pushertest.Delivery{Channel: "presence-x", Name: "a", Data: "{}"},
		pushertest.Delivery{Channel: "presence-x", Name: "client-b", Data: `{"text":1}`, UserID: "grace"},
		pushertest.Delivery{Channel: "presence-x", Name: "client-b", Data: "no JSON", UserID: "grace"},
		pushertest.Delivery{Channel: "presence-x", Name: "pusher_internal:member_removed", Data: `{"user_id":"grace"}`},
		pushertest.Delivery{Channel: "presence-x", Name: "d"},
	)
	checkDeliveries(t, grace, pushertest.Delivery{Channel: "presence-x", Name: "client-c", UserID: "ada"})
}

func TestSubscriber_Next(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		sub := join(t, s, "c")
		names := make(chan string)
		go func() {
			defer close(names)
			for {
				delivery, err := sub.Next(t.Context())
				if err != nil {
					if !errors.Is(err, pushertest.ErrUnsubscribed) {
						t.Errorf("Next() = %v, want ErrUnsubscribed", err)
					}
					return
				}
				names <- delivery.Name
			}
		}()
		for _, name := range []string{"a", "b"} {
			synctest.Wait()
			call(t, s, http.MethodPost, events, `{"name":"`+name+`","channel":"c","data":"d"}`)
			if got := <-names; got != name {
				t.Errorf("Next() = event %q, want %q", got, name)
			}
		}
		sub.Close()
		<-names
	})
}

func TestSubscriber_Ends(t *testing.T) {
	cause := errors.New("enough")
	tests := []struct {
		name string
		end  func(*testing.T, *pushertest.Server, *pushertest.Subscriber, context.CancelCauseFunc)
		want error
	}{
		{"closed", func(_ *testing.T, _ *pushertest.Server, sub *pushertest.Subscriber, _ context.CancelCauseFunc) {
			sub.Close()
		}, pushertest.ErrUnsubscribed},
		{"context canceled", func(_ *testing.T, _ *pushertest.Server, _ *pushertest.Subscriber, cancel context.CancelCauseFunc) {
			cancel(cause)
		}, pushertest.ErrUnsubscribed},
		{"server closed", func(_ *testing.T, s *pushertest.Server, _ *pushertest.Subscriber, _ context.CancelCauseFunc) {
			s.Close()
		}, &pushertest.CloseError{Code: 1001, Reason: "The server is closed"}},
		{"user terminated", func(t *testing.T, s *pushertest.Server, _ *pushertest.Subscriber, _ context.CancelCauseFunc) {
			call(t, s, http.MethodPost, "/apps/3/users/1/terminate_connections", "{}")
		}, &pushertest.CloseError{Code: 4009, Reason: "You got disconnected by the app."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				sub, err := s.Subscribe(ctx, "#server-to-user-1", pushertest.AsUser("1"))
				if err != nil {
					t.Fatal(err)
				}
				trigger(t, s, `{"name":"n","channel":"#server-to-user-1","data":"d"}`)
				test.end(t, s, sub, cancel)
				synctest.Wait()
				trigger(t, s, `{"name":"late","channel":"#server-to-user-1","data":"d"}`)
				if got, err := sub.Next(t.Context()); err != nil || got.Name != "n" {
					t.Errorf("Next() = %v, %v, want event n", got, err)
				}
				_, err = sub.Next(t.Context())
				checkEnd(t, "Next()", err, test.want)
				checkEnd(t, "Send()", sub.Send("client-a", ""), test.want)
			})
		})
	}
}

func checkEnd(t *testing.T, what string, err, want error) {
	t.Helper()
	var closed, wanted *pushertest.CloseError
	if errors.As(want, &wanted) {
		if !errors.As(err, &closed) || *closed != *wanted {
			t.Errorf("%s = %v, want %v", what, err, want)
		}
		return
	}
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want %v", what, err, want)
	}
}

func TestSubscriber_Next_Canceled(t *testing.T) {
	s := newServer(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := join(t, s, "c").Next(ctx); !errors.Is(err, cause) {
		t.Errorf("Next() = %v, want %v", err, cause)
	}
	if _, err := s.Subscribe(ctx, "c"); !errors.Is(err, cause) {
		t.Errorf("Subscribe() = %v, want %v", err, cause)
	}
}

func TestServer_Subscribe_Invalid(t *testing.T) {
	tests := []struct {
		name, channel string
		opts          []pushertest.SubscribeOption
		want          string
	}{
		{"invalid name", "a b", nil, "Invalid channel name"},
		{"no member", "presence-x", nil, "needs channel_data"},
		{"empty member ID", "presence-x", []pushertest.SubscribeOption{pushertest.AsMember("", nil)}, "member ID is empty"},
		{"info is not an object", "presence-x", []pushertest.SubscribeOption{pushertest.AsMember("1", "Ada")}, "must be a type of hash"},
		{"empty user ID", "c", []pushertest.SubscribeOption{pushertest.AsUser("")}, "user ID is empty"},
		{"channel of another user", "#server-to-user-2", []pushertest.SubscribeOption{pushertest.AsUser("1")}, "signed in as that user"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			_, err := s.Subscribe(t.Context(), test.channel, test.opts...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Subscribe(%q) = %v, want an error with %q", test.channel, err, test.want)
			}
			checkGet(t, s, channels, `{"channels":{}}`)
		})
	}
	s := newServer(t)
	if err := join(t, s, "c").Send("client-a", "{}"); err == nil || !strings.Contains(err.Error(), "only supported on private and presence channels") {
		t.Errorf("Send() on a public channel = %v, want an error", err)
	}
	s.Close()
	if _, err := s.Subscribe(t.Context(), "c"); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Subscribe() after Close = %v, want http.ErrServerClosed", err)
	}
}
