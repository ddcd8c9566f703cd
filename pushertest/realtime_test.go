package pushertest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestTriggeredEventsReachSubscribers(t *testing.T) {
	s := listen(t)
	a, b := connect(t, s), connect(t, s)
	for _, c := range []*client{a, b} {
		c.say(subscribe("c1"), subscribePrivate("private-c2"))
		c.hear(succeeded("c1"), succeeded("private-c2"))
	}
	a.say(unsubscribe("private-c2"))
	a.hearNothing()

	trigger(t, s, `{"name":"my-event","channels":["c1","private-c2","c3"],"data":"{\"hello\":\"<world>\"}"}`)
	const want = `{"event":"my-event","channel":"%s","data":"{\"hello\":\"<world>\"}"}`
	a.hear(fmt.Sprintf(want, "c1"))
	b.hear(fmt.Sprintf(want, "c1"), fmt.Sprintf(want, "private-c2"))

	// Those with other length fields in their frames.
	for _, data := range []string{"", strings.Repeat("x", 1000), strings.Repeat("x", 10240)} {
		trigger(t, s, `{"name":"n","channel":"c1","data":"`+data+`","socket_id":"`+b.socketID+`"}`)
		a.hear(`{"event":"n","channel":"c1","data":"` + data + `"}`)
	}
	a.hearNothing()
	b.hearNothing() // it is the connection that is left out
}

func TestLongMessagesAreOneFrame(t *testing.T) {
	s := listen(t, pushertest.WithMaxEventBytes(100_000))
	c := connect(t, s)
	c.say(subscribe("c"))
	c.hear(succeeded("c"))
	data := strings.Repeat("x", 100_000)
	trigger(t, s, `{"name":"n","channel":"c","data":"`+data+`"}`)
	c.hear(`{"event":"n","channel":"c","data":"` + data + `"}`)
	sub := join(t, s, "c")
	trigger(t, s, `{"name":"n","channel":"c","data":"`+data+`"}`)
	checkDeliveries(t, sub, pushertest.Delivery{Channel: "c", Name: "n", Data: data})
}

func TestBatchesReachSubscribersInOrder(t *testing.T) {
	s := listen(t)
	c := connect(t, s)
	c.say(subscribe("c"))
	c.hear(succeeded("c"))
	status, text := call(t, s, http.MethodPost, batch, `{"batch":[{"name":"1","channel":"c","data":"a"},{"name":"2","channel":"c","data":"b","info":"subscription_count"}]}`)
	if want := "{\"batch\":[{},{}]}\n"; status != 200 || text != want {
		t.Errorf("POST = %d %q, want 200 %q", status, text, want)
	}
	c.hear(`{"event":"1","channel":"c","data":"a"}`, `{"event":"2","channel":"c","data":"b"}`)
}

func TestMembersComeWithTheirFirstConnectionAndGoWithTheirLast(t *testing.T) {
	const channel = "presence-x"
	s := listen(t)
	ada, grace1, grace2 := connect(t, s), connect(t, s), connect(t, s)
	roll := func(data string) string {
		return `{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":` + jsonOf(`{"presence":`+data+`}`) + `}`
	}
	ada.say(subscribePresence(channel, `{"user_id":"ada","user_info":{"n":1}}`))
	ada.hear(roll(`{"ids":["ada"],"hash":{"ada":{"n":1}},"count":1}`))
	for _, grace := range []*client{grace1, grace2} {
		grace.say(subscribePresence(channel, `{"user_id":"grace"}`))
		grace.hear(roll(`{"ids":["ada","grace"],"hash":{"ada":{"n":1},"grace":null},"count":2}`))
	}
	ada.hear(`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":\"grace\"}"}`)
	ada.hearNothing()
	checkGet(t, s, channels+"/presence-x/users", `{"users":[{"id":"ada"},{"id":"grace"}]}`)
	checkGet(t, s, channels+"?filter_by_prefix=presence-&info=user_count", `{"channels":{"presence-x":{"user_count":2}}}`)

	grace1.say(unsubscribe(channel))
	grace1.hearNothing()
	ada.hearNothing()
	if err := grace2.ws.Close(1000, ""); err != nil {
		t.Fatal(err)
	}
	ada.hear(`{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":\"grace\"}"}`)
	checkGet(t, s, channels+"/presence-x/users", `{"users":[{"id":"ada"}]}`)
}

func TestAPresenceChannelHasAtMostAHundredMembers(t *testing.T) {
	s := listen(t)
	for i := range 100 {
		join(t, s, "presence-x", pushertest.AsMember(fmt.Sprint(i), nil))
	}
	join(t, s, "presence-x", pushertest.AsMember("99", nil)) // who is there already
	c := connect(t, s)
	c.say(subscribePresence("presence-x", `{"user_id":"100"}`))
	c.hear(failed("null", "At most 100 members are allowed on a presence channel")) // our own words
	checkGet(t, s, channels+"?filter_by_prefix=presence-&info=user_count", `{"channels":{"presence-x":{"user_count":100}}}`)
}

