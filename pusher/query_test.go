package pusher_test

import (
	"context"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_Queries(t *testing.T) {
	ctx := context.Background()
	channels := func(p pusher.ChannelsParams) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.Channels(ctx, p)) }
	}
	testRequests(t, []requestTest{
		{"all channels", channels(pusher.ChannelsParams{}), "GET /channels"},
		{"channels by prefix with user counts", channels(pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}}),
			"GET /channels?filter_by_prefix=presence-&info=user_count"},
		{"prefix with escaped characters", channels(pusher.ChannelsParams{FilterByPrefix: "a b&c+d%;#é"}),
			"GET /channels?filter_by_prefix=a b&c+d%;#é"},
		{"channel name with all special characters", func(c *pusher.Client) error {
			return errorOf(c.ChannelInfo(ctx, "foo-bar_1234@=,.;", pusher.UserCount, pusher.SubscriptionCount))
		}, "GET /channels/foo-bar_1234@=,.;?info=user_count,subscription_count"},
	})
}

func TestClient_QueriesInvalid(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("x", 201)
	channels := func(p pusher.ChannelsParams) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.Channels(ctx, p)) }
	}
	testInvalidArguments(t, []argumentTest{
		{"prefix with a control character", channels(pusher.ChannelsParams{FilterByPrefix: "a\n"}), pusher.ErrInvalid},
		{"prefix with invalid UTF-8", channels(pusher.ChannelsParams{FilterByPrefix: "a\xff"}), pusher.ErrInvalid},
		{"prefix of 201 characters", channels(pusher.ChannelsParams{FilterByPrefix: long}), pusher.ErrInvalid},
		{"user counts without a presence- prefix", channels(pusher.ChannelsParams{Info: []pusher.Attribute{pusher.UserCount}}), pusher.ErrInvalid},
		{"attribute not available in a list", channels(pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.Cache}}), pusher.ErrInvalid},
		{"ChannelInfo of an invalid channel", func(c *pusher.Client) error { return errorOf(c.ChannelInfo(ctx, "a b")) }, pusher.ErrInvalid},
		{"unknown attribute", func(c *pusher.Client) error { return errorOf(c.ChannelInfo(ctx, "c", "colour")) }, pusher.ErrInvalid},
		{"ChannelUsers of an invalid channel", func(c *pusher.Client) error { return errorOf(c.ChannelUsers(ctx, "..")) }, pusher.ErrInvalid},
	})
}

func TestClient_ChannelsPrefixLimit(t *testing.T) {
	for n, valid := range map[int]bool{200: true, 201: false} {
		client, _ := serve(t, respond(200, completeBody))
		_, err := client.Channels(t.Context(), pusher.ChannelsParams{FilterByPrefix: strings.Repeat("é", n)})
		if valid != (err == nil) {
			t.Errorf("Channels with a prefix of %d characters = %v, want valid %t", n, err, valid)
		}
	}
}
