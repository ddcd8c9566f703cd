//go:build interop

package interop_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

// asking is what our client asks about channels that pusher-js is on.
func asking() []feature {
	return []feature{
		{"`Channels`", always(listsOccupiedChannels)},
		{"`Channels` with `UserCount`", listsUserCounts},
		{"`ChannelInfo`", always(tellsWhetherOccupied)},
		{"`ChannelInfo` with `UserCount`", always(countsUsersOnce)},
		{"`ChannelInfo` with `SubscriptionCount`", countsSubscriptions},
		{"`ChannelInfo` with `Cache`", tellsCachedEvent},
		{"`ChannelUsers`", always(listsUsers)},
		{"`Get`, `Post`", always(reachesAnyResource)},
	}
}

func listsOccupiedChannels(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	for _, channel := range []string{"list-a", "presence-list-b@=,.;"} {
		alice.subscribe(channel)
	}
	for prefix, want := range map[string][]string{"list-": {"list-a"}, "presence-list-b@=,.;": {"presence-list-b@=,.;"}, "list-vacant": nil} {
		list, err := w.client.Channels(t.Context(), pusher.ChannelsParams{FilterByPrefix: prefix})
		succeeds(t, "Channels", err)
		var got []string
		for name := range list.Channels {
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Channels with the prefix %q: got %q, want %q", prefix, got, want)
		}
	}
	list, err := w.client.Channels(t.Context(), pusher.ChannelsParams{})
	succeeds(t, "Channels", err)
	for _, channel := range []string{"list-a", "presence-list-b@=,.;"} {
		if _, listed := list.Channels[channel]; !listed {
			t.Errorf("Channels: got %v, want %s among them", list.Channels, channel)
		}
	}
}

func listsUserCounts(t *testing.T, w *world) bool {
	connect(t, w, "alice").subscribe("presence-list-counts")
	list, err := w.client.Channels(t.Context(), pusher.ChannelsParams{FilterByPrefix: "presence-list-counts", Info: []pusher.Attribute{pusher.UserCount}})
	succeeds(t, "Channels", err)
	channel, listed := list.Channels["presence-list-counts"]
	if !listed {
		t.Fatalf("Channels: got %v, want presence-list-counts among them", list.Channels)
	}
	if channel.UserCount == nil {
		return false
	}
	wantCount(t, "user count", channel.UserCount, 1)
	return true
}

func tellsWhetherOccupied(t *testing.T, w *world) {
	connect(t, w, "alice").subscribe("info-a@=,.;")
	for channel, want := range map[string]bool{"info-a@=,.;": true, "info-vacant": false, "presence-info-vacant": false} {
		info, err := w.client.ChannelInfo(t.Context(), channel)
		succeeds(t, "ChannelInfo", err)
		if info.Occupied != want {
			t.Errorf("ChannelInfo(%q): got occupied %v, want %v", channel, info.Occupied, want)
		}
	}
}

func countsUsersOnce(t *testing.T, w *world) {
	for _, user := range []string{"alice", "bob", "alice"} {
		connect(t, w, user).subscribe("presence-info-counts")
	}
	info, err := w.client.ChannelInfo(t.Context(), "presence-info-counts", pusher.UserCount)
	succeeds(t, "ChannelInfo", err)
	wantCount(t, "user count", info.UserCount, 2)
}

func countsSubscriptions(t *testing.T, w *world) bool {
	for _, user := range []string{"alice", "bob"} {
		connect(t, w, user).subscribe("info-counts")
	}
	info, err := w.client.ChannelInfo(t.Context(), "info-counts", pusher.SubscriptionCount)
	succeeds(t, "ChannelInfo", err)
	wantCount(t, "subscription count", info.SubscriptionCount, 2)
	return true
}

func tellsCachedEvent(t *testing.T, w *world) bool {
	_, err := w.client.Trigger(t.Context(), "cache-info", "e", map[string]int{"cents": 349})
	succeeds(t, "Trigger", err)
	info, err := w.client.ChannelInfo(t.Context(), "cache-info", pusher.Cache)
	succeeds(t, "ChannelInfo", err)
	if info.Cache == nil {
		return false
	}
	if info.Cache.Data != `{"cents":349}` {
		t.Errorf("ChannelInfo's cache: got the data %q, want %q", info.Cache.Data, `{"cents":349}`)
	}
	return true
}

func listsUsers(t *testing.T, w *world) {
	for _, user := range []string{"alice", "bob"} {
		connect(t, w, user).subscribe("presence-users@=,.;")
	}
	for channel, want := range map[string][]string{"presence-users@=,.;": {"alice", "bob"}, "presence-users-vacant": nil} {
		list, err := w.client.ChannelUsers(t.Context(), channel)
		succeeds(t, "ChannelUsers", err)
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

func reachesAnyResource(t *testing.T, w *world) {
	alice := connect(t, w, "alice")
	alice.subscribe("raw")
	body := map[string]any{"name": "posted", "channel": "raw", "data": "1"}
	_, err := w.client.Post(t.Context(), "/events", body)
	succeeds(t, "Post", err)
	alice.expectData("raw", "posted", "1")
	_, err = w.client.Get(t.Context(), "/channels", url.Values{"filter_by_prefix": {"a b&c+d%"}})
	succeeds(t, "Get", err)
}
