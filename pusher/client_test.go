package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

var app = pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}

func TestNew_AllErrors(t *testing.T) {
	_, err := pusher.New(pusher.Credentials{AppID: "a/b", Key: "", Secret: "with space"},
		pusher.WithCluster("EU"),
		pusher.WithBaseURL("ftp://example.org"),
		pusher.WithHTTPProxy("://"),
		pusher.WithHTTPClient(nil),
		pusher.WithTimeout(0),
		pusher.WithRetry(pusher.Retry{Attempts: -1}),
		pusher.WithLogger(nil),
		pusher.WithMaxEventBytes(0),
	)
	if !errors.Is(err, pusher.ErrConfiguration) {
		t.Fatalf("New = %v, want %v", err, pusher.ErrConfiguration)
	}
	for _, want := range []string{
		"app ID", "key is empty", "secret contains a space",
		"WithCluster", "WithBaseURL", "WithHTTPProxy", "WithHTTPClient", "WithTimeout", "WithRetry", "WithLogger", "WithMaxEventBytes",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %s: %v", want, err)
		}
	}
}

func TestClient_ZeroValue(t *testing.T) {
	ctx := context.Background()
	for name, client := range map[string]*pusher.Client{"nil": nil, "zero value": {}} {
		t.Run(name, func(t *testing.T) {
			_, trigger := client.Trigger(ctx, "c", "e", "")
			_, batch := client.TriggerBatch(ctx, []pusher.Event{{Channel: "c", Name: "e"}})
			_, get := client.Get(ctx, "/channels", nil)
			_, api := client.API().ListChannelUsersWithResponse(ctx, client.AppID(), "c")
			for _, err := range []error{trigger, batch, get, api, client.SendToUser(ctx, "u", "e", "")} {
				if !errors.Is(err, pusher.ErrConfiguration) {
					t.Errorf("call of the %s client = %v, want %v", name, err, pusher.ErrConfiguration)
				}
			}
			_ = fmt.Sprint(client)
		})
	}
}

func TestClient_API(t *testing.T) {
	ctx := context.Background()
	testRequests(t, []requestTest{
		{
			"query after request editors",
			func(c *pusher.Client) error {
				_, err := c.API().ListChannelUsersWithResponse(ctx, c.AppID(), "presence-a,b;c", func(_ context.Context, r *http.Request) error {
					r.URL.RawQuery = "with_user_info=1"
					return nil
				})
				return err
			},
			"GET", "/apps/3/channels/presence-a,b;c/users", "with_user_info=1", "",
		},
		{
			"trigger",
			func(c *pusher.Client) error {
				_, err := c.API().TriggerEventWithResponse(ctx, c.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"})
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"d"}`,
		},
	})
}

// TestClient_API_NoSignedURL checks that the response of the generated client does not
// contain the signed request.
func TestClient_API_NoSignedURL(t *testing.T) {
	client := serve(t, respond(200, jsonType, `{"channels":{}}`))
	resp, err := client.API().ListChannelsWithResponse(t.Context(), client.AppID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if req := resp.HTTPResponse.Request; req != nil && findSecret(req.URL.String()) != "" {
		t.Errorf("HTTPResponse.Request.URL = %s, want no signature", req.URL)
	}
	checkNoSecret(t, "HTTPResponse", resp.HTTPResponse)
	checkNoSecret(t, "HTTPResponse value", *resp.HTTPResponse)
}
