package pusher_test

import (
	"context"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestChannel(t *testing.T) {
	ctx := context.Background()
	testRequests(t, []requestTest{
		{"Trigger", func(c *pusher.Client) error { return errorOf(c.Channel("a_channel").Trigger(ctx, "an_event", "d")) },
			`POST /events {"channels":["a_channel"],"data":"d","name":"an_event"}`},
		{"Info", func(c *pusher.Client) error { return errorOf(c.Channel("c").Info(ctx, pusher.SubscriptionCount)) },
			"GET /channels/c?info=subscription_count"},
		{"Users", func(c *pusher.Client) error { return errorOf(c.Channel("presence-foobar").Users(ctx)) },
			"GET /channels/presence-foobar/users"},
	})
}
