package pushertest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

// receiver is an app's endpoint: it verifies what comes and hands it on.
func receiver(t testing.TB, s func() *pushertest.Server, hooks chan<- *webhook.Webhook) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app := s().App()
		verifier, err := webhook.NewVerifier(webhook.Token{Key: app.Key, Secret: app.Secret})
		if err != nil {
			t.Error(err)
			return
		}
		verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
			hooks <- hook
			return nil
		}).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// hooked returns a server with an endpoint.
func hooked(t testing.TB, opts ...pushertest.Option) (*pushertest.Server, <-chan *webhook.Webhook) {
	t.Helper()
	hooks := make(chan *webhook.Webhook, 1000)
	var s *pushertest.Server
	to := receiver(t, func() *pushertest.Server { return s }, hooks)
	s = newServer(t, append(opts, pushertest.WithWebhook(to.URL), pushertest.WithTestLog(t))...)
	return s, hooks
}

// checkHooks checks the next events, in however many deliveries they come.
func checkHooks(t testing.TB, hooks <-chan *webhook.Webhook, want ...webhook.Event) {
	t.Helper()
	var got []webhook.Event
	for len(got) < len(want) {
		select {
		case hook := <-hooks:
			got = append(got, hook.Events...)
		case <-time.After(patience):
			t.Fatalf("webhooks: %+v and no more, want %+v", got, want)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("webhooks:\n%+v, want\n%+v", got, want)
	}
}

func TestWebhooksTellWhatHappens(t *testing.T) {
	s, hooks := hooked(t)
	ada := join(t, s, "presence-x", pushertest.AsMember("ada", nil))
	grace1 := join(t, s, "presence-x", pushertest.AsMember("grace", nil))
	grace2 := join(t, s, "presence-x", pushertest.AsMember("grace", nil))
	if err := ada.Send("client-typing", `{"on":true}`); err != nil {
		t.Fatal(err)
	}
	grace1.Close()
	grace2.Close()
	ada.Close()
	checkHooks(t, hooks,
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
	checkHooks(t, hooks,
		webhook.ChannelOccupied{Channel: "cache-y"},
		webhook.CacheMiss{Channel: "cache-y"},
		webhook.SubscriptionCount{Channel: "cache-y", Count: 1},
		webhook.SubscriptionCount{Channel: "cache-y", Count: 2},
		webhook.SubscriptionCount{Channel: "cache-y", Count: 1},
	)

	// Of users' channels there are no webhooks.
	join(t, s, "#server-to-user-1", pushertest.AsUser("1")).Close()
	sender := join(t, s, "private-z")
	if err := sender.Send("client-a", `"text"`); err != nil {
		t.Fatal(err)
	}
	checkHooks(t, hooks,
		webhook.ChannelOccupied{Channel: "private-z"},
		webhook.SubscriptionCount{Channel: "private-z", Count: 1},
		webhook.ClientEvent{Channel: "private-z", Event: "client-a", Data: "text", SocketID: sender.SocketID()},
	)
}

func TestWhoIsElsewhereIsNoNewsToWebhooks(t *testing.T) {
	s, hooks := hooked(t)
	set(t, s, "presence-x", pushertest.ChannelState{Users: []string{"ada"}})
	join(t, s, "presence-x", pushertest.AsMember("ada", nil)).Close()
	join(t, s, "presence-x", pushertest.AsMember("grace", nil)).Close()
	checkHooks(t, hooks,
		webhook.MemberAdded{Channel: "presence-x", UserID: "grace"},
		webhook.MemberRemoved{Channel: "presence-x", UserID: "grace"},
	)
}

func TestWebhooksAreBatched(t *testing.T) {
	const channels = 45
	arrived, goOn := make(chan int), make(chan struct{})
	at := time.Unix(1327078148, 132e6)
	to := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hook, err := must(webhook.NewVerifier(webhook.Token{Key: testApp.Key, Secret: testApp.Secret})).Parse(r)
		if err != nil || !hook.Time.Equal(at) {
			t.Errorf("Parse() = %+v, %v, want a webhook of %v", hook, err, at)
			hook = &webhook.Webhook{}
		}
		arrived <- len(hook.Events)
		<-goOn
	}))
	defer to.Close()
	s := newServer(t, pushertest.WithApp(testApp), pushertest.WithWebhook(to.URL), pushertest.WithSubscriptionCounting(false),
		pushertest.WithClock(func() time.Time { return at }))
	join(t, s, "first")
	got := []int{<-arrived}
	for i := range channels {
		join(t, s, fmt.Sprintf("channel-%d", i))
	}
	close(goOn)
	got = append(got, <-arrived, <-arrived, <-arrived)
	if want := []int{1, 20, 20, 5}; !reflect.DeepEqual(got, want) {
		t.Errorf("deliveries of %v events, want %v", got, want)
	}
}

