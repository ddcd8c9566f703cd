//go:build interop

package interop_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

// TestPushertest_NodeSDK sends the requests of Pusher's library for Node.js to a
// pushertest.Server. The responses are those of Pusher's HTTP API reference; the error
// texts are quoted in the tests and issues of Pusher's libraries.
func TestPushertest_NodeSDK(t *testing.T) {
	now := time.Now() // fixed, because the ttl of a cached event is part of a response
	env := newPushertest(t, pushertest.WithClock(func() time.Time { return now }))
	for channel, state := range map[string]pushertest.ChannelState{
		"public":       {Subscriptions: 13},
		"presence-foo": {Subscriptions: 51, Users: []string{"1", "2"}},
		"cache-foo":    {Subscriptions: 1, Cache: &pushertest.CachedEvent{Data: "event data"}},
	} {
		noError(t, "SetChannel", env.SetChannel(channel, state))
	}
	sdk := newNodeSDK(t).at(t, env.url, env.app)

	type object map[string]any
	path := func(path string, params ...string) object {
		query := map[string]string{}
		for pair := range slices.Chunk(params, 2) {
			query[pair[0]] = pair[1]
		}
		return object{"path": path, "params": query}
	}
	post := func(path string, body any) object { return object{"path": path, "body": body} }
	event := object{"channel": "public", "name": "e", "data": "1"}

	tests := []struct {
		name   string
		method string
		args   []any
		status int
		want   string
	}{
		{"trigger", "trigger", []any{"public", "e", object{"some": "data"}}, 200, `{}`},
		{"trigger on a channel with all permitted characters", "trigger", []any{"azAZ09_-=@,.;", "e", "1"}, 200, `{}`},
		{"trigger on 100 channels", "trigger", []any{slices.Repeat([]string{"public"}, 100), "e", "1"}, 200, `{}`},
		{"trigger on an encrypted channel", "trigger", []any{"private-encrypted-a", "e", object{"some": "data"}}, 200, `{}`},
		{"trigger with excluded socket", "trigger", []any{"public", "e", "1", object{"socket_id": "1234.56"}}, 200, `{}`},
		{"trigger with info", "trigger", []any{[]string{"public", "presence-foo"}, "e", "1", object{"info": "user_count,subscription_count"}}, 200, `{"channels":{"presence-foo":{"subscription_count":51,"user_count":2},"public":{"subscription_count":13}}}`},
		{"trigger a batch", "triggerBatch", []any{[]object{event, event}}, 200, `{}`},
		{"trigger a batch with info", "triggerBatch", []any{[]object{{"channel": "presence-foo", "name": "e", "data": "1", "info": "user_count"}, event}}, 200, `{"batch":[{"user_count":2},{}]}`},
		{"send to a user", "sendToUser", []any{"user-7", "e", object{"some": "data"}}, 200, `{}`},
		{"terminate a user's connections", "terminateUserConnections", []any{"user-7"}, 200, `{}`},
		{"list channels", "get", []any{path("/channels")}, 200, `{"channels":{"cache-foo":{},"presence-foo":{},"public":{}}}`},
		{"list presence channels", "get", []any{path("/channels", "filter_by_prefix", "presence-", "info", "user_count")}, 200, `{"channels":{"presence-foo":{"user_count":2}}}`},
		{"list channels with unused prefix", "get", []any{path("/channels", "filter_by_prefix", "none")}, 200, `{"channels":{}}`},
		{"channel", "get", []any{path("/channels/public", "info", "subscription_count")}, 200, `{"occupied":true,"subscription_count":13}`},
		{"presence channel", "get", []any{path("/channels/presence-foo", "info", "user_count")}, 200, `{"occupied":true,"user_count":2}`},
		{"cache channel", "get", []any{path("/channels/cache-foo", "info", "cache")}, 200, `{"cache":{"data":"event data","ttl":1800},"occupied":true}`},
		{"empty cache channel", "get", []any{path("/channels/cache-empty", "info", "cache")}, 200, `{"cache":null,"occupied":false}`},
		{"vacant channel", "get", []any{path("/channels/vacant")}, 200, `{"occupied":false}`},
		{"users", "get", []any{path("/channels/presence-foo/users")}, 200, `{"users":[{"id":"1"},{"id":"2"}]}`},
		{"users of a vacant channel", "get", []any{path("/channels/presence-vacant/users")}, 200, `{"users":[]}`},

		{"user_count of all channels", "get", []any{path("/channels", "info", "user_count")}, 400, "user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-\n"},
		{"user_count of a public channel", "get", []any{path("/channels/public", "info", "user_count")}, 400, "Cannot retrieve the user count unless the channel is a presence channel\n"},
		{"users of a public channel", "get", []any{path("/channels/public/users")}, 400, "Users can only be retrieved for presence channels\n"},
		{"users with a parameter", "get", []any{path("/channels/presence-foo/users", "info", "user_count")}, 400, "The following query string parameters are extraneous: info\n"},
		{"batch of 11 events", "triggerBatch", []any{slices.Repeat([]object{event}, 11)}, 400, "Batch too large (11 > 10)\n"},
		{"channels in a batch", "post", []any{post("/batch_events", object{"batch": []object{{"channels": []string{"a"}, "name": "e", "data": "1"}}})}, 400, "Missing required parameter: channel\n"},
		{"name is not a string", "post", []any{post("/events", object{"channels": []string{"a"}, "name": 1, "data": "1"})}, 400, "Expected name parameter to be a string\n"},
		{"reserved name", "trigger", []any{"public", "pusher:e", "1"}, 400, "The 'pusher' namespace is reserved for internal usage\n"},
		{"data of 10,241 bytes", "trigger", []any{"public", "e", strings.Repeat("x", 10241)}, 413, "The data content of this event exceeds the allowed maximum (10240 bytes). See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info\n"},
		{"data of 10,241 bytes in a batch", "triggerBatch", []any{[]object{event, {"channel": "a", "name": "e", "data": strings.Repeat("x", 10241)}}}, 413, "The data content of this event exceeds the allowed maximum (10240 bytes). See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info\n"},
		{"unknown path", "get", []any{path("/nothing")}, 404, "404 NOT FOUND\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := sdk.request(test.method, test.args...)
			if err != nil || got.Status != test.status || (got.Body != test.want && (test.status != 200 || normalizeJSON(t, got.Body) != test.want)) {
				t.Errorf("%s%s\ngot  status %d, %q, %v\nwant status %d, %q", test.method, encodeJSON(t, test.args), got.Status, got.Body, err, test.status, test.want)
			}
		})
	}

	t.Run("unknown key", func(t *testing.T) {
		app := env.app
		app.Key = "unknown"
		got, err := newNodeSDK(t).at(t, env.url, app).request("get", path("/channels"))
		if want := "Unknown auth_key\n"; err != nil || got.Status != 400 || got.Body != want {
			t.Errorf("got status %d, %q, %v, want 400 and %q", got.Status, got.Body, err, want)
		}
	})
	t.Run("wrong secret", func(t *testing.T) {
		app := env.app
		app.Secret = "wrong"
		got, err := newNodeSDK(t).at(t, env.url, app).request("get", path("/channels"))
		want := `Invalid signature: you should have sent HmacSHA256Hex("GET\n/apps/3/channels\nauth_key=` + key + `&auth_timestamp=`
		if err != nil || got.Status != 401 || !strings.HasPrefix(got.Body, want) {
			t.Errorf("got status %d, %q, %v, want 401 and %q", got.Status, got.Body, err, want)
		}
	})
}

