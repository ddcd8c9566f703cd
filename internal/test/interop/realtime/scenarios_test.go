//go:build interop

package realtime_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// scenarios returns the scenarios that were written by hand.
func scenarios() []scenario {
	return slices.Concat(subscribing(), authorizing(), presence(), events(), users(), encryptedChannels(), connections(), messages())
}

func subscribing() []scenario {
	return []scenario{
		{name: "public channel", steps: []step{connect("alice"), subscribe("alice", "news"), publish("news", "e", `{"a":1}`)}},
		{name: "private channel", steps: []step{connect("alice"), subscribe("alice", "private-x"), publish("private-x", "e", "1")}},
		{name: "presence channel", steps: []step{connect("alice"), subscribe("alice", "presence-x"), members("alice", "presence-x"), publish("presence-x", "e", "1")}},
		{name: "encrypted channel", steps: []step{connect("alice"), subscribe("alice", "private-encrypted-x"), publish("private-encrypted-x", "e", `{"secret":"<Zoë>"}`)}},
		{name: "empty cache channel", steps: []step{connect("alice"), subscribe("alice", "cache-x"), publish("cache-x", "e", "1")}},
		{name: "cache channel", steps: []step{publish("cache-x", "first", "1"), publish("cache-x", "last", "2"), connect("alice"), subscribe("alice", "cache-x")}},
		{name: "private cache channel", steps: []step{publish("private-cache-x", "e", "1"), connect("alice"), subscribe("alice", "private-cache-x")}},
		{name: "presence cache channel", steps: []step{publish("presence-cache-x", "e", "1"), connect("alice"), subscribe("alice", "presence-cache-x"), members("alice", "presence-cache-x")}},
		{name: "encrypted cache channel", steps: []step{publish("private-encrypted-cache-x", "e", `"secret"`), connect("alice"), subscribe("alice", "private-encrypted-cache-x")}},
		{name: "all characters of names", steps: []step{connect("alice"), subscribe("alice", "azAZ09_=@,.;-", "private-azAZ09_=@,.;-"), publish("azAZ09_=@,.;-", "e", "1"), publish("private-azAZ09_=@,.;-", "e", "1")}},
		{name: "many channels at once", steps: []step{connect("alice"), subscribe("alice", "a", "private-b", "presence-c", "private-encrypted-d", "cache-e", "f", "private-g", "presence-h"), publish("private-g", "e", "1"), publish("presence-h", "e", "2")}},
		{name: "subscribed before the connection is open", steps: []step{together(create("alice"), subscribe("alice", "news", "private-x")), awaitLog("alice", "", "connected", 1), publish("news", "e", "1")}},
		{name: "subscribed twice", steps: []step{connect("alice"), subscribe("alice", "news", "news"), subscribe("alice", "news"), publish("news", "e", "1")}},
		{name: "unsubscribed", steps: []step{connect("alice"), subscribe("alice", "news"), unsubscribe("alice", "news"), publish("news", "e", "1")}},
		{name: "never subscribed", steps: []step{connect("alice"), unsubscribe("alice", "news"), publish("news", "e", "1")}},
		{name: "subscribed again", steps: []step{connect("alice"), subscribe("alice", "private-x"), unsubscribe("alice", "private-x"), subscribe("alice", "private-x"), publish("private-x", "e", "1")}},
		{name: "unsubscribed while subscribing", steps: []step{connect("alice"), together(subscribe("alice", "private-slow"), unsubscribe("alice", "private-slow")), publish("private-slow", "e", "1")}},
		{name: "subscribed again while subscribing", steps: []step{connect("alice"), together(subscribe("alice", "private-slow"), unsubscribe("alice", "private-slow"), subscribe("alice", "private-slow")), publish("private-slow", "e", "1")}},
		{name: "two clients on a channel", steps: []step{connect("alice", "bob"), subscribe("alice", "news"), subscribe("bob", "news"), publish("news", "e", "1"), unsubscribe("alice", "news"), publish("news", "e", "2")}},
		{name: "number of subscriptions", steps: []step{connect("alice", "bob", "carol"), subscribe("alice", "news"), subscribe("bob", "news"), subscribe("carol", "news"), unsubscribe("bob", "news"), disconnect("carol")}},
		{name: "unsubscribed while disconnected", steps: []step{connect("alice"), subscribe("alice", "news", "private-x"), refuse("alice", 4100, "Over capacity"), closeOnly(4200, "", "alice"), unsubscribe("alice", "private-x"), awaitLog("alice", "", "connected", 2), publish("news", "e", "1"), publish("private-x", "e", "1")}},
	}
}