// In this and the next test the endpoint is outside the bubble: a connection of its
// own would keep time from passing. That of a delivery does, so that a delivery
// takes no time.
func TestWebhooksAreRepeated(t *testing.T) {
	always500 := []int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}
	tests := []struct {
		name     string
		statuses []int
		want     string // waits, and what became of it
	}{
		{"until one is accepted", []int{500, 404, 302, 204}, "250ms 500ms 1s"},
		{"for five minutes", always500, "250ms 500ms 1s 2s 4s 8s 16s 30s 30s 30s 30s 30s 30s 30s 30s given up"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			statuses, signatures := test.statuses, map[string]int{}
			to := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				signatures[r.Header.Get("X-Pusher-Signature")]++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(statuses[0])
				statuses = statuses[1:]
			}))
			defer to.Close()
			var log logged
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, pushertest.WithWebhook(to.URL), pushertest.WithSubscriptionCounting(false), pushertest.WithTestLog(&log))
				join(t, s, "c")
				time.Sleep(10 * time.Minute)
				s.Close() // before the subscriber leaves
			})
			to.Close()
			if len(statuses) != 0 || len(signatures) != 1 {
				t.Errorf("%d attempts were not made, and %d deliveries, want 0 and 1", len(statuses), len(signatures))
			}
			var got []string
			for _, match := range regexp.MustCompile(`wait=(\S+)|(given up)`).FindAllStringSubmatch(log.String(), -1) {
				got = append(got, match[1]+match[2])
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("the log has %q, want %q", got, test.want)
			}
		})
	}
}

// logged is a test's log that can be read.
type logged struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logged) Logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(&l.lines, format+"\n", args...)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// Source: Pusher Channels docs, "Webhooks".
func TestWebhooksOfTheGoneWaitAndAreDroppedIfTheyReturn(t *testing.T) {
	hooks := make(chan *webhook.Webhook, 1000)
	app := newServer(t)
	to := receiver(t, func() *pushertest.Server { return app }, hooks)
	var log logged
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, pushertest.WithWebhook(to.URL), pushertest.WithWebhookDelay(3*time.Second), pushertest.WithTestLog(&log))
		ada := pushertest.AsMember("ada", nil)
		sub := join(t, s, "presence-x", ada)
		sub.Close()
		time.Sleep(3*time.Second - 1)
		sub = join(t, s, "presence-x", ada)
		time.Sleep(time.Minute)
		sub.Close()
		time.Sleep(3*time.Second - 1)
		if got := len(hooks); got > 2 {
			t.Errorf("%d deliveries before 3 seconds have passed, want that of who came", got)
		}
		time.Sleep(time.Second)
		join(t, s, "presence-x", ada).Close() // is still to be told of when the server closes
		time.Sleep(time.Second)
		s.Close()
		if want := "webhook_events_lost=2"; !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s but\n%s", want, log.String())
		}
	})
	checkHooks(t, hooks,
		webhook.ChannelOccupied{Channel: "presence-x"}, webhook.MemberAdded{Channel: "presence-x", UserID: "ada"},
		webhook.MemberRemoved{Channel: "presence-x", UserID: "ada"}, webhook.ChannelVacated{Channel: "presence-x"},
		webhook.ChannelOccupied{Channel: "presence-x"}, webhook.MemberAdded{Channel: "presence-x", UserID: "ada"},
	)
}

// Deliveries that cannot be made end with the server, and count.
func TestCloseTellsWhatWasLost(t *testing.T) {
	unreachable := httptest.NewServer(http.NotFoundHandler())
	unreachable.Close()
	var log logged
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, pushertest.WithWebhook(unreachable.URL), pushertest.WithTestLog(&log))
		for range 5001 {
			join(t, s, "c").Close()
		}
		time.Sleep(time.Second)
		join(t, s, "d")
		s.Close()
	})
	for _, want := range []string{
		"webhook event dropped: too many wait", "connection refused",
		`msg="pushertest: closed while in use" connections=0 subscribers=1 webhook_events_lost=10000`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q but\n%.2000s", want, log.String())
		}
	}
}

func TestOptionsOfWebhooksAreChecked(t *testing.T) {
	_, err := pushertest.New(
		pushertest.WithWebhook("/relative"),
		pushertest.WithWebhook("ftp://user:hush@host/"),
		pushertest.WithWebhook("http://user:hush@host:port/"),
		pushertest.WithWebhookDelay(-1),
		pushertest.WithActivityTimeout(1500*time.Millisecond),
		pushertest.WithAuthorizationTimeout(0),
		pushertest.WithTestLog(nil),
	)
	for _, want := range []string{"WithWebhook: ", "WithWebhookDelay(-1ns)", "WithActivityTimeout(1.5s)", "WithAuthorizationTimeout(0s)", "WithTestLog"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(...) = %v, want an error with %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("New(...) = %v, which holds a password", err)
	}
}