func TestClientEventsReachTheOthers(t *testing.T) {
	s := listen(t)
	a, b := connect(t, s), connect(t, s)
	for id, c := range map[string]*client{"1": a, "2": b} {
		c.say(subscribePrivate("private-x"), subscribePrivate("private-encrypted-x"))
		c.hear(succeeded("private-x"), succeeded("private-encrypted-x"))
		c.say(subscribePresence("presence-"+id, `{"user_id":"`+id+`"}`))
		c.next()
	}
	b.say(subscribePresence("presence-1", `{"user_id":"2"}`))
	b.next()
	a.next()

	a.say(`{"event":"client-foo","channel":"private-x","data":{"any":"json"}}`,
		`{"event":"client-foo","channel":"private-x","data":"text"}`,
		`{"event":"client-foo","channel":"private-encrypted-x","data":{"nonce":"","ciphertext":""}}`,
		`{"event":"client-foo","channel":"presence-1","data":null}`)
	b.hear(`{"event":"client-foo","channel":"private-x","data":{"any":"json"}}`,
		`{"event":"client-foo","channel":"private-x","data":"text"}`,
		`{"event":"client-foo","channel":"private-encrypted-x","data":{"nonce":"","ciphertext":""}}`,
		`{"event":"client-foo","channel":"presence-1","data":null,"user_id":"1"}`)
	a.hearNothing()
	checkEvents(t, s) // they are not triggered
}

// Source of the rate: Pusher Channels docs, "Client events".
func TestTenClientEventsASecondAreAllowed(t *testing.T) {
	clock := newClock(time.Unix(1700000000, 0))
	s := listen(t, pushertest.WithClock(clock.Now))
	c := connect(t, s)
	c.say(subscribePrivate("private-x"))
	c.hear(succeeded("private-x"))
	const event = `{"event":"client-a","channel":"private-x","data":{}}`
	for range 2 {
		for range 10 {
			c.say(event)
		}
		c.hearNothing()
		c.say(event)
		c.hear(failed("4301", "Client event rejected - at most 10 a second are allowed on a connection")) // our own words
		clock.add(time.Second)
	}
}

func TestUsersGetWhatIsSentToThem(t *testing.T) {
	s := listen(t)
	one, two := connect(t, s), connect(t, s)
	for id, c := range map[string]*client{"1": one, "2": two} {
		c.say(signIn(`{"id":"`+id+`"}`), subscribe("#server-to-user-"+id))
		c.hear(signedIn(`{"id":"`+id+`"}`), succeeded("#server-to-user-"+id))
	}
	trigger(t, s, `{"name":"n","channel":"#server-to-user-1","data":"d"}`)
	one.hear(`{"event":"n","channel":"#server-to-user-1","data":"d"}`)
	two.hearNothing()
	checkGet(t, s, channels, `{"channels":{}}`)
}

func TestTerminateEndsTheConnectionsOfAUser(t *testing.T) {
	s := listen(t)
	var signedInTwice [2]*client
	for i := range signedInTwice {
		signedInTwice[i] = connect(t, s)
		signedInTwice[i].say(signIn(`{"id":"1"}`), subscribe("c"))
		signedInTwice[i].hear(signedIn(`{"id":"1"}`), succeeded("c"))
	}
	member, other := connect(t, s), connect(t, s)
	member.say(subscribePresence("presence-x", `{"user_id":"1"}`))
	member.next()
	other.say(signIn(`{"id":"2"}`))
	other.hear(signedIn(`{"id":"2"}`))

	if status, text := call(t, s, http.MethodPost, "/apps/3/users/1/terminate_connections", "{}"); status != 200 {
		t.Fatalf("POST = %d %q, want 200", status, text)
	}
	checkGet(t, s, channels, `{"channels":{"presence-x":{}}}`)
	for _, c := range signedInTwice {
		c.closed(4009, "You got disconnected by the app.") // soketi's code and text
	}
	member.hearNothing()
	other.hearNothing()
}

