package pusher_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// TestResponse_Compat checks how deviating responses are normalized. The
// responses are those of soketi, Reverb, Sockudo, ipe and laravel-websockets.
func TestResponse_Compat(t *testing.T) {
	n := func(i int) *int { return &i }
	type counts = pusher.ChannelCounts
	channels := func(c map[string]counts) any { return &pusher.ChannelList{Channels: c} }
	users := func(ids ...string) any {
		list := &pusher.ChannelUserList{Users: []pusher.ChannelUser{}}
		for _, id := range ids {
			list.Users = append(list.Users, pusher.ChannelUser{ID: id})
		}
		return list
	}
	tests := []struct {
		name, op, body string
		want           any
	}{
		{"channels: no count", "Channels", `{"channels":{"c":{}}}`, channels(map[string]counts{"c": {}})},
		{"channels: count of 0", "Channels", `{"channels":{"c":{"user_count":0}}}`, channels(map[string]counts{"c": {UserCount: n(0)}})},
		{"channels: null count", "Channels", `{"channels":{"c":{"user_count":null}}}`, channels(map[string]counts{"c": {}})},
		{"channels: empty object (Pusher)", "Channels", `{"channels":{}}`, channels(map[string]counts{})},
		{"channels: empty list (PHP)", "Channels", "{\"channels\":[ \n]}", channels(map[string]counts{})},
		{"channels: null", "Channels", `{"channels":null}`, channels(map[string]counts{})},
		{"channels: count that was not requested (soketi)", "Channels", `{"channels":{"c":{"user_count":1,"subscription_count":2,"occupied":true}}}`, channels(map[string]counts{"c": {UserCount: n(1), SubscriptionCount: n(2)}})},

		{"channel: vacant", "ChannelInfo", `{"occupied":false}`, &pusher.ChannelInfo{}},
		{"channel: all attributes", "ChannelInfo", `{"occupied":true,"user_count":0,"subscription_count":42,"cache":{"data":"event data","ttl":60}}`,
			&pusher.ChannelInfo{Occupied: true, UserCount: n(0), SubscriptionCount: n(42), Cache: &pusher.CachedEvent{Data: "event data", TTL: n(60)}}},
		{"channel: null cache", "ChannelInfo", `{"occupied":true,"cache":null}`, &pusher.ChannelInfo{Occupied: true}},
		{"channel: cache without ttl (Reverb)", "ChannelInfo", `{"occupied":true,"cache":{"event":"e","channel":"c","data":"d"}}`,
			&pusher.ChannelInfo{Occupied: true, Cache: &pusher.CachedEvent{Data: "d"}}},
		{"channel: cached data is an object", "ChannelInfo", `{"occupied":true,"cache":{"data":{"a":[1]},"ttl":0}}`,
			&pusher.ChannelInfo{Occupied: true, Cache: &pusher.CachedEvent{Data: `{"a":[1]}`, TTL: n(0)}}},

		{"users: list (Pusher)", "ChannelUsers", `{"users":[{"id":"1"},{"id":"2"}]}`, users("1", "2")},
		{"users: empty list", "ChannelUsers", `{"users":[]}`, users()},
		{"users: null (ipe)", "ChannelUsers", `{"users":null}`, users()},
		{"users: object with numbers as keys (Reverb)", "ChannelUsers", `{"users":{"0":{"id":"a"},"2":{"id":"b"}}}`, users("a", "b")},
		{"users: empty object", "ChannelUsers", `{"users":{}}`, users()},
		{"users: numeric IDs (soketi)", "ChannelUsers", `{"users":[{"id":10},{"id":"11"},{"id":9007199254740993}]}`, users("10", "11", "9007199254740993")},

		{"trigger: counts", "Trigger", `{"channels":{"presence-c":{"user_count":0}}}`, &pusher.TriggerResult{Channels: map[string]counts{"presence-c": {UserCount: n(0)}}}},
		{"trigger: event IDs of a dedicated cluster", "Trigger", `{"event_ids":{"ch1":"ch1_event_id"}}`, &pusher.TriggerResult{EventIDs: map[string]string{"ch1": "ch1_event_id"}}},
		{"batch: example of the documentation", "TriggerBatch", `{"batch":[{"user_count":42,"subscription_count":51},{},{"subscription_count":13}]}`,
			&pusher.BatchResult{Batch: []counts{{UserCount: n(42), SubscriptionCount: n(51)}, {}, {SubscriptionCount: n(13)}}}},
		{"batch: undocumented fields (Sockudo)", "TriggerBatch", `{"batch":[{"acknowledgement_id":"x"}],"serials":[1]}`, &pusher.BatchResult{Batch: []counts{{}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := operationNamed(t, tt.op).call(context.Background(), newClient(t, over(respond(200, tt.body))))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s = %+v, %v, want %+v", tt.op, got, err, tt.want)
			}
		})
	}
}

func TestResponse_CompatInvalid(t *testing.T) {
	tests := []struct{ name, op, body string }{
		{"user without ID", "ChannelUsers", `{"users":[{"id":"1"},{}]}`},
		{"null user ID", "ChannelUsers", `{"users":[{"id":null}]}`},
		{"user ID is an object", "ChannelUsers", `{"users":[{"id":{}}]}`},
		{"null user among numeric IDs", "ChannelUsers", `{"users":[null,{"id":1}]}`},
		{"null user in an object", "ChannelUsers", `{"users":{"a":null}}`},
		{"channel is a list", "Channels", `{"channels":{"c":[1]}}`},
		{"channels is a list of names", "Channels", `{"channels":["c"]}`},
		{"count is a string", "Channels", `{"channels":{"c":{"user_count":"1"}}}`},
		{"cache is a list", "ChannelInfo", `{"occupied":true,"cache":[]}`},
		{"cache without data", "ChannelInfo", `{"occupied":true,"cache":{"ttl":1}}`},
		{"ttl is a string", "ChannelInfo", `{"occupied":true,"cache":{"data":"d","ttl":"1"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := operationNamed(t, tt.op).call(context.Background(), newClient(t, over(respond(200, tt.body))))
			sameError(t, fmt.Sprintf("%s (%+v)", tt.op, got), err, wantError{Op: tt.op, Kind: pusher.ErrServer, Status: 200, Message: unexpectedResponse})
		})
	}
}

// TestResponse_CompatPathPrefix checks that responses are also normalized for the
// generated client if there is a path in front of /apps.
func TestResponse_CompatPathPrefix(t *testing.T) {
	for _, prefix := range []string{"", "/realtime", "/a%2Fb%20c", "/apps/v1", "/apps/3/channels"} {
		t.Run(prefix, func(t *testing.T) {
			client := newClient(t, over(respond(200, `{"users":{"0":{"id":10}}}`)), pusher.WithBaseURL("http://pusher.example"+prefix))
			resp, err := client.API().ListChannelUsersWithResponse(t.Context(), client.AppID(), "presence-c")
			if err != nil || len(resp.JSON200.Users) != 1 || resp.JSON200.Users[0].ID != "10" {
				t.Errorf("ListChannelUsers = %v, want user 10", err)
			}
		})
	}
}
