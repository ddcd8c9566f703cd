//go:build interop

package interop_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// queryFeatures are the queries of a client for channels with subscribers of pusher-js.
func queryFeatures() []feature {
	return []feature{
		{"`Channels`", mandatory(checkChannels)},
		{"`Channels` with `UserCount`", checkChannelsUserCount},
		{"`ChannelInfo`", mandatory(checkChannelInfo)},
		{"`ChannelInfo` with `UserCount`", mandatory(checkChannelInfoUserCount)},
		{"`ChannelInfo` with `SubscriptionCount`", checkChannelInfoSubscriptionCount},
		{"`ChannelInfo` with `Cache`", checkChannelInfoCache},
		{"`ChannelUsers`", mandatory(checkChannelUsers)},
		{"`Get`, `Post`", mandatory(checkGetPost)},
	}
}

func checkChannels(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	for _, channel := range []string{"list-a", "presence-list-b@=,.;"} {
		alice.subscribe(channel)
	}
	for prefix, want := range map[string][]string{"list-": {"list-a"}, "presence-list-b@=,.;": {"presence-list-b@=,.;"}, "list-vacant": nil} {
		list, err := env.client.Channels(t.Context(), pusher.ChannelsParams{FilterByPrefix: prefix})
		noError(t, "Channels", err)
		var got []string
		for name := range list.Channels {
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Channels with prefix %q: got %q, want %q", prefix, got, want)
		}
	}
	list, err := env.client.Channels(t.Context(), pusher.ChannelsParams{})
	noError(t, "Channels", err)
	for _, channel := range []string{"list-a", "presence-list-b@=,.;"} {
		if _, listed := list.Channels[channel]; !listed {
			t.Errorf("Channels: got %v, want it to contain %s", list.Channels, channel)
		}
	}
}

func checkChannelsUserCount(t *testing.T, env *environment) bool {
	connect(t, env, "alice").subscribe("presence-list-counts")
	list, err := env.client.Channels(t.Context(), pusher.ChannelsParams{FilterByPrefix: "presence-list-counts", Info: []pusher.Attribute{pusher.UserCount}})
	noError(t, "Channels", err)
	channel, listed := list.Channels["presence-list-counts"]
	if !listed {
		t.Fatalf("Channels: got %v, want it to contain presence-list-counts", list.Channels)
	}
	if channel.UserCount == nil {
		return false
	}
	wantCount(t, "user count", channel.UserCount, 1)
	return true
}

func checkChannelInfo(t *testing.T, env *environment) {
	connect(t, env, "alice").subscribe("info-a@=,.;")
	for channel, want := range map[string]bool{"info-a@=,.;": true, "info-vacant": false, "presence-info-vacant": false} {
		info, err := env.client.ChannelInfo(t.Context(), channel)
		noError(t, "ChannelInfo", err)
		if info.Occupied != want {
			t.Errorf("ChannelInfo(%q): got occupied %v, want %v", channel, info.Occupied, want)
		}
	}
}

func checkChannelInfoUserCount(t *testing.T, env *environment) {
	for _, user := range []string{"alice", "bob", "alice"} {
		connect(t, env, user).subscribe("presence-info-counts")
	}
	info, err := env.client.ChannelInfo(t.Context(), "presence-info-counts", pusher.UserCount)
	noError(t, "ChannelInfo", err)
	wantCount(t, "user count", info.UserCount, 2)
}

func checkChannelInfoSubscriptionCount(t *testing.T, env *environment) bool {
	for _, user := range []string{"alice", "bob"} {
		connect(t, env, user).subscribe("info-counts")
	}
	info, err := env.client.ChannelInfo(t.Context(), "info-counts", pusher.SubscriptionCount)
	noError(t, "ChannelInfo", err)
	wantCount(t, "subscription count", info.SubscriptionCount, 2)
	return true
}

func checkChannelInfoCache(t *testing.T, env *environment) bool {
	_, err := env.client.Trigger(t.Context(), "cache-info", "e", map[string]int{"cents": 349})
	noError(t, "Trigger", err)
	info, err := env.client.ChannelInfo(t.Context(), "cache-info", pusher.Cache)
	noError(t, "ChannelInfo", err)
	if info.Cache == nil {
		return false
	}
	if info.Cache.Data != `{"cents":349}` {
		t.Errorf("ChannelInfo: data of the cached event: got %q, want %q", info.Cache.Data, `{"cents":349}`)
	}
	return true
}

func checkChannelUsers(t *testing.T, env *environment) {
	for _, user := range []string{"alice", "bob"} {
		connect(t, env, user).subscribe("presence-users@=,.;")
	}
	for channel, want := range map[string][]string{"presence-users@=,.;": {"alice", "bob"}, "presence-users-vacant": nil} {
		list, err := env.client.ChannelUsers(t.Context(), channel)
		noError(t, "ChannelUsers", err)
		var got []string
		for _, user := range list.Users {
			got = append(got, user.ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("ChannelUsers(%q): got %q, want %q", channel, got, want)
		}
	}
}

func checkGetPost(t *testing.T, env *environment) {
	alice := connect(t, env, "alice")
	alice.subscribe("raw")
	body := map[string]any{"name": "posted", "channel": "raw", "data": "1"}
	_, err := env.client.Post(t.Context(), "/events", body)
	noError(t, "Post", err)
	alice.expectData("raw", "posted", "1")
	_, err = env.client.Get(t.Context(), "/channels", url.Values{"filter_by_prefix": {"a b&c+d%"}})
	noError(t, "Get", err)
}