func authorizing() []scenario {
	var list []scenario
	for _, tt := range []struct{ name, channel string }{
		{"forbidden", "private-forbidden"},
		{"endpoint fails", "private-failing"},
		{"response is not JSON", "private-invalid"},
		{"response without key", "private-encrypted-no-key"},
		{"wrong signature", "private-wrong-signature"},
		{"wrong app key", "private-wrong-key"},
		{"wrong format", "private-wrong-format"},
		{"slow endpoint", "private-slow"},
		{"data of a private channel", "private-with-data"},
	} {
		list = append(list, scenario{name: tt.name, steps: []step{
			connect("alice"), subscribe("alice", tt.channel, "news"), publish(strings.Replace(tt.channel, "encrypted-", "", 1), "e", "1"), publish("news", "e", "1"),
		}})
	}
	return append(list,
		scenario{name: "forbidden after a reconnection", steps: []step{
			connect("alice"), subscribe("alice", "private-x", "news"), forbid(true), closeWith(4200, "", "alice"), publish("private-x", "e", "1"), publish("news", "e", "1"),
		}},
	)
}

func presence() []scenario {
	return []scenario{
		{name: "members join and leave", steps: []step{connect("alice", "bob", "carol"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), subscribe("carol", "presence-x"), members("alice", "presence-x"), members("carol", "presence-x"), unsubscribe("bob", "presence-x"), members("alice", "presence-x")}},
		{name: "member with two connections", steps: []step{connect("alice", "bob", "bob2"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), subscribe("bob2", "presence-x"), members("bob2", "presence-x"), unsubscribe("bob", "presence-x"), members("alice", "presence-x"), unsubscribe("bob2", "presence-x"), members("alice", "presence-x")}},
		{name: "member disconnects", steps: []step{connect("alice", "bob"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), disconnect("bob"), members("alice", "presence-x")}},
		{name: "member loses the connection", steps: []step{connect("alice", "bob"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), cut("bob"), members("alice", "presence-x"), members("bob", "presence-x")}},
		{name: "members after a reconnection", steps: []step{connect("alice", "bob", "carol"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), refuse("alice", 4100, ""), closeOnly(4200, "", "alice"), subscribe("carol", "presence-x"), unsubscribe("bob", "presence-x"), awaitLog("alice", "", "connected", 2), members("alice", "presence-x"), members("carol", "presence-x")}},
		{name: "signed-in member", steps: []step{connect("alice", "bob"), signIn("alice"), subscribe("alice", "presence-signed-in"), signIn("bob"), subscribe("bob", "presence-signed-in"), members("alice", "presence-signed-in")}, skip: "soketi"}, // which requires channel_data
		{name: "signed-in member without sign-in", steps: []step{connect("alice"), subscribe("alice", "presence-signed-in", "news"), publish("news", "e", "1")}},
		{name: "client event of a member", steps: []step{connect("alice", "bob"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), send("alice", "presence-x", "client-a", map[string]any{"x": 1}), send("bob", "presence-x", "client-b", "text")}},
	}
}

func events() []scenario {
	var data []step
	for n, text := range []string{`{"a":[1,2,{"b":null}]}`, "plain text", `"text in JSON"`, "1.5", "true", " ", "{invalid", `{"html":"<b>&amp;</b>"}`, "Zoë 日本語 🎉", "line\nfeed\u2028", strings.Repeat("x", 10_000)} {
		data = append(data, publish("news", fmt.Sprint("event-", n), text))
	}
	var names []step
	for _, name := range []string{"e", "App\\Events\\OrderShipped", "with space", "Zoë", "Pusher:x", "pusherx", "toString", "__proto__", "client-a"} {
		names = append(names, publish("news", name, `{"a":1}`))
	}
	var many []step
	for n := range 60 {
		many = append(many, publish(fmt.Sprint("private-", n%3), "e", fmt.Sprint(n)))
	}
	var clientData []step
	for _, value := range []any{map[string]any{"a": []int{1}}, "text", `{"in":"string"}`, 1.5, true, []any{nil}, "<b>Zoë"} {
		clientData = append(clientData, send("alice", "private-x", "client-a", value))
	}
	var fast []step
	var late []string
	for n := range 12 {
		fast = append(fast, send("alice", "private-x", "client-a", n))
		if n >= 10 {
			late = append(late, fmt.Sprint("bob private-x client-a ", n))
		}
	}
	return []scenario{
		{name: "data of events", steps: slices.Concat([]step{connect("alice"), subscribe("alice", "news")}, data)},
		{name: "names of events", steps: slices.Concat([]step{connect("alice"), subscribe("alice", "news")}, names)},
		{name: "order of many events", steps: []step{connect("alice"), subscribe("alice", "private-0", "private-1", "private-2"), together(many...)}},
		{name: "client event", steps: []step{connect("alice", "bob"), subscribe("alice", "private-x"), subscribe("bob", "private-x"), send("alice", "private-x", "client-a", map[string]any{"x": 1}), send("bob", "private-x", "client-b", []int{1, 2})}},
		{name: "data of client events", steps: slices.Concat([]step{connect("alice", "bob"), subscribe("alice", "private-x"), subscribe("bob", "private-x")}, clientData)},
		{name: "client event after a reconnection", steps: []step{connect("alice", "bob"), subscribe("alice", "private-x"), subscribe("bob", "private-x"), closeWith(4200, "", "alice", "bob"), send("alice", "private-x", "client-a", 1)}},
		{
			name:  "too many client events",
			steps: []step{connect("alice", "bob"), subscribe("alice", "private-x"), subscribe("bob", "private-x"), together(fast...), wait(time.Second)},
			onlyJS: []string{
				"alice  error 4301 Client event rejected - at most 10 a second are allowed on a connection",
				"alice  error 4301 Client event rejected - at most 10 a second are allowed on a connection",
			},
			onlyGo: late,
			reason: "package realtime keeps the limit",
			skip:   "soketi", // it has no limit
		},
	}
}