func TestWatchlistsTellWhoIsOnline(t *testing.T) {
	s := listen(t)
	watcher, ada1, ada2 := connect(t, s), connect(t, s), connect(t, s)
	ada1.say(signIn(`{"id":"ada"}`))
	ada1.hear(signedIn(`{"id":"ada"}`))
	const data = `{"id":"w","watchlist":["ada","grace","ada"]}`
	watcher.say(signIn(data))
	watcher.hear(signedIn(data), watchlist(`{"name":"online","user_ids":["ada"]},{"name":"offline","user_ids":["grace"]}`))

	ada2.say(signIn(`{"id":"ada"}`))
	ada2.hear(signedIn(`{"id":"ada"}`))
	_ = ada1.ws.CloseNow()
	watcher.hearNothing()
	_ = ada2.ws.CloseNow()
	watcher.hear(watchlist(`{"name":"offline","user_ids":["ada"]}`))
	grace := connect(t, s)
	grace.say(signIn(`{"id":"grace","watchlist":["w"]}`))
	grace.hear(signedIn(`{"id":"grace","watchlist":["w"]}`), watchlist(`{"name":"online","user_ids":["w"]}`))
	watcher.hear(watchlist(`{"name":"online","user_ids":["grace"]}`))
	_ = watcher.ws.CloseNow()
	grace.hear(watchlist(`{"name":"offline","user_ids":["w"]}`))
}

// Source: Pusher Channels docs, "Watchlist events" and error code 4302.
func TestAWatchlistHasAtMostAHundredUsers(t *testing.T) {
	s := listen(t)
	c := connect(t, s)
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"u%d"`, i)
	}
	data := `{"id":"w","watchlist":[` + strings.Join(ids, ",") + `]}`
	c.say(signIn(data))
	c.hear(signedIn(data), failed("4302", "Only the first 100 users of the watchlist are watched"), // our own words
		watchlist(`{"name":"offline","user_ids":[`+strings.Join(ids[:100], ",")+`]}`))
	for id, online := range map[string]bool{"u99": true, "u100": false} {
		join(t, s, "c", pushertest.AsUser(id))
		if online {
			c.hear(watchlist(`{"name":"online","user_ids":["` + id + `"]}`))
		}
	}
	c.hearNothing()
}

func TestCacheChannelsReplayTheLastTriggeredEvent(t *testing.T) {
	clock := newClock(time.Unix(1700000000, 0))
	s := listen(t, pushertest.WithClock(clock.Now))
	sender := join(t, s, "private-cache-x")
	const event = `{"name":"%s","channel":"private-cache-x","data":"d"}`
	for _, name := range []string{"first", "last"} {
		send(t, s, sign(t, s, newRequest(http.MethodPost, events, fmt.Sprintf(event, name)), clock.Now()))
	}
	if err := sender.Send("client-a", "{}"); err != nil { // is not remembered
		t.Fatal(err)
	}
	set(t, s, "cache-y", pushertest.ChannelState{Cache: &pushertest.CachedEvent{Data: "y"}})
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{30*time.Minute - 1, `{"event":"last","channel":"private-cache-x","data":"d"}`},
		{1, `{"event":"pusher:cache_miss","channel":"private-cache-x"}`},
	} {
		clock.add(test.after)
		c := connect(t, s)
		c.say(subscribePrivate("private-cache-x"))
		c.hear(succeeded("private-cache-x"), test.want)
	}
	clock.set(time.Unix(1700000000, 0))
	c := connect(t, s)
	c.say(subscribe("cache-y"))
	c.hear(succeeded("cache-y"), `{"event":"cached","channel":"cache-y","data":"y"}`)
}

func TestSetChannelAddsToTheSubscribersThatThereAre(t *testing.T) {
	s := listen(t, pushertest.WithSubscriptionCounting(true))
	join(t, s, "presence-x", pushertest.AsMember("ada", nil))
	join(t, s, "presence-x", pushertest.AsMember("grace", nil))
	set(t, s, "presence-x", pushertest.ChannelState{Subscriptions: 3, Users: []string{"mary", "ada"}})
	const counts = channels + "/presence-x?info=user_count,subscription_count"
	checkGet(t, s, counts, `{"occupied":true,"subscription_count":5,"user_count":3}`)
	c := connect(t, s)
	c.say(subscribePresence("presence-x", `{"user_id":"joan"}`))
	c.hear(`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":` + jsonOf(
		`{"presence":{"ids":["mary","ada","grace","joan"],"hash":{"ada":null,"grace":null,"joan":null,"mary":null},"count":4}}`) + `}`)
	set(t, s, "presence-x", pushertest.ChannelState{})
	checkGet(t, s, counts, `{"occupied":true,"subscription_count":3,"user_count":3}`)
	c.hearNothing()
}

func TestTheLogTellsWhatClientsAreRefusedWithoutSignatures(t *testing.T) {
	var log logged
	s := listen(t, pushertest.WithTestLog(&log))
	c := connect(t, s)
	signature := strings.Repeat("0f", 32)
	c.say(`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"` + s.App().Key + `:` + signature + `"}}`)
	c.hear(failed("null", "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-x, but got "+signature))
	want := `level=WARN msg="pushertest: client refused" socket_id=` + c.socketID + ` reason="invalid signature for private-x"`
	if got := log.String(); !strings.Contains(got, want) || strings.Contains(got, signature) {
		t.Errorf("the log is\n%s, want\n%s", got, want)
	}
}
