package pushertest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func set(t testing.TB, s *pushertest.Server, name string, to pushertest.ChannelState) {
	t.Helper()
	if err := s.SetChannel(name, to); err != nil {
		t.Fatalf("SetChannel(%q, %+v) = %v, want nil", name, to, err)
	}
}

// populate sets one channel of each kind that the endpoints tell apart.
func populate(t testing.TB, s *pushertest.Server) {
	t.Helper()
	set(t, s, "lobby", pushertest.ChannelState{Subscriptions: 13})
	set(t, s, "presence-foobar", pushertest.ChannelState{Subscriptions: 51, Users: []string{"2", "1", "2"}})
	set(t, s, "cache-news", pushertest.ChannelState{Cache: &pushertest.CachedEvent{Data: "event data", TTL: time.Minute}})
	set(t, s, "cache-empty", pushertest.ChannelState{Subscriptions: 1})
	set(t, s, "foo-bar_1234@=,.;", pushertest.ChannelState{Subscriptions: 1})
}

// The shapes are those of the examples in Pusher's HTTP API reference.
func TestServerAnswers(t *testing.T) {
	clock := time.Unix(1700000000, 0)
	tests := []struct{ name, method, target, body, want string }{
		{"a trigger", "POST", events, `{"name":"n","channels":["c"],"data":""}`, `{}`},
		{"a trigger on one channel", "POST", events, `{"name":"n","channel":"c","data":""}`, `{}`},
		{"data of 10,240 bytes", "POST", events, `{"name":"n","channel":"c","data":"` + strings.Repeat(`\u0000`, 10240) + `"}`, `{}`},
		{"an event to a user", "POST", events, `{"name":"n","channel":"#server-to-user-1","data":""}`, `{}`},
		{"an encrypted channel", "POST", events, `{"name":"n","channels":["private-encrypted-c"],"data":""}`, `{}`},
		{"a name that only starts like a reserved one", "POST", events, `{"name":"pushers","channel":"c","data":""}`, `{}`},
		{"a trigger that asks for info, which a public channel has in part", "POST", events,
			`{"name":"n","channels":["presence-foobar","lobby","nobody"],"data":"","info":"subscription_count,user_count"}`,
			`{"channels":{"lobby":{"subscription_count":13},"nobody":{"subscription_count":0},"presence-foobar":{"subscription_count":51,"user_count":2}}}`},
		{"info of one kind on a channel that has none of it", "POST", events,
			`{"name":"n","channels":["lobby"],"data":"","info":"user_count"}`, `{"channels":{"lobby":{}}}`},
		{"a batch", "POST", batch, `{"batch":[{"name":"n","channel":"c","data":""}]}`, `{}`},
		{"a batch of which some ask for info", "POST", batch,
			`{"batch":[{"name":"n","channel":"presence-foobar","data":"","info":"user_count,subscription_count"},` +
				`{"name":"n","channel":"lobby","data":""},{"name":"n","channel":"lobby","data":"","info":"subscription_count"}]}`,
			`{"batch":[{"subscription_count":51,"user_count":2},{},{"subscription_count":13}]}`},
		{"all channels", "GET", channels, "", `{"channels":{"cache-empty":{},"foo-bar_1234@=,.;":{},"lobby":{},"presence-foobar":{}}}`},
		{"channels with a prefix", "GET", channels + "?filter_by_prefix=lob", "", `{"channels":{"lobby":{}}}`},
		{"a prefix with a raw semicolon", "GET", channels + "?filter_by_prefix=foo-bar_1234@=,.;", "", `{"channels":{"foo-bar_1234@=,.;":{}}}`},
		{"presence channels with user counts", "GET", channels + "?filter_by_prefix=presence-&info=user_count", "", `{"channels":{"presence-foobar":{"user_count":2}}}`},
		{"no channel with that prefix", "GET", channels + "?filter_by_prefix=private-", "", `{"channels":{}}`},
		{"an occupied channel", "GET", channels + "/lobby", "", `{"occupied":true}`},
		{"an unoccupied channel", "GET", channels + "/nobody", "", `{"occupied":false}`},
		{"the counts of a presence channel", "GET", channels + "/presence-foobar?info=user_count,subscription_count", "", `{"occupied":true,"subscription_count":51,"user_count":2}`},
		{"an escaped comma in info", "GET", channels + "/presence-foobar?info=user_count%2Csubscription_count", "", `{"occupied":true,"subscription_count":51,"user_count":2}`},
		{"the counts of an unoccupied presence channel", "GET", channels + "/presence-x?info=user_count,subscription_count", "", `{"occupied":false,"subscription_count":0,"user_count":0}`},
		{"what a cache channel remembers", "GET", channels + "/cache-news?info=cache", "", `{"occupied":false,"cache":{"data":"event data","ttl":60}}`},
		{"an empty cache", "GET", channels + "/cache-empty?info=cache", "", `{"occupied":true,"cache":null}`},
		{"the cache of an unoccupied channel", "GET", channels + "/cache-nobody?info=cache", "", `{"occupied":false,"cache":null}`},
		{"a cache that is not asked for", "GET", channels + "/cache-news", "", `{"occupied":false}`},
		{"a channel whose name uses the whole alphabet", "GET", channels + "/foo-bar_1234@=,.;", "", `{"occupied":true}`},
		{"the users of a presence channel", "GET", channels + "/presence-foobar/users", "", `{"users":[{"id":"2"},{"id":"1"}]}`},
		{"the users of an unoccupied presence channel", "GET", channels + "/presence-x/users", "", `{"users":[]}`},
		{"the end of a user's connections", "POST", "/apps/3/users/12345/terminate_connections", `{}`, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, pushertest.WithClock(func() time.Time { return clock }))
			populate(t, s)
			status, text := send(t, s, sign(t, s, newRequest(test.method, test.target, test.body), clock))
			if want := test.want + "\n"; status != 200 || text != want {
				t.Errorf("%s %s %.200s = %d %q, want 200 %q", test.method, test.target, test.body, status, text, want)
			}
		})
	}
}

