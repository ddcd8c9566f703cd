package pushertest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/openchannels/pusher-go/pushertest"
)

// join subscribes in process, for as long as the test lasts.
func join(t testing.TB, s *pushertest.Server, channel string, opts ...pushertest.SubscribeOption) *pushertest.Subscriber {
	t.Helper()
	sub, err := s.Subscribe(t.Context(), channel, opts...)
	if err != nil {
		t.Fatalf("Subscribe(%q) = %v, want nil", channel, err)
	}
	return sub
}

func checkDeliveries(t testing.TB, sub *pushertest.Subscriber, want ...pushertest.Delivery) {
	t.Helper()
	if got := sub.Events(); !slices.Equal(got, want) {
		t.Errorf("Events() =\n%.1000v, want\n%.1000v", got, want)
	}
}

func TestSubscribersInProcessGetWhatOthersGet(t *testing.T) {
	s := listen(t)
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

// The keys are those of the tests of Pusher's Node library: the master key, and the
// channel's own that follows from it.
func TestEncryptedEventsAreDecrypted(t *testing.T) {
	const channel = "private-encrypted-bla"
	s := listen(t)
	sub := join(t, s, channel, pushertest.Decrypt("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="))
	key := [32]byte(must(base64.StdEncoding.DecodeString("nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=")))
	nonce := [24]byte{1}
	data := fmt.Sprintf(`{"nonce":%q,"ciphertext":%q}`, base64.StdEncoding.EncodeToString(nonce[:]),
		base64.StdEncoding.EncodeToString(secretbox.Seal(nil, []byte(`{"hello":"world"}`), &nonce, &key)))
	for _, data := range []string{data, "{}"} {
		trigger(t, s, `{"name":"n","channel":"`+channel+`","data":`+jsonOf(data)+`}`)
	}
	checkDeliveries(t, sub,
		pushertest.Delivery{Channel: channel, Name: "n", Data: `{"hello":"world"}`},
		pushertest.Delivery{Channel: channel, Name: "n", Data: "{}"})
}

func TestNextWaits(t *testing.T) {
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

func TestSubscribersEnd(t *testing.T) {
	cause := errors.New("enough")
	tests := []struct {
		name string
		end  func(*testing.T, *pushertest.Server, *pushertest.Subscriber, context.CancelCauseFunc)
		want error
	}{
		{"by themselves", func(_ *testing.T, _ *pushertest.Server, sub *pushertest.Subscriber, _ context.CancelCauseFunc) {
			sub.Close()
		}, pushertest.ErrUnsubscribed},
		{"with their context", func(_ *testing.T, _ *pushertest.Server, _ *pushertest.Subscriber, cancel context.CancelCauseFunc) {
			cancel(cause)
		}, pushertest.ErrUnsubscribed},
		{"with the server", func(_ *testing.T, s *pushertest.Server, _ *pushertest.Subscriber, _ context.CancelCauseFunc) {
			s.Close()
		}, &pushertest.CloseError{Code: 1001, Reason: "The server is closed"}},
		{"when their user is terminated", func(t *testing.T, s *pushertest.Server, _ *pushertest.Subscriber, _ context.CancelCauseFunc) {
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

func TestNextEndsWithItsContext(t *testing.T) {
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

func TestSubscribeRefuses(t *testing.T) {
	tests := []struct {
		name, channel string
		opts          []pushertest.SubscribeOption
		want          string
	}{
		{"a bad name", "a b", nil, "Invalid channel name"},
		{"a presence channel without a member", "presence-x", nil, "needs channel_data"},
		{"a member without an ID", "presence-x", []pushertest.SubscribeOption{pushertest.AsMember("", nil)}, "user_id"},
		{"info that is no object", "presence-x", []pushertest.SubscribeOption{pushertest.AsMember("1", "Ada")}, "must be a type of hash"},
		{"info that is no JSON", "presence-x", []pushertest.SubscribeOption{pushertest.AsMember("1", func() {})}, "AsMember"},
		{"a user without an ID", "c", []pushertest.SubscribeOption{pushertest.AsUser("")}, "user ID is empty"},
		{"the channel of a user that it is not", "#server-to-user-2", []pushertest.SubscribeOption{pushertest.AsUser("1")}, "signed in as that user"},
		{"a master key that is none", "private-encrypted-x", []pushertest.SubscribeOption{pushertest.Decrypt("hush")}, "Decrypt"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			_, err := s.Subscribe(t.Context(), test.channel, test.opts...)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(fmt.Sprintf("%+v", err), "hush") {
				t.Errorf("Subscribe(%q) = %v, want an error with %q", test.channel, err, test.want)
			}
			checkGet(t, s, channels, `{"channels":{}}`)
		})
	}
	s := newServer(t)
	if err := join(t, s, "c").Send("client-a", "{}"); err == nil || !strings.Contains(err.Error(), "only supported on private and presence channels") {
		t.Errorf("Send() on a public channel = %v, want Pusher's refusal", err)
	}
	s.Close()
	if _, err := s.Subscribe(t.Context(), "c"); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Subscribe() after Close = %v, want http.ErrServerClosed", err)
	}
}

// Source: Pusher Channels docs, "Subscription counting".
func TestSubscriptionCountsAreToldAtOnceUpToAHundred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		first := join(t, s, "c", pushertest.ProtocolEvents())
		last := func() string {
			all := first.Events()
			return all[len(all)-1].Data
		}
		var others []*pushertest.Subscriber
		for i := 2; i <= 103; i++ {
			others = append(others, join(t, s, "c"))
			if want := fmt.Sprintf(`{"subscription_count":%d}`, min(i, 100)); last() != want {
				t.Fatalf("with %d subscribers the count is %s, want %s", i, last(), want)
			}
		}
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		if want := `{"subscription_count":100}`; last() != want {
			t.Errorf("the count is %s after less than 5 seconds, want %s", last(), want)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if want := `{"subscription_count":103}`; last() != want {
			t.Errorf("the count is %s after 5 seconds, want %s", last(), want)
		}
		for _, sub := range others {
			sub.Close()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if want := `{"subscription_count":1}`; last() != want {
			t.Errorf("the count is %s in the end, want %s", last(), want)
		}
		for range 101 {
			join(t, s, "d") // leaves a count to be told when the server closes
		}
	})
}

func TestPresenceChannelsTellNoSubscriptionCount(t *testing.T) {
	s := newServer(t)
	sub := join(t, s, "presence-x", pushertest.AsMember("1", nil), pushertest.ProtocolEvents())
	join(t, s, "presence-x", pushertest.AsMember("1", nil))
	if got := sub.Events(); len(got) != 1 {
		t.Errorf("Events() = %v, want one that tells of the subscription", got)
	}
}
