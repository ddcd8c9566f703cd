package pusher_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_GetPost(t *testing.T) {
	ctx := context.Background()
	testRequests(t, []requestTest{
		{
			"Get",
			func(c *pusher.Client) error {
				_, err := c.Get(ctx, "channels", url.Values{"filter_by_prefix": {"x&y"}, "info": {""}})
				return err
			},
			"GET", "/apps/3/channels", "filter_by_prefix=x&y&info=", "",
		},
		{
			"Post",
			func(c *pusher.Client) error {
				_, err := c.Post(ctx, "/users/7/anything", map[string]int{"a": 1})
				return err
			},
			"POST", "/apps/3/users/7/anything", "", `{"a":1}`,
		},
		{
			"Post without a body",
			func(c *pusher.Client) error { _, err := c.Post(ctx, "/anything", nil); return err },
			"POST", "/apps/3/anything", "", `{}`,
		},
	})
}

func TestClient_GetPost_InvalidArguments(t *testing.T) {
	ctx := context.Background()
	get := func(path string, query url.Values) func(*pusher.Client) error {
		return func(c *pusher.Client) error { _, err := c.Get(ctx, path, query); return err }
	}
	testInvalidArguments(t, []argumentTest{
		{"empty path", get("/", nil), pusher.ErrInvalid},
		{"path with ..", get("/channels/../../4/channels", nil), pusher.ErrInvalid},
		{"path with a query", get("/channels?info=user_count", nil), pusher.ErrInvalid},
		{"path with an empty segment", get("//example.org/", nil), pusher.ErrInvalid},
		{"query with auth_key", get("/channels", url.Values{"Auth_Key": {"x"}}), pusher.ErrInvalid},
		{"body that cannot be encoded", func(c *pusher.Client) error { _, err := c.Post(ctx, "/events", make(chan int)); return err }, pusher.ErrInvalid},
	})
}

func TestClient_GetPost_RawJSON(t *testing.T) {
	tests := []struct{ name, method, path, body, want string }{
		{"object", "Get", "/things", `{ "connections" : 7 }`, `{ "connections" : 7 }`},
		{"list", "Get", "/things", `[1,{"a":[]}]`, `[1,{"a":[]}]`},
		{"POST: list", "Post", "/things", `[1,2]`, `[1,2]`},
		{"POST: object with a large number", "Post", "/things", ` {"id":12345678901234567890} `, `{"id":12345678901234567890}`},
		{"POST: the word OK", "Post", "/things", `OK`, `{}`},
		{"POST: empty body", "Post", "/things", ``, `{}`},
		{"POST: undocumented field", "Post", "/events", `{"channels":{},"serial":9}`, `{"channels":{},"serial":9}`},
		{"soketi: user_info (with_user_info=1)", "Get", "/channels/presence-c/users", `{"users":[{"id":"1","user_info":{"a":1}}]}`, `{"users":[{"id":"1","user_info":{"a":1}}]}`},
		{"numeric user ID", "Get", "/channels/presence-c/users", `{"users":[{"id":1}]}`, `{"users":[{"id":1}]}`},
		{"Sockudo: subscription_count_complete", "Get", "/channels/c", `{"occupied":true,"subscription_count_complete":false}`, `{"occupied":true,"subscription_count_complete":false}`},
		{"deprecated channel statistics", "Get", "/channels/c/stats", `{"occupied":true,"connection_count":2}`, `{"occupied":true,"connection_count":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, respond(200, jsonType, tt.body))
			var got json.RawMessage
			var err error
			if tt.method == "Get" {
				got, err = client.Get(context.Background(), tt.path, nil)
			} else {
				got, err = client.Post(context.Background(), tt.path, nil)
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("%s(%s) = %s, %v, want %s", tt.method, tt.path, got, err, tt.want)
			}
		})
	}
}