// Pusher's libraries send the characters of a channel name unescaped; Go's
// url.PathEscape does not.
func TestServerTakesEscapedChannelNames(t *testing.T) {
	s := newServer(t)
	populate(t, s)
	for _, path := range []string{"/foo-bar_1234@=,.;", "/foo-bar_1234@=%2C.%3B", "/%66oo-bar_1234%40%3d%2c%2e%3b"} {
		r := sign(t, s, newRequest(http.MethodGet, channels+"/foo-bar_1234@=,.;", ""), time.Time{})
		r.URL.RawPath = channels + path
		r.RequestURI = r.URL.RequestURI()
		status, text := send(t, s, r)
		if want := "{\"occupied\":true}\n"; status != 200 || text != want {
			t.Errorf("GET %s = %d %q, want 200 %q", path, status, text, want)
		}
	}
}

func TestServerTakesParametersOfATriggerFromTheQuery(t *testing.T) {
	tests := []struct {
		name, query, body string
		want              pushertest.Event
	}{
		{"all of them", "?name=n&channel=c&data=%7B%7D&socket_id=1.2&info=user_count", "",
			pushertest.Event{Channel: "c", Name: "n", Data: "{}", SocketID: "1.2", Info: "user_count"}},
		{"a list", "?name=n&channels[]=c&data=d", "",
			pushertest.Event{Channel: "c", Name: "n", Data: "d"}},
		{"what the body has goes first", "?name=ignored&channels[]=c", `{"name":"n","data":"d"}`,
			pushertest.Event{Channel: "c", Name: "n", Data: "d"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			if status, text := call(t, s, http.MethodPost, events+test.query, test.body); status != 200 {
				t.Fatalf("POST %s%s %s = %d %q, want 200", events, test.query, test.body, status, text)
			}
			checkEvents(t, s, test.want)
		})
	}
}

func TestCacheChannelsRememberTheLastEventForThirtyMinutes(t *testing.T) {
	now := time.Unix(1700000000, 0)
	s := newServer(t, pushertest.WithClock(func() time.Time { return now }))
	get := func() string {
		t.Helper()
		_, text := send(t, s, sign(t, s, newRequest(http.MethodGet, channels+"/private-cache-c?info=cache", ""), now))
		return text
	}
	for _, data := range []string{"first", "last"} {
		send(t, s, sign(t, s, newRequest(http.MethodPost, events, `{"name":"n","channel":"private-cache-c","data":"`+data+`"}`), now))
	}
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{0, `{"occupied":false,"cache":{"data":"last","ttl":1800}}`},
		{30*time.Minute - time.Second, `{"occupied":false,"cache":{"data":"last","ttl":1}}`},
		{time.Second, `{"occupied":false,"cache":null}`},
	} {
		now = now.Add(test.after)
		if got := get(); got != test.want+"\n" {
			t.Errorf("GET another %v later = %q, want %q", test.after, got, test.want+"\n")
		}
	}
}

