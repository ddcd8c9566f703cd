package pushertest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

// What a client says and what the server answers. The messages are those of Pusher
// Channels docs, WebSocket protocol; the texts of errors those that users of
// Pusher's libraries have reported, unless a row says that they are our own.
func TestProtocol(t *testing.T) {
	const ada = `{"user_id":"1","user_info":{"name":"Ada"}}`
	long := strings.Repeat("x", 201)
	tests := []struct {
		name string
		opts []pushertest.Option
		say  []string
		hear []string
	}{
		{"a ping", nil, []string{`{"event":"pusher:ping","data":{}}`}, []string{`{"event":"pusher:pong","data":{}}`}},
		{"a pong needs no answer", nil, []string{`{"event":"pusher:pong","data":{}}`}, nil},

		{"a public channel, with the empty auth of pusher-js", nil, []string{subscribe("my-channel")}, []string{succeeded("my-channel")}},
		{"a name with every special character", nil, []string{subscribe("foo-bar_1234@=,.;")}, []string{succeeded("foo-bar_1234@=,.;")}},
		{"a private channel", nil, []string{subscribePrivate("private-x")}, []string{succeeded("private-x")}},
		{"an encrypted channel", nil, []string{subscribePrivate("private-encrypted-x")}, []string{succeeded("private-encrypted-x")}},
		{"a presence channel", nil, []string{subscribePresence("presence-x", ada)}, []string{
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"1\"],\"hash\":{\"1\":{\"name\":\"Ada\"}},\"count\":1}}"}`}},
		{"a member whose ID is a number, as in the docs, and who has no info", nil, []string{subscribePresence("presence-x", `{"user_id":10}`)}, []string{
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"10\"],\"hash\":{\"10\":null},\"count\":1}}"}`}},
		{"a signed-in user needs no channel_data", nil, []string{signIn(`{"id":"7","user_info":{"a":1}}`), subscribePrivate("presence-x")}, []string{
			signedIn(`{"id":"7","user_info":{"a":1}}`),
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"7\"],\"hash\":{\"7\":{\"a\":1}},\"count\":1}}"}`}},
		{"channel_data goes before the signed-in user", nil, []string{signIn(`{"id":"7"}`), subscribePresence("presence-x", `{"user_id":"8"}`)}, []string{
			signedIn(`{"id":"7"}`),
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"8\"],\"hash\":{\"8\":null},\"count\":1}}"}`}},
		{"an empty cache channel of each kind", nil,
			[]string{subscribe("cache-x"), subscribePrivate("private-cache-x"), subscribePrivate("private-encrypted-cache-x"), subscribePresence("presence-cache-x", `{"user_id":"1"}`)},
			[]string{
				succeeded("cache-x"), `{"event":"pusher:cache_miss","channel":"cache-x"}`,
				succeeded("private-cache-x"), `{"event":"pusher:cache_miss","channel":"private-cache-x"}`,
				succeeded("private-encrypted-cache-x"), `{"event":"pusher:cache_miss","channel":"private-encrypted-cache-x"}`,
				`{"event":"pusher_internal:subscription_succeeded","channel":"presence-cache-x","data":"{\"presence\":{\"ids\":[\"1\"],\"hash\":{\"1\":null},\"count\":1}}"}`, `{"event":"pusher:cache_miss","channel":"presence-cache-x"}`,
			}},
		{"a subscription can end and begin anew", nil, []string{subscribe("c"), unsubscribe("c"), unsubscribe("c"), subscribe("c")}, []string{succeeded("c"), succeeded("c")}},

		{"a second subscription", nil, []string{subscribe("c"), subscribe("c")}, []string{succeeded("c"), failed("null", "Existing subscription to channel c")}},
		{"a private channel without auth", nil, []string{subscribe("private-x")}, []string{failed("null", "Invalid format: auth must have the format key:signature")}},
		{"another key", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"key:AUTH<:private-x>"}}`},
			[]string{failed("null", "Invalid key in subscription auth data: 'key'")}},
		{"a signature of another channel", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"278d425bdf160c739803:58df8b0c"}}`},
			[]string{failed("null", "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-x, but got 58df8b0c")}},
		{"a signature without the member", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"278d425bdf160c739803:00","channel_data":"{\"user_id\":\"1\"}"}}`},
			[]string{failed("null", `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:presence-x:{"user_id":"1"}, but got 00`)}},
		{"user_info that is no hash", nil, []string{subscribePresence("presence-x", `{"user_id":"1","user_info":"Ada"}`)},
			[]string{failed("null", "user_info supplied to presence subscription is invalid - if supplied it must be a type of hash")}},
		{"our own words: neither a member nor signed in", nil, []string{subscribePrivate("presence-x")},
			[]string{failed("null", "Subscribing to a presence channel needs channel_data or a connection that is signed in")}},
		{"our own words: a member without an ID", nil, []string{subscribePresence("presence-x", `{"user_id":""}`)},
			[]string{failed("null", "Invalid channel_data: user_id is not a string of 1 to 128 characters or a number")}},
		{"our own words: a member whose ID is a list", nil, []string{subscribePresence("presence-x", `{"user_id":[]}`)},
			[]string{failed("null", "Invalid channel_data: user_id is not a string of 1 to 128 characters or a number")}},
		{"our own words: a member that is no JSON", nil, []string{subscribePresence("presence-x", `Ada`)},
			[]string{failed("null", "Invalid channel_data: it is no JSON object")}},
		{"our own words: a member of more than 1 KB", nil, []string{subscribePresence("presence-x", `{"user_id":"1","user_info":{"a":"`+strings.Repeat("x", 1024)+`"}}`)},
			[]string{failed("null", "Invalid channel_data: it is too long")}},
		{"a name that breaks the rules", nil, []string{subscribe("a b")}, []string{failed("null", "Invalid channel name")}},
		{"a name that is too long", nil, []string{subscribe(long)}, []string{failed("null", "Invalid channel name")}},
		{"no data", nil, []string{`{"event":"pusher:subscribe"}`}, []string{failed("null", "Expected parameter data to be a hash")}},
		{"data as text", nil, []string{`{"event":"pusher:unsubscribe","data":"{\"channel\":\"c\"}"}`}, []string{failed("null", "Expected parameter data to be a hash")}},
		{"an event that there is not", nil, []string{`{"event":"pusher:nothing","data":{}}`}, []string{failed("null", "Unsupported event received on socket pusher:nothing")}},
		{"no event", nil, []string{`{}`}, []string{failed("null", "Unsupported event received on socket ")}},
		{"our own words: no JSON", nil, []string{`hello`, `[]`, `{"event":1}`, ``}, []string{
			failed("null", "Expected a JSON object"), failed("null", "Expected a JSON object"), failed("null", "Expected a JSON object"), failed("null", "Expected a JSON object")}},

		{"client events that are not enabled", []pushertest.Option{pushertest.WithClientEvents(false)}, []string{`{"event":"client-a","channel":"private-x","data":1}`},
			[]string{failed("null", "To send client events, you must enable this feature in the Settings page of your dashboard.")}},
		{"a client event without data", nil, []string{`{"event":"client-a","channel":"private-x"}`}, []string{failed("null", "Invalid client event (must contain channel and data)")}},
		{"a client event without a channel", nil, []string{`{"event":"client-a","data":{}}`}, []string{failed("null", "Invalid client event (must contain channel and data)")}},
		{"our own words: a client event on a public channel", nil, []string{subscribe("c"), `{"event":"client-a","channel":"c","data":{}}`},
			[]string{succeeded("c"), failed("null", "Client event rejected - only supported on private and presence channels")}},
		{"our own words: a client event of one who is not there", nil, []string{`{"event":"client-a","channel":"private-c","data":{}}`},
			[]string{failed("null", "Client event rejected - you must be subscribed to the channel")}},
		{"our own words: a client event that is too large", []pushertest.Option{pushertest.WithMaxEventBytes(4)}, []string{`{"event":"client-a","channel":"private-c","data":"long"}`},
			[]string{failed("null", "Client event rejected - its data exceeds the allowed maximum (4 bytes)")}},
		{"our own words: a client event whose name is too long", nil, []string{`{"event":"client-` + long + `","channel":"private-c","data":{}}`},
			[]string{failed("null", "Client event rejected - event name has 208 characters, at most 200 are allowed")}},

		{"signing in", nil, []string{signIn(`{"id":"12345"}`)}, []string{signedIn(`{"id":"12345"}`)}},
		{"signing in again as the same user", nil, []string{signIn(`{"id":"12345"}`), signIn(`{"id":"12345"}`)}, []string{signedIn(`{"id":"12345"}`), signedIn(`{"id":"12345"}`)}},
		{"the user's own channel, without a signature", nil, []string{signIn(`{"id":"12345"}`), subscribe("#server-to-user-12345")}, []string{signedIn(`{"id":"12345"}`), succeeded("#server-to-user-12345")}},
		{"signing in with another signature", nil, []string{`{"event":"pusher:signin","data":{"auth":"278d425bdf160c739803:00","user_data":"{\"id\":\"1\"}"}}`},
			[]string{failed("null", `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET::user::{"id":"1"}, but got 00`)}},
		{"signing in without data", nil, []string{`{"event":"pusher:signin"}`}, []string{failed("null", "Expected parameter data to be a hash")}},
		{"our own words: signing in as another user", nil, []string{signIn(`{"id":"1"}`), signIn(`{"id":"2"}`)}, []string{signedIn(`{"id":"1"}`), failed("null", "The connection is already signed in as another user")}},
		{"our own words: another user's channel", nil, []string{signIn(`{"id":"1"}`), subscribe("#server-to-user-2")},
			[]string{signedIn(`{"id":"1"}`), failed("null", "Subscribing to #server-to-user-2 needs a connection that is signed in as that user")}},
		{"our own words: a user's channel before signing in", nil, []string{subscribe("#server-to-user-2")},
			[]string{failed("null", "Subscribing to #server-to-user-2 needs a connection that is signed in as that user")}},
		{"our own words: a user without an ID", nil, []string{signIn(`{"id":""}`)}, []string{failed("null", "Invalid user_data: user ID is empty")}},
		{"our own words: a user whose ID is a number", nil, []string{signIn(`{"id":1}`)},
			[]string{failed("null", "Invalid user_data: it is not a JSON object with a string id and a list of strings as watchlist")}},
		{"our own words: user_info that is no hash", nil, []string{signIn(`{"id":"1","user_info":[]}`)}, []string{failed("null", "Invalid user_data: user_info is no JSON object")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, listen(t, test.opts...))
			c.say(test.say...)
			c.hear(test.hear...)
			c.hearNothing()
		})
	}
}

func TestAConnectionCanHaveTenThousandSubscriptions(t *testing.T) {
	const most = 10_000
	s := listen(t)
	c := connect(t, s)
	go func() {
		for i := range most + 1 {
			c.say(subscribe(fmt.Sprintf("channel-%d", i)))
		}
	}()
	for i := range most {
		c.hear(succeeded(fmt.Sprintf("channel-%d", i)))
	}
	c.hear(failed("null", "At most 10000 subscriptions are allowed on a connection")) // our own words
	trigger(t, s, `{"name":"n","channel":"channel-9999","data":"d"}`)
	c.hear(`{"event":"n","channel":"channel-9999","data":"d"}`)
}
