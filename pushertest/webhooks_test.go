package pushertest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

// newWebhookReceiver returns the URL of an app's endpoint. It verifies webhooks and
// sends them to the channel.
func newWebhookReceiver(t testing.TB, s *pushertest.Server) (string, <-chan *webhook.Webhook) {
	t.Helper()
	hooks := make(chan *webhook.Webhook, 1000)
	verifier := must(webhook.New(s.App().Key, s.App().Secret))
	server := httptest.NewServer(verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
		hooks <- hook
		return nil
	}))
	t.Cleanup(server.Close)
	return server.URL, hooks
}

func setWebhook(t testing.TB, s *pushertest.Server, to ...string) {
	t.Helper()
	if err := s.SetWebhook(to...); err != nil {
		t.Fatalf("SetWebhook(%q) = %v, want nil", to, err)
	}
}

// newWebhookServer returns a server that posts webhooks to the returned channel.
func newWebhookServer(t testing.TB, opts ...pushertest.Option) (*pushertest.Server, <-chan *webhook.Webhook) {
	t.Helper()
	s := newServer(t, append(opts, pushertest.WithTestLog(t))...)
	to, hooks := newWebhookReceiver(t, s)
	setWebhook(t, s, to)
	return s, hooks
}

// expectWebhooks checks the next events, in any number of deliveries.
func expectWebhooks(t testing.TB, hooks <-chan *webhook.Webhook, want ...webhook.Event) {
	t.Helper()
	var got []webhook.Event
	for len(got) < len(want) {
		select {
		case hook := <-hooks:
			got = append(got, hook.Events...)
		case <-time.After(timeout):
			t.Fatalf("webhooks: %+v and no more, want %+v", got, want)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("webhooks:\n%+v, want\n%+v", got, want)
	}
}

func TestWebhooks(t *testing.T) {
	s, hooks := newWebhookServer(t)
	ada := join(t, s, "presence-x", pushertest.AsMember("ada", nil))
	grace1 := join(t, s, "presence-x", pushertest.AsMember("grace", nil))
	grace2 := join(t, s, "presence-x", pushertest.AsMember("grace", nil))
	if err := ada.Send("client-typing", `{"on":true}`); err != nil {
		t.Fatal(err)
	}
	grace1.Close()
	grace2.Close()
	ada.Close()
	expectWebhooks(t, hooks,
		webhook.ChannelOccupied{Channel: "presence-x"},
		webhook.MemberAdded{Channel: "presence-x", UserID: "ada"},
		webhook.MemberAdded{Channel: "presence-x", UserID: "grace"},
		webhook.ClientEvent{Channel: "presence-x", Event: "client-typing", Data: `{"on":true}`, SocketID: ada.SocketID(), UserID: "ada"},
		webhook.MemberRemoved{Channel: "presence-x", UserID: "grace"},
		webhook.MemberRemoved{Channel: "presence-x", UserID: "ada"},
		webhook.ChannelVacated{Channel: "presence-x"},
	)

	first := join(t, s, "cache-y")
	join(t, s, "cache-y")
	first.Close()
	trigger(t, s, `{"name":"n","channel":"cache-y","data":"d"}`)
	expectWebhooks(t, hooks,
		webhook.ChannelOccupied{Channel: "cache-y"},
		webhook.CacheMiss{Channel: "cache-y"},
		webhook.SubscriptionCount{Channel: "cache-y", Count: 1},
		webhook.SubscriptionCount{Channel: "cache-y", Count: 2},
		webhook.SubscriptionCount{Channel: "cache-y", Count: 1},
	)

	// There are no webhooks for channels of users.
	join(t, s, "#server-to-user-1", pushertest.AsUser("1")).Close()
	sender := join(t, s, "private-z")
	if err := sender.Send("client-a", `"text"`); err != nil {
		t.Fatal(err)
	}
	expectWebhooks(t, hooks,
		webhook.ChannelOccupied{Channel: "private-z"},
		webhook.SubscriptionCount{Channel: "private-z", Count: 1},
		webhook.ClientEvent{Channel: "private-z", Event: "client-a", Data: "text", SocketID: sender.SocketID()},
	)
}

func TestServer_SetWebhook(t *testing.T) {
	s := newServer(t, pushertest.WithSubscriptionCounting(false), pushertest.WithTestLog(t))
	a, hooksA := newWebhookReceiver(t, s)
	b, hooksB := newWebhookReceiver(t, s)
	join(t, s, "before")
	setWebhook(t, s, a)
	join(t, s, "first")
	expectWebhooks(t, hooksA, webhook.ChannelOccupied{Channel: "first"})
	setWebhook(t, s, "http://127.0.0.1:1/") // nothing listens there
	join(t, s, "lost")
	setWebhook(t, s, b, a)
	for _, to := range []string{"/relative", "http://user:s3cr3t@host:port/"} {
		if err := s.SetWebhook(a, to); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("SetWebhook(%q) = %v, want an error without the password", to, err)
		}
	}
	join(t, s, "both")
	expectWebhooks(t, hooksA, webhook.ChannelOccupied{Channel: "both"})
	expectWebhooks(t, hooksB, webhook.ChannelOccupied{Channel: "both"})
	setWebhook(t, s)
	join(t, s, "none")
	setWebhook(t, s, b)
	join(t, s, "last")
	expectWebhooks(t, hooksB, webhook.ChannelOccupied{Channel: "last"})
	if got := len(hooksA); got != 0 {
		t.Errorf("the first URL received %d further webhooks, want none", got)
	}
	s.Close()
	setWebhook(t, s, a) // has no effect
}

