package pusher_test

import (
	"context"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_Users(t *testing.T) {
	ctx := context.Background()
	testRequests(t, []requestTest{
		{"SendToUser", func(c *pusher.Client) error { return c.SendToUser(ctx, "12345", "e", "d") },
			`POST /events {"channels":["#server-to-user-12345"],"data":"d","name":"e"}`},
		{"TerminateUserConnections sends an empty object", func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "12345") },
			"POST /users/12345/terminate_connections {}"},
	})
}

func TestClient_UsersInvalid(t *testing.T) {
	ctx := context.Background()
	testInvalidArguments(t, []argumentTest{
		{"empty user ID", func(c *pusher.Client) error { return c.SendToUser(ctx, "", "e", "d") }, pusher.ErrInvalid},
		{"user ID with a slash", func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "a/b") }, pusher.ErrInvalid},
		{"user ID ..", func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "..") }, pusher.ErrInvalid},
	})
}