func TestSetChannelReplacesAndRemoves(t *testing.T) {
	s := newServer(t)
	set(t, s, "presence-cache-c", pushertest.ChannelState{Users: []string{"1", "2"}, Cache: &pushertest.CachedEvent{Data: "d"}})
	for _, test := range []struct {
		to   pushertest.ChannelState
		want string
	}{
		{pushertest.ChannelState{Subscriptions: 1, Users: []string{"a", "b"}}, `{"occupied":true,"subscription_count":2,"user_count":2,"cache":null}`},
		{pushertest.ChannelState{Subscriptions: 5}, `{"occupied":true,"subscription_count":5,"user_count":0,"cache":null}`},
		{pushertest.ChannelState{}, `{"occupied":false,"subscription_count":0,"user_count":0,"cache":null}`},
	} {
		set(t, s, "presence-cache-c", test.to)
		_, text := call(t, s, http.MethodGet, channels+"/presence-cache-c?info=user_count,subscription_count,cache", "")
		if text != test.want+"\n" {
			t.Errorf("GET after SetChannel(%+v) = %q, want %q", test.to, text, test.want+"\n")
		}
	}
}

func TestSetChannelRefusesWhatCannotBe(t *testing.T) {
	tests := []struct {
		name, channel string
		to            pushertest.ChannelState
		want          string
	}{
		{"a space in the name", "a b", pushertest.ChannelState{Subscriptions: 1}, "a character outside"},
		{"a negative number", "c", pushertest.ChannelState{Subscriptions: -1}, "-1 subscriptions"},
		{"users on a private channel", "private-c", pushertest.ChannelState{Users: []string{"1"}}, "not a presence channel"},
		{"an empty user ID", "presence-c", pushertest.ChannelState{Users: []string{""}}, "empty user ID"},
		{"a cache on a channel without", "c", pushertest.ChannelState{Cache: &pushertest.CachedEvent{}}, "not a cache channel"},
		{"a negative TTL", "cache-c", pushertest.ChannelState{Cache: &pushertest.CachedEvent{TTL: -1}}, "negative TTL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			err := s.SetChannel(test.channel, test.to)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("SetChannel(%q, %+v) = %v, want an error with %q", test.channel, test.to, err, test.want)
			}
			if _, text := call(t, s, http.MethodGet, channels, ""); text != "{\"channels\":{}}\n" {
				t.Errorf("GET %s after a refused SetChannel = %q, want no channels", channels, text)
			}
		})
	}
}

func TestSubscriptionCountingCanBeOff(t *testing.T) {
	s := newServer(t, pushertest.WithSubscriptionCounting(false))
	set(t, s, "presence-c", pushertest.ChannelState{Users: []string{"1"}})
	for _, test := range []struct {
		name, method, target, body string
		status                     int
		want                       string
	}{
		// pusher-http-ruby#193.
		{"one channel", "GET", channels + "/presence-c?info=subscription_count", "", 400, "Cannot retrieve the subscription count because subscription counting is not enabled\n"},
		{"a trigger leaves it out", "POST", events, `{"name":"n","channel":"presence-c","data":"d","info":"subscription_count,user_count"}`, 200, `{"channels":{"presence-c":{"user_count":1}}}` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if status, text := call(t, s, test.method, test.target, test.body); status != test.status || text != test.want {
				t.Errorf("%s %s = %d %q, want %d %q", test.method, test.target, status, text, test.status, test.want)
			}
		})
	}
}

func TestMaxEventBytesCanBeRaised(t *testing.T) {
	s := newServer(t, pushertest.WithMaxEventBytes(20000))
	if status, text := call(t, s, http.MethodPost, events, `{"name":"n","channel":"c","data":"`+strings.Repeat("x", 20000)+`"}`); status != 200 {
		t.Errorf("POST with 20,000 bytes of data = %d %q, want 200", status, text)
	}
	status, text := call(t, s, http.MethodPost, events, `{"name":"n","channel":"c","data":"`+strings.Repeat("x", 20001)+`"}`)
	if status != 413 || !strings.Contains(text, "(20000 bytes)") {
		t.Errorf("POST with 20,001 bytes of data = %d %q, want 413 and a text with %q", status, text, "(20000 bytes)")
	}
}

func TestTerminatedListsUsersInOrder(t *testing.T) {
	s := newServer(t)
	want := []string{"2", "1", "2"}
	for _, id := range want {
		call(t, s, http.MethodPost, "/apps/3/users/"+id+"/terminate_connections", "{}")
	}
	if got := s.Terminated(); !slices.Equal(got, want) {
		t.Errorf("Terminated() = %q, want %q", got, want)
	}
}