func users() []scenario {
	return []scenario{
		{name: "sign-in", steps: []step{connect("alice"), signIn("alice"), sendToUser("alice", "greeting", `{"a":1}`)}},
		{name: "sign-in before the connection is open", steps: []step{create("alice"), awaitLog("alice", "", "connected", 1), signIn("alice"), sendToUser("alice", "greeting", "1")}},
		{name: "sign-in of two connections", steps: []step{connect("alice", "alice2"), signIn("alice"), signIn("alice2"), sendToUser("alice", "greeting", "1")}},
		{name: "watchlist", steps: []step{connect("alice", "bob"), signIn("alice"), signIn("bob"), disconnect("bob")}},
		{name: "sign-in with a wrong signature", steps: []step{connect("alice"), signUsersWrong(true), signIn("alice"), sendToUser("alice", "greeting", "1")}},
		{name: "sign-in forbidden", steps: []step{connect("alice"), forbid(true), signIn("alice"), sendToUser("alice", "greeting", "1")}},
		{name: "sign-in after a reconnection", steps: []step{connect("alice"), signIn("alice"), closeWith(4200, "", "alice"), sendToUser("alice", "greeting", "1")}},
		{name: "sign-in and channels after a reconnection", steps: []step{connect("alice", "bob"), signIn("alice"), subscribe("alice", "news", "presence-x"), subscribe("bob", "presence-x"), closeWith(4200, "", "alice"), sendToUser("alice", "greeting", "1"), publish("news", "e", "1"), members("bob", "presence-x")}},
		{name: "user terminated", steps: []step{connect("alice", "bob"), signIn("alice"), subscribe("alice", "news"), subscribe("bob", "news"), terminate("alice"), awaitLog("alice", "", "disconnected", 1), publish("news", "e", "1")}},
	}
}

func encryptedChannels() []scenario {
	return []scenario{
		{name: "master key replaced", steps: []step{connect("alice"), subscribe("alice", "private-encrypted-x"), publish("private-encrypted-x", "old", "1"), replaceKey(1), publish("private-encrypted-x", "new", "2"), publish("private-encrypted-x", "new", "3")}},
		{name: "master key replaced during a reconnection", steps: []step{connect("alice"), subscribe("alice", "private-encrypted-x"), replaceKey(1), closeWith(4200, "", "alice"), publish("private-encrypted-x", "new", "2")}},
		{
			name: "endpoint without the new key",
			steps: []step{connect("alice"), subscribe("alice", "private-encrypted-x"), replaceKey(1), forbid(true), publish("private-encrypted-x", "lost", "1"), forbid(false),
				publish("private-encrypted-x", "new", "2")},
			onlyGo: []string{"alice private-encrypted-x dropped 1"},
			reason: "events that cannot be decrypted are counted",
		},
		{
			name: "text that is not encrypted",
			steps: []step{connect("alice"), subscribe("alice", "private-encrypted-x"), inject("alice", `{"event":"plain","channel":"CHANNEL:private-encrypted-x","data":"{\"a\":1}"}`),
				publish("private-encrypted-x", "new", "2")},
			onlyGo: []string{"alice private-encrypted-x dropped 1"},
			reason: "events that cannot be decrypted are counted",
		},
	}
}

