package pushertest_test

import (
	"fmt"
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

func TestWebhooks_Batches(t *testing.T) {
	const channels = 45
	received, proceed := make(chan int), make(chan struct{})
	at := time.Unix(1327078148, 132e6)
	to := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hook, err := must(webhook.New(testApp.Key, testApp.Secret)).Parse(r)
		if err != nil || !hook.Time.Equal(at) {
			t.Errorf("Parse() = %+v, %v, want a webhook of %v", hook, err, at)
			hook = &webhook.Webhook{}
		}
		received <- len(hook.Events)
		<-proceed
	}))
	defer to.Close()
	s := newServer(t, pushertest.WithApp(testApp), pushertest.WithWebhook(to.URL), pushertest.WithSubscriptionCounting(false),
		pushertest.WithClock(func() time.Time { return at }))
	join(t, s, "first")
	got := []int{<-received}
	for i := range channels {
		join(t, s, fmt.Sprintf("channel-%d", i))
	}
	close(proceed)
	got = append(got, <-received, <-received, <-received)
	if want := []int{1, 20, 20, 5}; !reflect.DeepEqual(got, want) {
		t.Errorf("deliveries of %v events, want %v", got, want)
	}
}

// Nothing listens on port 1, which is reserved. The connections of attempts are in the
// bubble, so that an attempt takes no time.
func TestServer_Close_WebhookEventsLost(t *testing.T) {
	var log logBuffer
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, pushertest.WithWebhook("http://127.0.0.1:1/"), pushertest.WithTestLog(&log))
		for range 5001 {
			join(t, s, "c").Close()
		}
		time.Sleep(time.Second)
		join(t, s, "d")
		s.Close()
	})
	for _, want := range []string{
		"webhook event dropped, because too many are waiting", "dial tcp",
		`level=WARN msg="pushertest: server closed while in use" connections=0 subscribers=1 webhook_events_lost=10000`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q but\n%.2000s", want, log.String())
		}
	}
	if got := strings.Count(log.String(), "too many are waiting"); got != 1 {
		t.Errorf("the log has %d lines about dropped events, want 1", got)
	}
}
