package pushertest_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestServer_SetChannel_AddsToSubscribers(t *testing.T) {
	s := newListeningServer(t, pushertest.WithSubscriptionCounting(true))
	join(t, s, "presence-x", pushertest.AsMember("ada", nil))
	join(t, s, "presence-x", pushertest.AsMember("grace", nil))
	setChannel(t, s, "presence-x", pushertest.ChannelState{Subscriptions: 3, Users: []string{"mary", "ada"}})
	const counts = channels + "/presence-x?info=user_count,subscription_count"
	checkGet(t, s, counts, `{"occupied":true,"subscription_count":5,"user_count":3}`)
	c := connect(t, s)
	c.send(subscribePresence("presence-x", `{"user_id":"joan"}`))
	c.expect(`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":` + quote(
		`{"presence":{"ids":["mary","ada","grace","joan"],"hash":{"ada":null,"grace":null,"joan":null,"mary":null},"count":4}}`) + `}`)
	setChannel(t, s, "presence-x", pushertest.ChannelState{})
	checkGet(t, s, counts, `{"occupied":true,"subscription_count":3,"user_count":3}`)
	c.expectNothing()
}

func TestServer_Channels(t *testing.T) {
	clock := newClock(time.Now())
	s := newListeningServer(t, pushertest.WithClock(clock.Now))
	join(t, s, "presence-lobby", pushertest.AsMember("ada", nil))
	join(t, s, "#server-to-user-bob", pushertest.AsUser("bob"))
	setChannel(t, s, "presence-lobby", pushertest.ChannelState{Users: []string{"eve"}})
	trigger(t, s, `{"name":"price","channel":"cache-prices","data":"{}"}`)
	clock.add(time.Minute)
	want := map[string]pushertest.ChannelState{
		"presence-lobby": {Subscriptions: 2, Users: []string{"eve", "ada"}},
		"cache-prices":   {Cache: &pushertest.CachedEvent{Name: "price", Data: "{}", TTL: 29 * time.Minute}},
	}
	if got := s.Channels(); !reflect.DeepEqual(got, want) {
		t.Errorf("Channels() = %+v, want %+v", got, want)
	}
	clock.add(29 * time.Minute)
	delete(want, "cache-prices")
	if got := s.Channels(); !reflect.DeepEqual(got, want) {
		t.Errorf("Channels() = %+v after the cached event has expired, want %+v", got, want)
	}
}

func TestServer_SetChannel_Replaces(t *testing.T) {
	s := newServer(t)
	setChannel(t, s, "presence-cache-c", pushertest.ChannelState{Users: []string{"1", "2"}, Cache: &pushertest.CachedEvent{Data: "d"}})
	for _, test := range []struct {
		to   pushertest.ChannelState
		want string
	}{
		{pushertest.ChannelState{Subscriptions: 1, Users: []string{"a", "b"}}, `{"occupied":true,"subscription_count":2,"user_count":2,"cache":null}`},
		{pushertest.ChannelState{Subscriptions: 5}, `{"occupied":true,"subscription_count":5,"user_count":0,"cache":null}`},
		{pushertest.ChannelState{}, `{"occupied":false,"subscription_count":0,"user_count":0,"cache":null}`},
	} {
		setChannel(t, s, "presence-cache-c", test.to)
		_, text := call(t, s, http.MethodGet, channels+"/presence-cache-c?info=user_count,subscription_count,cache", "")
		if text != test.want+"\n" {
			t.Errorf("GET after SetChannel(%+v) = %q, want %q", test.to, text, test.want+"\n")
		}
	}
}

func TestServer_SetChannel_Invalid(t *testing.T) {
	tests := []struct {
		name, channel string
		to            pushertest.ChannelState
		want          string
	}{
		{"space in the name", "a b", pushertest.ChannelState{Subscriptions: 1}, "a character outside"},
		{"negative number", "c", pushertest.ChannelState{Subscriptions: -1}, "subscriptions is negative: -1"},
		{"users on a private channel", "private-c", pushertest.ChannelState{Users: []string{"1"}}, "not a presence channel"},
		{"empty user ID", "presence-c", pushertest.ChannelState{Users: []string{""}}, "user ID is empty"},
		{"cached event on another channel", "c", pushertest.ChannelState{Cache: &pushertest.CachedEvent{}}, "not a cache channel"},
		{"negative TTL", "cache-c", pushertest.ChannelState{Cache: &pushertest.CachedEvent{TTL: -1}}, "TTL of the cached event is negative"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			err := s.SetChannel(test.channel, test.to)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("SetChannel(%q, %+v) = %v, want an error with %q", test.channel, test.to, err, test.want)
			}
			if _, text := call(t, s, http.MethodGet, channels, ""); text != "{\"channels\":{}}\n" {
				t.Errorf("GET %s after a rejected SetChannel = %q, want no channels", channels, text)
			}
		})
	}
}

func TestServer_Terminated(t *testing.T) {
	s := newServer(t)
	want := []string{"2", "1", "2"}
	for _, id := range want {
		call(t, s, http.MethodPost, "/apps/3/users/"+id+"/terminate_connections", "{}")
	}
	if got := s.Terminated(); !slices.Equal(got, want) {
		t.Errorf("Terminated() = %q, want %q", got, want)
	}
}