func connections() []scenario {
	list := []scenario{
		{name: "unknown key", steps: []step{create("unknown"), awaitLog("unknown", "", "disconnected", 1)}},
		{name: "connection lost", steps: []step{connect("alice"), subscribe("alice", "news"), cut("alice"), publish("news", "e", "1")}},
		{name: "connection lost twice", steps: []step{connect("alice"), subscribe("alice", "private-x"), cut("alice"), publish("private-x", "e", "1"), cut("alice"), publish("private-x", "e", "2")}},
		{name: "all kinds of channels after a reconnection", steps: []step{connect("alice"), subscribe("alice", "news", "private-x", "presence-x", "private-encrypted-x", "cache-x"), closeWith(4200, "", "alice"),
			publish("news", "e", "1"), publish("private-x", "e", "2"), publish("presence-x", "e", "3"), publish("private-encrypted-x", "e", "4"), publish("cache-x", "e", "5")}},
		{name: "cached event after a reconnection", steps: []step{connect("alice"), subscribe("alice", "cache-x"), publish("cache-x", "e", "1"), closeWith(4200, "", "alice")}},
		{name: "server restarted", steps: []step{connect("alice", "bob"), subscribe("alice", "news"), subscribe("bob", "news"), restart("alice", "bob"), publish("news", "e", "1")}},
		{
			name:   "closed while subscribing",
			steps:  []step{connect("alice"), together(subscribe("alice", "private-slow"), closeWith(4200, "", "alice")), publish("private-slow", "e", "1")},
			onlyJS: []string{"alice  error 0 Invalid signature: Expected HMAC SHA256 hex digest of SOCKET:private-slow, but got [REDACTED]"},
			reason: "pusher-js sends an authorization for the previous connection",
			skip:   "soketi", // whose text differs
		},
		{name: "first connection over capacity", steps: []step{refuse("alice", 4100, "Over capacity"), connect("alice"), subscribe("alice", "news"), publish("news", "e", "1")}},
		{name: "first connection told to reconnect", steps: []step{refuse("alice", 4200, "Reconnect"), connect("alice"), subscribe("alice", "news"), publish("news", "e", "1")}},
		{name: "first connection over quota", steps: []step{refuse("alice", 4004, "Account over quota"), create("alice"), awaitLog("alice", "", "disconnected", 1)}},
		{name: "ping of the client", steps: []step{activity(200 * time.Millisecond), connect("alice"), subscribe("alice", "news"), wait(500 * time.Millisecond), publish("news", "e", "1")}},
		{name: "disconnected", steps: []step{connect("alice", "bob"), subscribe("alice", "presence-x"), subscribe("bob", "presence-x"), disconnect("alice"), publish("presence-x", "e", "1")}},
		{
			name:   "close code 4000",
			steps:  []step{connect("alice"), subscribe("alice", "news"), closeOnly(4000, "Use TLS", "alice")},
			onlyGo: []string{"alice  disconnected"},
			reason: "pusher-js connects with TLS, package realtime leaves that to the URL",
		},
	}
	// Source: Pusher Channels docs, "Error codes"; others are reserved for the same
	// reaction.
	for _, code := range []int{4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4099, 4300, 4999} {
		list = append(list, scenario{name: fmt.Sprint("close code ", code), steps: []step{connect("alice"), subscribe("alice", "news"), closeForGood(code, "reason", "alice"), publish("news", "e", "1")}})
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1009, 1011, 3000, 4100, 4199, 4200, 4201, 4202, 4299} {
		list = append(list, scenario{name: fmt.Sprint("close code ", code), steps: []step{connect("alice"), subscribe("alice", "news"), closeWith(code, "reason", "alice"), publish("news", "e", "1")}})
	}
	return list
}

