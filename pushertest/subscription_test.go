package pushertest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestSubscription(t *testing.T) {
	s := newListeningServer(t)
	a, b := connect(t, s), connect(t, s)
	for _, c := range []*wsClient{a, b} {
		c.send(subscribe("c1"), subscribePrivate("private-c2"))
		c.expect(subscribed("c1"), subscribed("private-c2"))
	}
	a.send(unsubscribe("private-c2"))
	a.expectNothing()

	trigger(t, s, `{"name":"my-event","channels":["c1","private-c2","c3"],"data":"{\"hello\":\"<world>\"}"}`)
	const want = `{"event":"my-event","channel":"%s","data":"{\"hello\":\"<world>\"}"}`
	a.expect(fmt.Sprintf(want, "c1"))
	b.expect(fmt.Sprintf(want, "c1"), fmt.Sprintf(want, "private-c2"))

	// Those with other length fields in their frames.
	for _, data := range []string{"", strings.Repeat("x", 1000), strings.Repeat("x", 10240)} {
		trigger(t, s, `{"name":"n","channel":"c1","data":"`+data+`","socket_id":"`+b.socketID+`"}`)
		a.expect(`{"event":"n","channel":"c1","data":"` + data + `"}`)
	}
	a.expectNothing()
	b.expectNothing() // it is the connection that is left out
}

func TestSubscription_Batch(t *testing.T) {
	s := newListeningServer(t)
	c := connect(t, s)
	c.send(subscribe("c"))
	c.expect(subscribed("c"))
	status, text := call(t, s, http.MethodPost, batch, `{"batch":[{"name":"1","channel":"c","data":"a"},{"name":"2","channel":"c","data":"b","info":"subscription_count"}]}`)
	if want := "{\"batch\":[{},{}]}\n"; status != 200 || text != want {
		t.Errorf("POST = %d %q, want 200 %q", status, text, want)
	}
	c.expect(`{"event":"1","channel":"c","data":"a"}`, `{"event":"2","channel":"c","data":"b"}`)
}

func TestSubscription_CacheChannel(t *testing.T) {
	clock := newClock(time.Unix(1700000000, 0))
	s := newListeningServer(t, pushertest.WithClock(clock.Now))
	sender := join(t, s, "private-cache-x")
	const event = `{"name":"%s","channel":"private-cache-x","data":"d"}`
	for _, name := range []string{"first", "last"} {
		send(t, s, sign(t, s, newRequest(http.MethodPost, events, fmt.Sprintf(event, name)), clock.Now()))
	}
	if err := sender.Send("client-a", "{}"); err != nil { // is not remembered
		t.Fatal(err)
	}
	setChannel(t, s, "cache-y", pushertest.ChannelState{Cache: &pushertest.CachedEvent{Data: "y"}})
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{30*time.Minute - 1, `{"event":"last","channel":"private-cache-x","data":"d"}`},
		{1, `{"event":"pusher:cache_miss","channel":"private-cache-x"}`},
	} {
		clock.add(test.after)
		c := connect(t, s)
		c.send(subscribePrivate("private-cache-x"))
		c.expect(subscribed("private-cache-x"), test.want)
	}
	clock.set(time.Unix(1700000000, 0))
	c := connect(t, s)
	c.send(subscribe("cache-y"))
	c.expect(subscribed("cache-y"), `{"event":"cached","channel":"cache-y","data":"y"}`)
}

// Source: Pusher Channels docs, "Subscription counting".
func TestSubscriptionCount(t *testing.T) {
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
			join(t, s, "d") // the count is not sent before the server closes
		}
	})
}

func TestSubscriptionCount_PresenceChannel(t *testing.T) {
	s := newServer(t)
	sub := join(t, s, "presence-x", pushertest.AsMember("1", nil), pushertest.ProtocolEvents())
	join(t, s, "presence-x", pushertest.AsMember("1", nil))
	if got := sub.Events(); len(got) != 1 {
		t.Errorf("Events() = %v, want only subscription_succeeded", got)
	}
}
