package pusher_test

import (
	"context"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestChannel(t *testing.T) {
	ctx := context.Background()
	testRequests(t, []requestTest{
		{
			"Trigger",
			func(c *pusher.Client) error {
				_, err := c.Channel("a_channel").Trigger(ctx, "an_event", "d")
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"an_event","channels":["a_channel"],"data":"d"}`,
		},
		{
			"Users",
			func(c *pusher.Client) error { _, err := c.Channel("presence-foobar").Users(ctx); return err },
			"GET", "/apps/3/channels/presence-foobar/users", "", "",
		},
	})
}
