package webhook_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// docsTime is the time_ms of the documentation's examples, 1327078148132.
var docsTime = time.Date(2012, time.January, 20, 16, 49, 8, 132_000_000, time.UTC)

func TestEvents(t *testing.T) {
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
		{"client_event of pusher-http-go", `{"name":"client_event","channel":"private-channel","event":"client-yolo","data":"{\"yolo\":\"woot\"}","socket_id":"44610.7511910"}`,
			webhook.ClientEvent{Channel: "private-channel", Event: "client-yolo", Data: `{"yolo":"woot"}`, SocketID: "44610.7511910"}},

		{"client_event on a presence channel", `{"name":"client_event","channel":"presence-room","event":"client-x","data":"hi","socket_id":"1.2","user_id":"ann"}`,
			webhook.ClientEvent{Channel: "presence-room", Event: "client-x", Data: "hi", SocketID: "1.2", UserID: "ann"}},
		{"client_event without data", `{"name":"client_event","channel":"private-room","event":"client-x","socket_id":"1.2"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", SocketID: "1.2"}},
		{"client_event with null data", `{"name":"client_event","channel":"private-room","event":"client-x","data":null,"socket_id":"1.2"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", SocketID: "1.2"}},
		{"client_event with Unicode escapes", `{"name":"client_event","channel":"private-room","event":"client-x","data":"\u00e9\ud83d\ude00 é😀 \n"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: "é😀 é😀 \n"}},
		{"client_event with invalid UTF-8", "{\"name\":\"client_event\",\"channel\":\"private-room\",\"event\":\"client-x\",\"data\":\"a\xffb\"}",
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: "a\uFFFDb"}},
		{"greatest subscription_count", `{"name":"subscription_count","channel":"my-channel","subscription_count":` + strconv.Itoa(math.MaxInt) + `}`,
			webhook.SubscriptionCount{Channel: "my-channel", Count: math.MaxInt}},
		{"subscription_count 0", `{"name":"subscription_count","channel":"my-channel","subscription_count":0}`,
			webhook.SubscriptionCount{Channel: "my-channel", Count: 0}},
		{"unknown property", `{"name":"channel_occupied","channel":"my-channel","since":{"a":[1]}}`,
			webhook.ChannelOccupied{Channel: "my-channel"}},
		{"null property of another event", `{"name":"member_added","channel":"presence-a","user_id":"u","subscription_count":null}`,
			webhook.MemberAdded{Channel: "presence-a", UserID: "u"}},

		// Deviations of compatible servers.
		{"data that is an object (soketi)", `{"name":"client_event","channel":"private-room","event":"client-x","data":{"a": [1, 2.50]},"socket_id":"1.2"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: `{"a": [1, 2.50]}`, SocketID: "1.2"}},
		{"data that is a number", `{"name":"client_event","channel":"private-room","event":"client-x","data":12}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-x", Data: "12"}},
		{"user_id that is a number (soketi)", `{"name":"member_added","channel":"presence-room","user_id":12345678901234567890}`,
			webhook.MemberAdded{Channel: "presence-room", UserID: "12345678901234567890"}},
		{"count that is a string", `{"name":"subscription_count","channel":"my-channel","subscription_count":"13"}`,
			webhook.SubscriptionCount{Channel: "my-channel", Count: 13}},

		// Shape: poseidonphp/pusher2, internal/queues/queueAbstract.go, SendClientEvent.
		{"client event under its own name (pusher2)", `{"name":"client-hi","channel":"private-room","data":"{\"a\":1}","socket_id":"1.2","user_id":"ann"}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-hi", Data: `{"a":1}`, SocketID: "1.2", UserID: "ann"}},
		{"client event under its own name, data that is an object", `{"name":"client-hi","channel":"private-room","data":{"a":1}}`,
			webhook.ClientEvent{Channel: "private-room", Event: "client-hi", Data: `{"a":1}`}},
		{"client event under its own name with the count of another event", `{"name":"client-hi","channel":"private-room","subscription_count":1}`,
			webhook.Unknown{Name: "client-hi", Raw: json.RawMessage(`{"name":"client-hi","channel":"private-room","subscription_count":1}`)}},
		{"client event under its own name without a channel", `{"name":"client-hi","data":"d"}`,
			webhook.Unknown{Name: "client-hi", Raw: json.RawMessage(`{"name":"client-hi","data":"d"}`)}},
		{"unknown name", `{"name":"watchlist_online","user_ids":["a"]}`,
			webhook.Unknown{Name: "watchlist_online", Raw: json.RawMessage(`{"name":"watchlist_online","user_ids":["a"]}`)}},
		{"unknown name with a channel", `{"name":"renamed","channel":"a"}`,
			webhook.Unknown{Name: "renamed", Raw: json.RawMessage(`{"name":"renamed","channel":"a"}`)}},
		{"unknown name with properties of other types", `{"user_id":["a"],"subscription_count":1.5,"channel":{},"data":1,"name":"new"}`,
			webhook.Unknown{Name: "new", Raw: json.RawMessage(`{"user_id":["a"],"subscription_count":1.5,"channel":{},"data":1,"name":"new"}`)}},
		{"known name in other case", `{"name":"Channel_Occupied","channel":"my-channel"}`,
			webhook.Unknown{Name: "Channel_Occupied", Raw: json.RawMessage(`{"name":"Channel_Occupied","channel":"my-channel"}`)}},
	}
	verifier := newVerifier(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"time_ms":1327078148132,"events":[` + tt.event + `]}`
			want := &webhook.Webhook{Time: docsTime, Events: []webhook.Event{tt.want}}
			got, err := verifier.ParseBytes(signed(body), []byte(body))
			if err != nil {
				t.Fatalf("ParseBytes(%s): %v", body, err)
			}
			want.ID = got.ID // see TestWebhook_ID
			if !reflect.DeepEqual(got, want) {
				t.Errorf("ParseBytes(%s) = %#v, want %#v", body, got, want)
			}
			// Names for a log, for every type of event.
			var sent struct{ Name, Channel any }
			if err := json.Unmarshal([]byte(tt.event), &sent); err != nil {
				t.Fatal(err)
			}
			if _, ok := tt.want.(webhook.ClientEvent); ok {
				sent.Name = "client_event"
			}
			if name, ok := sent.Channel.(string); !ok {
				sent.Channel = name
			}
			if name, channel := got.Events[0].EventName(), got.Events[0].ChannelName(); name != sent.Name || channel != sent.Channel {
				t.Errorf("EventName() = %q and ChannelName() = %q, want %q and %q", name, channel, sent.Name, sent.Channel)
			}
		})
	}
}

func TestEvents_Order(t *testing.T) {
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

func TestVerifier_ParseBytes_CopiesBody(t *testing.T) {
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

// The expected IDs were computed with: printf 'KEY\nBODY' | sha256sum
func TestWebhook_ID(t *testing.T) {
	verifier := newVerifier(t, webhook.WithKey("next", "tofu"))
	for _, tt := range []struct{ name, key, secret, body, want string }{
		{"first event of the documentation", docsKey, docsSecret, docsBody, docsID},
		{"another key", "next", "tofu", docsBody, "ec2c775812925a5e20aa375d4bacd60b8a1cbe4f66e33c080362ad77f06805a9"},
		{"another body", docsKey, docsSecret, docsBody + " ", "08d41a9e0b18a69b5b7da6168c44fd072e662fafc73dbc040eefd4b063c332e6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := headerOf(tt.key, hmacOf(tt.secret, tt.body))
			hook, err := verifier.ParseBytes(header, []byte(tt.body))
			if err != nil || hook.ID != tt.want {
				t.Fatalf("ParseBytes(%s) = %+v, %v, want the ID %s", tt.body, hook, err, tt.want)
			}
			r := delivery(tt.body)
			r.Header = header
			if hook, err := verifier.Parse(r); err != nil || hook.ID != tt.want {
				t.Errorf("Parse(%s) = %+v, %v, want the ID %s", tt.body, hook, err, tt.want)
			}
		})
	}
}

func TestWebhook_Time(t *testing.T) {
	whole := time.Date(2012, time.January, 20, 16, 49, 8, 0, time.UTC)
	tests := []struct {
		name   string
		timeMS string
		want   time.Time
	}{
		{"milliseconds", `1327078148132`, docsTime},
		{"string (Slanger)", `"1327078148132"`, docsTime},
		{"seconds (ipe, pusher-fake)", `1327078148`, whole},
		{"seconds in string", `"1327078148"`, whole},
		{"greatest number of seconds", `99999999999`, time.Date(5138, time.November, 16, 9, 46, 39, 0, time.UTC)},
		{"smallest number of milliseconds", `100000000000`, time.Date(1973, time.March, 3, 9, 46, 40, 0, time.UTC)},
		{"last millisecond of the year 9999", `253402300799999`, time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC)},
	}
	verifier := newVerifier(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"time_ms":` + tt.timeMS + `,"events":[]}`
			hook, err := verifier.ParseBytes(signed(body), []byte(body))
			if err != nil {
				t.Fatalf("ParseBytes(%s): %v", body, err)
			}
			if hook.Time != tt.want {
				t.Errorf("ParseBytes(%s).Time = %v, want %v", body, hook.Time, tt.want)
			}
			if hook.Events == nil || len(hook.Events) != 0 {
				t.Errorf("ParseBytes(%s).Events = %#v, want an empty list", body, hook.Events)
			}
		})
	}
}