func messages() []scenario {
	injected := func(name string, messages ...string) scenario {
		return scenario{name: name, steps: []step{
			connect("alice"), subscribe("alice", "news", "presence-x"), inject("alice", messages...), publish("news", "e", "1"), members("alice", "presence-x"),
		}}
	}
	twice := injected("confirmed twice", `{"event":"pusher_internal:subscription_succeeded","channel":"CHANNEL:news","data":"{}"}`)
	twice.onlyJS, twice.reason = []string{"alice news subscribed"}, "a subscription is confirmed once"
	return []scenario{
		twice,
		injected("ping of the server", `{"event":"pusher:ping","data":{}}`, `{"event":"pusher:ping"}`, `{"event":"pusher:ping","data":"{}"}`),
		injected("pong without ping", `{"event":"pusher:pong","data":"{}"}`),
		injected("not JSON", "not JSON", `{"event":`, "", "null"),
		injected("errors", `{"event":"pusher:error","data":{"message":"Something","code":null}}`, `{"event":"pusher:error","data":{"message":"Slow down","code":4301}}`,
			`{"event":"pusher:error","data":{"message":"First 100 users only","code":4302}}`, `{"event":"pusher:error","data":"{\"message\":\"As text\",\"code\":4302}"}`),
		injected("unknown messages of the protocol", `{"event":"pusher_internal:new","channel":"CHANNEL:news","data":"{}"}`, `{"event":"pusher:new","channel":"CHANNEL:news","data":"{\"a\":1}"}`, `{"event":"pusher_internal:new","data":"{}"}`, `{"event":"pusher:new"}`),
		injected("other channels", `{"event":"e","channel":"CHANNEL:other","data":"1"}`, `{"event":"e","data":"1"}`, `{"event":"e","channel":"","data":"1"}`, `{"event":"pusher_internal:member_added","channel":"CHANNEL:other","data":"{}"}`),
		injected("data as JSON", `{"event":"e","channel":"CHANNEL:news","data":{"a":[1]}}`, `{"event":"e","channel":"CHANNEL:news","data":[1]}`, `{"event":"e","channel":"CHANNEL:news","data":7}`, `{"event":"e","channel":"CHANNEL:news","data":null}`, `{"event":"e","channel":"CHANNEL:news"}`, `{"event":"e","channel":"CHANNEL:news","data":""}`),
		injected("further properties", `{"event":"e","channel":"CHANNEL:news","data":"1","time_ms":1,"tags":{"a":1}}`),
		injected("members", `{"event":"pusher_internal:member_added","channel":"CHANNEL:presence-x","data":{"user_id":7,"user_info":{"n":1}}}`,
			`{"event":"pusher_internal:member_added","channel":"CHANNEL:presence-x","data":"{\"user_id\":\"7\",\"user_info\":{\"n\":2}}"}`,
			`{"event":"pusher_internal:member_added","channel":"CHANNEL:presence-x","data":"{\"user_id\":\"8\"}"}`,
			`{"event":"pusher_internal:member_removed","channel":"CHANNEL:presence-x","data":"{\"user_id\":\"9\"}"}`,
			`{"event":"pusher_internal:member_removed","channel":"CHANNEL:presence-x","data":"{\"user_id\":\"7\"}"}`),
		injected("subscription count", `{"event":"pusher_internal:subscription_count","channel":"CHANNEL:news","data":"{\"subscription_count\":13}"}`, `{"event":"pusher_internal:subscription_count","channel":"CHANNEL:presence-x","data":{"subscription_count":0}}`),
		injected("cache miss with data", `{"event":"pusher:cache_miss","channel":"CHANNEL:news","data":"{}"}`),
		{name: "watchlist of several users", steps: []step{connect("alice"), signIn("alice"), inject("alice",
			`{"event":"pusher_internal:watchlist_events","data":{"events":[{"name":"online","user_ids":["a","b"]},{"name":"offline","user_ids":["c"]}]}}`,
			`{"event":"pusher_internal:watchlist_events","data":"{\"events\":[]}"}`)}},
		{name: "events for a user", steps: []step{connect("alice"), signIn("alice"), sendToUser("alice", "e", `{"a":1}`), inject("alice", `{"event":"e","channel":"#server-to-user-CHANNEL:alice","data":"{\"a\":2}"}`)}},
	}
}

// closeOnly closes the connection of a client without waiting.
func closeOnly(code int, reason, name string) step {
	return func(r *run) { r.env.proxy.closeClient(r.name(name), code, reason) }
}

// protocolMessages are the messages, close codes and error codes of version 7 of the
// protocol.
//
// Source: Pusher Channels docs, "Pusher Channels Protocol"; pusher-js 8.6.0 for those
// that start with pusher_internal.
var protocolMessages = []string{
	"client: pusher:subscribe", "client: pusher:unsubscribe", "client: pusher:signin", "client: client event", "client: pusher:ping", "client: pusher:pong",
	"server: pusher:connection_established", "server: pusher:error", "server: pusher:ping", "server: pusher:pong",
	"server: pusher_internal:subscription_succeeded", "server: pusher_internal:subscription_succeeded (presence)",
	"server: pusher_internal:member_added", "server: pusher_internal:member_removed", "server: pusher_internal:subscription_count",
	"server: event", "server: client event", "server: pusher:cache_miss", "server: pusher:signin_success", "server: pusher_internal:watchlist_events",
	"close 4000", "close 4001", "close 4003", "close 4004", "close 4005", "close 4006", "close 4007", "close 4008", "close 4009",
	"close 4100", "close 4200", "close 4201", "close 4202", "error 4301", "error 4302",
}
