package pushertest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// populate sets a channel of each kind.
func populate(t testing.TB, s *pushertest.Server) {
	t.Helper()
	setChannel(t, s, "lobby", pushertest.ChannelState{Subscriptions: 13})
	setChannel(t, s, "presence-foobar", pushertest.ChannelState{Subscriptions: 51, Users: []string{"2", "1", "2"}})
	setChannel(t, s, "cache-news", pushertest.ChannelState{Cache: &pushertest.CachedEvent{Data: "event data", TTL: time.Minute}})
	setChannel(t, s, "cache-empty", pushertest.ChannelState{Subscriptions: 1})
	setChannel(t, s, "foo-bar_1234@=,.;", pushertest.ChannelState{Subscriptions: 1})
}

// docsEncrypted is the data of an encrypted event in Pusher Channels docs, "Encrypted
// channels".
const docsEncrypted = `{"nonce":"sjklahvpWWQgAjTx5FfYHCCxd2AmaL9T","ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`

// The form of the responses is that of the examples in Pusher's HTTP API reference.
func TestAPI(t *testing.T) {
	clock := time.Unix(1700000000, 0)
	tests := []struct{ name, method, target, body, want string }{
		{"trigger", "POST", events, `{"name":"n","channels":["c"],"data":""}`, `{}`},
		{"trigger on one channel", "POST", events, `{"name":"n","channel":"c","data":""}`, `{}`},
		{"data of 10,240 bytes", "POST", events, `{"name":"n","channel":"c","data":"` + strings.Repeat(`\u0000`, 10240) + `"}`, `{}`},
		{"event to a user", "POST", events, `{"name":"n","channel":"#server-to-user-1","data":""}`, `{}`},
		{"encrypted channel", "POST", events, `{"name":"n","channels":["private-encrypted-c"],"data":` + quote(docsEncrypted) + `}`, `{}`},
		{"name that only starts like a reserved one", "POST", events, `{"name":"pushers","channel":"c","data":""}`, `{}`},
		{"trigger with info", "POST", events,
			`{"name":"n","channels":["presence-foobar","lobby","nobody"],"data":"","info":"subscription_count,user_count"}`,
			`{"channels":{"lobby":{"subscription_count":13},"nobody":{"subscription_count":0},"presence-foobar":{"subscription_count":51,"user_count":2}}}`},
		{"trigger with unavailable info", "POST", events,
			`{"name":"n","channels":["lobby"],"data":"","info":"user_count"}`, `{"channels":{"lobby":{}}}`},
		{"batch", "POST", batch, `{"batch":[{"name":"n","channel":"c","data":""}]}`, `{}`},
		{"batch with info", "POST", batch,
			`{"batch":[{"name":"n","channel":"presence-foobar","data":"","info":"user_count,subscription_count"},` +
				`{"name":"n","channel":"lobby","data":""},{"name":"n","channel":"lobby","data":"","info":"subscription_count"}]}`,
			`{"batch":[{"subscription_count":51,"user_count":2},{},{"subscription_count":13}]}`},
		{"all channels", "GET", channels, "", `{"channels":{"cache-empty":{},"foo-bar_1234@=,.;":{},"lobby":{},"presence-foobar":{}}}`},
		{"channels with a prefix", "GET", channels + "?filter_by_prefix=lob", "", `{"channels":{"lobby":{}}}`},
		{"prefix with a raw semicolon", "GET", channels + "?filter_by_prefix=foo-bar_1234@=,.;", "", `{"channels":{"foo-bar_1234@=,.;":{}}}`},
		{"presence channels with user counts", "GET", channels + "?filter_by_prefix=presence-&info=user_count", "", `{"channels":{"presence-foobar":{"user_count":2}}}`},
		{"prefix without channels", "GET", channels + "?filter_by_prefix=private-", "", `{"channels":{}}`},
		{"occupied channel", "GET", channels + "/lobby", "", `{"occupied":true}`},
		{"unoccupied channel", "GET", channels + "/nobody", "", `{"occupied":false}`},
		{"counts of a presence channel", "GET", channels + "/presence-foobar?info=user_count,subscription_count", "", `{"occupied":true,"subscription_count":51,"user_count":2}`},
		{"escaped comma in info", "GET", channels + "/presence-foobar?info=user_count%2Csubscription_count", "", `{"occupied":true,"subscription_count":51,"user_count":2}`},
		{"counts of an unoccupied presence channel", "GET", channels + "/presence-x?info=user_count,subscription_count", "", `{"occupied":false,"subscription_count":0,"user_count":0}`},
		{"cache", "GET", channels + "/cache-news?info=cache", "", `{"occupied":false,"cache":{"data":"event data","ttl":60}}`},
		{"empty cache", "GET", channels + "/cache-empty?info=cache", "", `{"occupied":true,"cache":null}`},
		{"cache of an unoccupied channel", "GET", channels + "/cache-nobody?info=cache", "", `{"occupied":false,"cache":null}`},
		{"cache channel without info", "GET", channels + "/cache-news", "", `{"occupied":false}`},
		{"channel name with all special characters", "GET", channels + "/foo-bar_1234@=,.;", "", `{"occupied":true}`},
		{"users of a presence channel", "GET", channels + "/presence-foobar/users", "", `{"users":[{"id":"2"},{"id":"1"}]}`},
		{"users of an unoccupied presence channel", "GET", channels + "/presence-x/users", "", `{"users":[]}`},
		{"terminate", "POST", "/apps/3/users/12345/terminate_connections", `{}`, `{}`},
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

func TestAPI_CacheExpires(t *testing.T) {
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