// TestPushertest_NodeSDKWebhooks verifies the webhooks of a pushertest.Server with
// Pusher's library for Node.js.
func TestPushertest_NodeSDKWebhooks(t *testing.T) {
	type delivery struct {
		header http.Header
		body   string
	}
	deliveries := make(chan delivery, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read webhook: %v", err)
		}
		deliveries <- delivery{r.Header, string(body)}
	}))
	t.Cleanup(receiver.Close)
	server := pushertest.NewServer(pushertest.WithApp(pushertest.App{ID: appID, Key: key, Secret: secret}), pushertest.WithWebhook(receiver.URL))
	t.Cleanup(server.Close)
	if _, err := server.Subscribe(t.Context(), "presence-a", pushertest.AsMember("Zoë", nil)); err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	sdk := newNodeSDK(t)
	for want := []string{`"channel_occupied"`, `"member_added"`}; len(want) > 0; {
		select {
		case d := <-deliveries:
			data := sdk.webhook(d.header, d.body, nil)
			if data == nil {
				t.Fatalf("the library rejects %s with headers %v", d.body, d.header)
			}
			want = slices.DeleteFunc(want, func(name string) bool { return strings.Contains(string(data), name) })
		case <-time.After(timeout):
			t.Fatalf("no webhook with %q within %v", want, timeout)
		}
	}
}

// request calls a method that sends a request and returns the response, which the
// library throws as an error if the status code is not 2xx.
func (s *nodeSDK) request(method string, args ...any) (response, error) {
	s.t.Helper()
	var got response
	err := s.callMethod(&got, method, args...)
	var thrown *scriptError
	if errors.As(err, &thrown) && thrown.Status != 0 {
		return response{thrown.Status, thrown.Body}, nil
	}
	return got, err
}