// The miss is posted once for each time that the cache is empty.
func TestWebhooks_CacheMiss(t *testing.T) {
	clock := newClock(time.Unix(1700000000, 0))
	s, hooks := newWebhookServer(t, pushertest.WithClock(clock.Now), pushertest.WithSubscriptionCounting(false))
	join(t, s, "cache-x")
	join(t, s, "cache-x")
	send(t, s, sign(t, s, newRequest(http.MethodPost, events, `{"name":"n","channel":"cache-x","data":"d"}`), clock.Now()))
	join(t, s, "cache-x")
	clock.add(30 * time.Minute)
	join(t, s, "cache-x")
	join(t, s, "cache-x")
	join(t, s, "last")
	expectWebhooks(t, hooks,
		webhook.ChannelOccupied{Channel: "cache-x"},
		webhook.CacheMiss{Channel: "cache-x"},
		webhook.CacheMiss{Channel: "cache-x"},
		webhook.ChannelOccupied{Channel: "last"},
	)
}

func TestWebhooks_ExternalSubscribers(t *testing.T) {
	s, hooks := newWebhookServer(t)
	setChannel(t, s, "presence-x", pushertest.ChannelState{Users: []string{"ada"}})
	join(t, s, "presence-x", pushertest.AsMember("ada", nil)).Close()
	join(t, s, "presence-x", pushertest.AsMember("grace", nil)).Close()
	expectWebhooks(t, hooks,
		webhook.MemberAdded{Channel: "presence-x", UserID: "grace"},
		webhook.MemberRemoved{Channel: "presence-x", UserID: "grace"},
	)
}

// Source: Pusher Channels docs, "Webhooks".
func TestWithWebhookDelay(t *testing.T) {
	to, hooks := newWebhookReceiver(t, newServer(t)) // outside the bubble; the app is the same
	var log logBuffer
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, pushertest.WithWebhook(to), pushertest.WithWebhookDelay(3*time.Second), pushertest.WithTestLog(&log))
		ada := pushertest.AsMember("ada", nil)
		sub := join(t, s, "presence-x", ada)
		sub.Close()
		time.Sleep(3*time.Second - 1)
		sub = join(t, s, "presence-x", ada)
		time.Sleep(time.Minute)
		sub.Close()
		time.Sleep(3*time.Second - 1)
		if got := len(hooks); got > 2 {
			t.Errorf("%d deliveries before 3 seconds have passed, want only those of the arrival", got)
		}
		time.Sleep(time.Second)
		join(t, s, "presence-x", ada).Close() // the departure is not due when the server closes
		time.Sleep(time.Second)
		s.Close()
		if want := "webhook_events_lost=2"; !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s but\n%s", want, log.String())
		}
	})
	expectWebhooks(t, hooks,
		webhook.ChannelOccupied{Channel: "presence-x"}, webhook.MemberAdded{Channel: "presence-x", UserID: "ada"},
		webhook.MemberRemoved{Channel: "presence-x", UserID: "ada"}, webhook.ChannelVacated{Channel: "presence-x"},
		webhook.ChannelOccupied{Channel: "presence-x"}, webhook.MemberAdded{Channel: "presence-x", UserID: "ada"},
	)
}
