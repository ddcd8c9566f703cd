package pushertest_test

import (
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

// The messages are those of Pusher Channels docs, WebSocket protocol. The texts of
// errors are those that users of Pusher's libraries have reported, unless "own text"
// marks them as this package's.
func TestMessages(t *testing.T) {
	const ada = `{"user_id":"1","user_info":{"name":"Ada"}}`
	long := strings.Repeat("x", 201)
	tests := []struct {
		name string
		opts []pushertest.Option
		send []string
		want []string
	}{
		{"ping", nil, []string{`{"event":"pusher:ping","data":{}}`}, []string{`{"event":"pusher:pong","data":"{}"}`}},
		{"pong", nil, []string{`{"event":"pusher:pong","data":"{}"}`}, nil},

		{"public channel, with the empty auth of pusher-js", nil, []string{subscribe("my-channel")}, []string{subscribed("my-channel")}},
		{"name with every special character", nil, []string{subscribe("foo-bar_1234@=,.;")}, []string{subscribed("foo-bar_1234@=,.;")}},
		{"private channel with data", nil, []string{subscribePresence("private-x", `{"a":1}`)}, []string{subscribed("private-x")}},
		{"private channel with empty data", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"AUTH<:private-x>","channel_data":""}}`}, []string{subscribed("private-x")}},
		{"private channel with unsigned data", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"AUTH<:private-x>","channel_data":"{\"a\":1}"}}`},
			[]string{errorMessage("null", `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-x:{"a":1}, but got SIGNATURE<:private-x>`)}},
		{"private channel without the data that was signed", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"AUTH<:private-x:{}>"}}`},
			[]string{errorMessage("null", `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-x, but got SIGNATURE<:private-x:{}>`)}},
		{"signed-in user with empty channel_data", nil, []string{signIn(`{"id":"7"}`), `{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"AUTH<:presence-x>","channel_data":""}}`}, []string{
			signedIn(`{"id":"7"}`),
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"7\"],\"hash\":{\"7\":null},\"count\":1}}"}`}},
		{"private channel", nil, []string{subscribePrivate("private-x")}, []string{subscribed("private-x")}},
		{"encrypted channel", nil, []string{subscribePrivate("private-encrypted-x")}, []string{subscribed("private-encrypted-x")}},
		{"presence channel", nil, []string{subscribePresence("presence-x", ada)}, []string{
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"1\"],\"hash\":{\"1\":{\"name\":\"Ada\"}},\"count\":1}}"}`}},
		{"member with a number as ID, as in the docs, and without info", nil, []string{subscribePresence("presence-x", `{"user_id":10}`)}, []string{
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"10\"],\"hash\":{\"10\":null},\"count\":1}}"}`}},
		{"signed-in user needs no channel_data", nil, []string{signIn(`{"id":"7","user_info":{"a":1}}`), subscribePrivate("presence-x")}, []string{
			signedIn(`{"id":"7","user_info":{"a":1}}`),
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"7\"],\"hash\":{\"7\":{\"a\":1}},\"count\":1}}"}`}},
		{"channel_data takes precedence over the signed-in user", nil, []string{signIn(`{"id":"7"}`), subscribePresence("presence-x", `{"user_id":"8"}`)}, []string{
			signedIn(`{"id":"7"}`),
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"8\"],\"hash\":{\"8\":null},\"count\":1}}"}`}},
		{"empty cache channel of each kind", nil,
			[]string{subscribe("cache-x"), subscribePrivate("private-cache-x"), subscribePrivate("private-encrypted-cache-x"), subscribePresence("presence-cache-x", `{"user_id":"1"}`)},
			[]string{
				subscribed("cache-x"), `{"event":"pusher:cache_miss","channel":"cache-x"}`,
				subscribed("private-cache-x"), `{"event":"pusher:cache_miss","channel":"private-cache-x"}`,
				subscribed("private-encrypted-cache-x"), `{"event":"pusher:cache_miss","channel":"private-encrypted-cache-x"}`,
				`{"event":"pusher_internal:subscription_succeeded","channel":"presence-cache-x","data":"{\"presence\":{\"ids\":[\"1\"],\"hash\":{\"1\":null},\"count\":1}}"}`, `{"event":"pusher:cache_miss","channel":"presence-cache-x"}`,
			}},
		{"subscribe again", nil, []string{subscribe("c"), unsubscribe("c"), unsubscribe("c"), subscribe("c")}, []string{subscribed("c"), subscribed("c")}},

		{"second subscription", nil, []string{subscribe("c"), subscribe("c")}, []string{subscribed("c"), errorMessage("null", "Existing subscription to channel c")}},
		{"private channel without auth", nil, []string{subscribe("private-x")}, []string{errorMessage("null", "Invalid format: auth must have the format key:signature")}},
		{"another key", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"key:AUTH<:private-x>"}}`},
			[]string{errorMessage("null", "Invalid key in subscription auth data: 'key'")}},
		{"signature of another channel", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"278d425bdf160c739803:58df8b0c"}}`},
			[]string{errorMessage("null", "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-x, but got 58df8b0c")}},
		{"signature without the member", nil, []string{`{"event":"pusher:subscribe","data":{"channel":"presence-x","auth":"278d425bdf160c739803:00","channel_data":"{\"user_id\":\"1\"}"}}`},
			[]string{errorMessage("null", `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:presence-x:{"user_id":"1"}, but got 00`)}},
		{"user_info is not a hash", nil, []string{subscribePresence("presence-x", `{"user_id":"1","user_info":"Ada"}`)},
			[]string{errorMessage("null", "user_info supplied to presence subscription is invalid - if supplied it must be a type of hash")}},
		{"text of this package: neither a member nor signed in", nil, []string{subscribePrivate("presence-x")},
			[]string{errorMessage("null", "Subscribing to a presence channel needs channel_data or a connection that is signed in")}},
		{"text of this package: member without an ID", nil, []string{subscribePresence("presence-x", `{"user_id":""}`)},
			[]string{errorMessage("null", "Invalid channel_data: member ID is empty")}},
		{"text of this package: member whose ID is a list", nil, []string{subscribePresence("presence-x", `{"user_id":[]}`)},
			[]string{errorMessage("null", "Invalid channel_data: user_id is neither a string nor an integer")}},
		{"text of this package: member is not JSON", nil, []string{subscribePresence("presence-x", `Ada`)},
			[]string{errorMessage("null", "Invalid channel_data: it is not a JSON object")}},
		{"text of this package: member of more than 1 KB", nil, []string{subscribePresence("presence-x", `{"user_id":"1","user_info":{"a":"`+strings.Repeat("x", 1024)+`"}}`)},
			[]string{errorMessage("null", "Invalid channel_data: it has 1060 bytes, at most 1024 are allowed")}},
		{"member ID of 70 Cyrillic letters", nil, []string{subscribePresence("presence-x", `{"user_id":"`+strings.Repeat("ж", 70)+`"}`)}, []string{
			`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"ids\":[\"` + strings.Repeat("ж", 70) + `\"],\"hash\":{\"` + strings.Repeat("ж", 70) + `\":null},\"count\":1}}"}`}},
		{"text of this package: member ID of 129 characters", nil, []string{subscribePresence("presence-x", `{"user_id":"`+strings.Repeat("x", 129)+`"}`)},
			[]string{errorMessage("null", "Invalid channel_data: member ID has 129 characters, at most 128 are allowed")}},
		{"text of this package: member ID with a control character", nil, []string{subscribePresence("presence-x", `{"user_id":"a\u0007"}`)},
			[]string{errorMessage("null", `Invalid channel_data: member ID has a control character: "a\a"`)}},
		{"text of this package: member ID that is not an integer", nil, []string{subscribePresence("presence-x", `{"user_id":1.5}`)},
			[]string{errorMessage("null", "Invalid channel_data: user_id is neither a string nor an integer of 64 bits")}},
		{"text of this package: member with a misspelled property", nil, []string{subscribePresence("presence-x", `{"USER_ID":"1"}`)},
			[]string{errorMessage("null", "Invalid channel_data: user_id is missing")}},
		{"text of this package: signed-in member with an ID of 129 characters", nil, []string{signIn(`{"id":"` + strings.Repeat("u", 129) + `"}`), subscribePrivate("presence-x")},
			[]string{signedIn(`{"id":"` + strings.Repeat("u", 129) + `"}`), errorMessage("null", "Invalid member: member ID has 129 characters, at most 128 are allowed")}},
		{"misspelled event", nil, []string{`{"EVENT":"pusher:ping"}`}, []string{errorMessage("null", "Unsupported event received on socket ")}},
		{"misspelled channel", nil, []string{`{"event":"pusher:subscribe","data":{"Channel":"c"}}`}, []string{errorMessage("null", "Invalid channel name")}},
		{"misspelled channel of a client event", nil, []string{`{"event":"client-a","CHANNEL":"private-c","data":1}`}, []string{errorMessage("null", "Invalid client event (must contain channel and data)")}},
		{"text of this package: misspelled ID of a user", nil, []string{signIn(`{"ID":"1"}`)}, []string{errorMessage("null", "Invalid user_data: user ID is empty")}},
		{"user_data of 1,024 bytes without the watchlist", nil, []string{signIn(`{"id":"1","user_info":{"a":"` + strings.Repeat("x", 993) + `"},"watchlist":["2"]}`)},
			[]string{signedIn(`{"id":"1","user_info":{"a":"` + strings.Repeat("x", 993) + `"},"watchlist":["2"]}`), watchlist(`{"name":"offline","user_ids":["2"]}`)}},
		{"text of this package: user_data of 1,025 bytes", nil, []string{signIn(`{"id":"1","user_info":{"a":"` + strings.Repeat("x", 994) + `"}}`)},
			[]string{errorMessage("null", "Invalid user_data: it has 1025 bytes, at most 1024 are allowed")}},
		{"text of this package: watchlist with an empty ID", nil, []string{signIn(`{"id":"1","watchlist":["2",""]}`)}, []string{errorMessage("null", "Invalid user_data: watchlist: user ID is empty")}},

		{"invalid name", nil, []string{subscribe("a b")}, []string{errorMessage("null", "Invalid channel name")}},
		{"long name", nil, []string{subscribe(long)}, []string{errorMessage("null", "Invalid channel name")}},
		{"no data", nil, []string{`{"event":"pusher:subscribe"}`}, []string{errorMessage("null", "Expected parameter data to be a hash")}},
		{"data as text", nil, []string{`{"event":"pusher:unsubscribe","data":"{\"channel\":\"c\"}"}`}, []string{errorMessage("null", "Expected parameter data to be a hash")}},
		{"unknown event", nil, []string{`{"event":"pusher:nothing","data":{}}`}, []string{errorMessage("null", "Unsupported event received on socket pusher:nothing")}},
		{"no event", nil, []string{`{}`}, []string{errorMessage("null", "Unsupported event received on socket ")}},
		{"text of this package: not JSON", nil, []string{`hello`, `[]`, `{"event":1}`, ``}, []string{
			errorMessage("null", "Expected a JSON object"), errorMessage("null", "Expected a JSON object"), errorMessage("null", "Expected a JSON object"), errorMessage("null", "Expected a JSON object")}},

		{"client events disabled", []pushertest.Option{pushertest.WithClientEvents(false)}, []string{`{"event":"client-a","channel":"private-x","data":1}`},
			[]string{errorMessage("null", "To send client events, you must enable this feature in the Settings page of your dashboard.")}},
		{"client event without data", nil, []string{`{"event":"client-a","channel":"private-x"}`}, []string{errorMessage("null", "Invalid client event (must contain channel and data)")}},
		{"client event without a channel", nil, []string{`{"event":"client-a","data":{}}`}, []string{errorMessage("null", "Invalid client event (must contain channel and data)")}},
		{"text of this package: client event on a public channel", nil, []string{subscribe("c"), `{"event":"client-a","channel":"c","data":{}}`},
			[]string{subscribed("c"), errorMessage("null", "Client event rejected - only supported on private and presence channels")}},
		{"text of this package: client event without subscription", nil, []string{`{"event":"client-a","channel":"private-c","data":{}}`},
			[]string{errorMessage("null", "Client event rejected - you must be subscribed to the channel")}},
		{"text of this package: large client event", []pushertest.Option{pushertest.WithMaxEventBytes(4)}, []string{`{"event":"client-a","channel":"private-c","data":"long"}`},
			[]string{errorMessage("null", "Client event rejected - its data exceeds the allowed maximum (4 bytes)")}},
		{"text of this package: client event with a long name", nil, []string{`{"event":"client-` + long + `","channel":"private-c","data":{}}`},
			[]string{errorMessage("null", "Client event rejected - event name has 208 characters, at most 200 are allowed")}},

		{"signing in", nil, []string{signIn(`{"id":"12345"}`)}, []string{signedIn(`{"id":"12345"}`)}},
		{"signing in again as the same user", nil, []string{signIn(`{"id":"12345"}`), signIn(`{"id":"12345"}`)}, []string{signedIn(`{"id":"12345"}`), signedIn(`{"id":"12345"}`)}},
		{"user's own channel, without a signature", nil, []string{signIn(`{"id":"12345"}`), subscribe("#server-to-user-12345")}, []string{signedIn(`{"id":"12345"}`), subscribed("#server-to-user-12345")}},
		{"signing in with another signature", nil, []string{`{"event":"pusher:signin","data":{"auth":"278d425bdf160c739803:00","user_data":"{\"id\":\"1\"}"}}`},
			[]string{errorMessage("null", `Invalid signature: Expected HMAC SHA256 hex digest of SOCKET::user::{"id":"1"}, but got 00`)}},
		{"signing in without data", nil, []string{`{"event":"pusher:signin"}`}, []string{errorMessage("null", "Expected parameter data to be a hash")}},
		{"text of this package: signing in as another user", nil, []string{signIn(`{"id":"1"}`), signIn(`{"id":"2"}`)}, []string{signedIn(`{"id":"1"}`), errorMessage("null", "The connection is already signed in as another user")}},
		{"text of this package: another user's channel", nil, []string{signIn(`{"id":"1"}`), subscribe("#server-to-user-2")},
			[]string{signedIn(`{"id":"1"}`), errorMessage("null", "Subscribing to #server-to-user-2 needs a connection that is signed in as that user")}},
		{"text of this package: user's channel before signing in", nil, []string{subscribe("#server-to-user-2")},
			[]string{errorMessage("null", "Subscribing to #server-to-user-2 needs a connection that is signed in as that user")}},
		{"text of this package: user without an ID", nil, []string{signIn(`{"id":""}`)}, []string{errorMessage("null", "Invalid user_data: user ID is empty")}},
		{"text of this package: user whose ID is a number", nil, []string{signIn(`{"id":1}`)},
			[]string{errorMessage("null", "Invalid user_data: it is not a JSON object with a string id and a list of strings as watchlist")}},
		{"text of this package: user_info of a user is not a hash", nil, []string{signIn(`{"id":"1","user_info":[]}`)}, []string{errorMessage("null", "Invalid user_data: user_info is not a JSON object")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := connect(t, newListeningServer(t, test.opts...))
			c.send(test.send...)
			c.expect(test.want...)
			c.expectNothing()
		})
	}
}

func TestMessages_Log(t *testing.T) {
	var log logBuffer
	s := newListeningServer(t, pushertest.WithTestLog(&log))
	c := connect(t, s)
	signature := strings.Repeat("0f", 32)
	c.send(`{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"` + s.App().Key + `:` + signature + `"}}`)
	c.expect(errorMessage("null", "Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-x, but got "+signature))
	want := `level=WARN msg="pushertest: message rejected" socket_id=` + c.socketID + ` event=pusher:subscribe channel=private-x reason="invalid signature for private-x, the string to sign is \"` + c.socketID + `:private-x\""`
	if got := log.String(); !strings.Contains(got, want) || strings.Contains(got, signature) {
		t.Errorf("the log is\n%s, want\n%s", got, want)
	}
}
