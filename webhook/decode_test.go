package webhook_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// docsTime is the time_ms of the documentation's examples, 1327078148132.
var docsTime = time.Date(2012, time.January, 20, 16, 49, 8, 132_000_000, time.UTC)

func TestEventsAreTyped(t *testing.T) {
	tests := []struct {
		name  string
		event string
		want  webhook.Event
	}{
		// Pusher Channels docs, Webhooks, "Events".
		{"channel_occupied", `{"name":"channel_occupied","channel":"my-channel"}`,
			webhook.ChannelOccupied{Channel: "my-channel"}},
		{"channel_vacated", `{"name":"channel_vacated","channel":"my-channel"}`,
			webhook.ChannelVacated{Channel: "my-channel"}},
		{"cache_miss", `{"name":"cache_miss","channel":"cache-my-channel"}`,
			webhook.CacheMiss{Channel: "cache-my-channel"}},
		{"member_added", `{"name":"member_added","channel":"presence-your_channel_name","user_id":"a_user_id"}`,
			webhook.MemberAdded{Channel: "presence-your_channel_name", UserID: "a_user_id"}},
		{"member_removed", `{"name":"member_removed","channel":"presence-your_channel_name","user_id":"a_user_id"}`,
			webhook.MemberRemoved{Channel: "presence-your_channel_name", UserID: "a_user_id"}},
		{"subscription_count", `{"name":"subscription_count","channel":"my-channel","subscription_count":13}`,
			webhook.SubscriptionCount{Channel: "my-channel", Count: 13}},
		// Pusher's blog, "Receiving client events via webhooks": a real one.
		{"client_event", `{"name":"client_event","channel":"private-test_channel","event":"client-my_event","data":"{\"data\":1234}","socket_id":"34718.5367461"}`,
			webhook.ClientEvent{Channel: "private-test_channel", Event: "client-my_event", Data: `{"data":1234}`, SocketID: "34718.5367461"}},
		// pusher-http-go, webhook_test.go.
		{"client_event of the official Go library's test", `{"name":"client_event","channel":"private-channel","event":"client-yolo","data":"{\"yolo\":\"woot\"}","socket_id":"44610.7511910"}`,
			webhook.ClientEvent{Channel: "private-channel", Event: "client-yolo", Data: `{"yolo":"woot"}`, SocketID: "44610.7511910"}},

		{"client_event of a member", `{"name":"client_event","channel":"presence-room","event":"client-x","data":"hi","socket_id":"1.2","user_id":"ann"}`,
			webhook.ClientEvent{Channel: "presence-room", Event: "client-x", Data: "hi", SocketID: "1.2", UserID: "ann"}},
		{"client_event without data", `{"name":"client_event","channel":"private-room","event":"client-x","socket_id":"1.2"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", SocketID: "1.2"}},
		{"client_event with null data", `{"name":"client_event","channel":"private-room","event":"client-x","data":null,"socket_id":"1.2"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", SocketID: "1.2"}},
		{"client_event with escapes beyond ASCII", `{"name":"client_event","channel":"private-room","event":"client-x","data":"\u00e9\ud83d\ude00 é😀 \n"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: "é😀 é😀 \n"}},
		{"client_event with bytes that are no UTF-8", "{\"name\":\"client_event\",\"channel\":\"private-room\",\"event\":\"client-x\",\"data\":\"a\xffb\"}",
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: "a\uFFFDb"}},
		{"subscription_count of nobody", `{"name":"subscription_count","channel":"my-channel","subscription_count":0}`,
			webhook.SubscriptionCount{Channel: "my-channel", Count: 0}},
		{"a member that is not known", `{"name":"channel_occupied","channel":"my-channel","since":{"a":[1]}}`,
			webhook.ChannelOccupied{Channel: "my-channel"}},
		{"a member that belongs to another event and has another shape", `{"name":"member_added","channel":"presence-a","user_id":"u","subscription_count":null}`,
			webhook.MemberAdded{Channel: "presence-a", UserID: "u"}},

		// Shapes of Pusher-compatible servers.
		{"soketi: an object as data is its JSON text", `{"name":"client_event","channel":"private-room","event":"client-x","data":{"a": [1, 2.50]},"socket_id":"1.2"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: `{"a": [1, 2.50]}`, SocketID: "1.2"}},
		{"a number as data is its JSON text", `{"name":"client_event","channel":"private-room","event":"client-x","data":12}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: "12"}},
		{"soketi: a number as user_id", `{"name":"member_added","channel":"presence-room","user_id":12345678901234567890}`,
			webhook.MemberAdded{Channel: "presence-room", UserID: "12345678901234567890"}},
		{"a count in quotes", `{"name":"subscription_count","channel":"my-channel","subscription_count":"13"}`,
			webhook.SubscriptionCount{Channel: "my-channel", Count: 13}},

		{"an unknown name", `{"name":"watchlist_online","user_ids":["a"]}`,
			webhook.Unknown{Name: "watchlist_online", Raw: json.RawMessage(`{"name":"watchlist_online","user_ids":["a"]}`)}},
		{"an unknown name with known members of other shapes", `{"user_id":["a"],"subscription_count":1.5,"channel":{},"data":1,"name":"new"}`,
			webhook.Unknown{Name: "new", Raw: json.RawMessage(`{"user_id":["a"],"subscription_count":1.5,"channel":{},"data":1,"name":"new"}`)}},
		{"a name in another case is another name", `{"name":"Channel_Occupied","channel":"my-channel"}`,
			webhook.Unknown{Name: "Channel_Occupied", Raw: json.RawMessage(`{"name":"Channel_Occupied","channel":"my-channel"}`)}},
	}
	verifier := newVerifier(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := `{"time_ms":1327078148132,"events":[` + test.event + `]}`
			want := &webhook.Webhook{Time: docsTime, Events: []webhook.Event{test.want}}
			got, err := verifier.ParseBytes(signed(body), []byte(body))
			if err != nil {
				t.Fatalf("ParseBytes(%s): %v", body, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("ParseBytes(%s) = %#v, want %#v", body, got, want)
			}
		})
	}
}

func TestABatchKeepsItsOrder(t *testing.T) {
	const body = `{"time_ms":1327078148132,"events":[
		{"name":"member_removed","channel":"presence-a","user_id":"u"},
		{"name":"new","x":1},
		{"name":"client_event","channel":"private-a","event":"client-x","data":"d"},
		{"name":"member_removed","channel":"presence-a","user_id":2}]}`
	want := []webhook.Event{
		webhook.MemberRemoved{Channel: "presence-a", UserID: "u"},
		webhook.Unknown{Name: "new", Raw: json.RawMessage(`{"name":"new","x":1}`)},
		webhook.ClientEvent{Channel: "private-a", Event: "client-x", Data: "d"},
		webhook.MemberRemoved{Channel: "presence-a", UserID: "2"},
	}
	got, err := newVerifier(t).ParseBytes(signed(body), []byte(body))
	if err != nil {
		t.Fatalf("ParseBytes(%s): %v", body, err)
	}
	if !reflect.DeepEqual(got.Events, want) {
		t.Errorf("ParseBytes(%s).Events = %#v, want %#v", body, got.Events, want)
	}
}

func TestWhatIsParsedDoesNotShareTheBody(t *testing.T) {
	body := []byte(`{"time_ms":1327078148132,"events":[{"name":"new","data":"d"}]}`)
	hook, err := newVerifier(t).ParseBytes(signed(string(body)), body)
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	want := webhook.Unknown{Name: "new", Raw: json.RawMessage(`{"name":"new","data":"d"}`)}
	if !reflect.DeepEqual(hook.Events[0], want) {
		t.Errorf("after the body was overwritten the event is %#v, want %#v", hook.Events[0], want)
	}
}

func TestTime(t *testing.T) {
	whole := time.Date(2012, time.January, 20, 16, 49, 8, 0, time.UTC)
	tests := []struct {
		name   string
		timeMS string
		want   time.Time
	}{
		{"milliseconds", `1327078148132`, docsTime},
		{"slanger: a string", `"1327078148132"`, docsTime},
		{"ipe and pusher-fake: seconds", `1327078148`, whole},
		{"seconds in a string", `"1327078148"`, whole},
		{"the last that is taken for seconds", `99999999999`, time.Date(5138, time.November, 16, 9, 46, 39, 0, time.UTC)},
		{"the first that is taken for milliseconds", `100000000000`, time.Date(1973, time.March, 3, 9, 46, 40, 0, time.UTC)},
		{"the last millisecond of the year 9999", `253402300799999`, time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC)},
	}
	verifier := newVerifier(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := `{"time_ms":` + test.timeMS + `,"events":[]}`
			hook, err := verifier.ParseBytes(signed(body), []byte(body))
			if err != nil {
				t.Fatalf("ParseBytes(%s): %v", body, err)
			}
			if hook.Time != test.want {
				t.Errorf("ParseBytes(%s).Time = %v, want %v", body, hook.Time, test.want)
			}
			if hook.Events == nil || len(hook.Events) != 0 {
				t.Errorf("ParseBytes(%s).Events = %#v, want an empty list", body, hook.Events)
			}
		})
	}
}

func TestASignedBodyThatIsNoWebhookIsMalformed(t *testing.T) {
	timed := func(timeMS string) string { return `{"time_ms":` + timeMS + `,"events":[]}` }
	event := func(event string) string { return `{"time_ms":1327078148132,"events":[` + event + `]}` }
	tests := []struct {
		name string
		body string
		want string // part of the error's text
	}{
		{"text", `hello`, "invalid character"},
		{"cut short", docsBody[:len(docsBody)-2], "unexpected end"},
		{"more than one value", docsBody + docsBody, "after top-level value"},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "invalid character"},
		{"null", `null`, "events is missing"},
		{"an array", `[` + docsBody + `]`, "unexpected array"},
		{"a string", `"hello"`, "unexpected string"},
		{"nested beyond what a parser should follow", strings.Repeat("[", 20_000), "depth"},

		{"no events", `{"time_ms":1327078148132}`, "events is missing"},
		{"null events", `{"time_ms":1327078148132,"events":null}`, "events is missing"},
		{"an object as events", `{"time_ms":1327078148132,"events":{}}`, "events: unexpected object"},

		{"no time", `{"events":[]}`, "time_ms is missing"},
		{"null as time", timed(`null`), "time_ms is missing"},
		{"time zero", timed(`0`), "time_ms is 0"},
		{"a negative time", timed(`-1327078148132`), "time_ms"},
		{"a time with a fraction", timed(`1327078148132.5`), "time_ms: unexpected value (want a whole number)"},
		{"a time with an exponent", timed(`1.327078148132e12`), "time_ms"},
		{"a time after the year 9999", timed(`253402300800000`), "time_ms"},
		{"a time above 64 bits", timed(`18446744073709551617`), "time_ms"},
		{"a time in words", timed(`"now"`), "time_ms"},
		{"an empty string as time", timed(`""`), "time_ms"},
		{"a time with a plus sign", timed(`"+1327078148132"`), "time_ms"},
		{"an array as time", timed(`[1]`), "time_ms"},
		{"a truth value as time", timed(`true`), "time_ms"},

		{"an event that is a number", event(`5`), "event 0: unexpected number"},
		{"an event that is null", event(`null`), "event 0"},
		{"an event without a name", event(`{"channel":"my-channel"}`), "no name"},
		{"a name that is a number", event(`{"name":5}`), "name"},
		{"the second event, which the error counts from 0", event(`{"name":"channel_occupied","channel":"a"},{}`), "event 1"},
		{"channel_occupied without a channel", event(`{"name":"channel_occupied"}`), "no usable channel"},
		{"a channel that is a number", event(`{"name":"channel_vacated","channel":5}`), "event 0: channel: unexpected number"},
		{"member_added without a user", event(`{"name":"member_added","channel":"presence-a"}`), "no usable user_id"},
		{"member_removed with a null user", event(`{"name":"member_removed","channel":"presence-a","user_id":null}`), "no usable user_id"},
		{"client_event without an event", event(`{"name":"client_event","channel":"private-a"}`), "no usable event"},
		{"subscription_count without a count", event(`{"name":"subscription_count","channel":"a"}`), "no usable subscription_count"},
		{"a negative count", event(`{"name":"subscription_count","channel":"a","subscription_count":-1}`), "subscription_count"},
		{"a count with a fraction", event(`{"name":"subscription_count","channel":"a","subscription_count":1.5}`), "subscription_count"},
		{"a count in words", event(`{"name":"subscription_count","channel":"a","subscription_count":"many"}`), "subscription_count"},
		{"a count above what an int holds", event(`{"name":"subscription_count","channel":"a","subscription_count":` + strconv.FormatUint(math.MaxInt+1, 10) + `}`), "no usable subscription_count"},
	}
	verifier := newVerifier(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := verifier.ParseBytes(signed(test.body), []byte(test.body))
			if !errors.Is(err, webhook.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ParseBytes(%.100q) = %v, want %v with %q", test.body, err, webhook.ErrMalformed, test.want)
			}
		})
	}
}
