//go:build interop

package interop_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// A recorder is a server that verifies the signature of every request and records it.
type recorder struct {
	*httptest.Server
	requests chan recordedRequest
}

// A recordedRequest has the parts of a request that must be equal for two libraries.
type recordedRequest struct {
	Method, Path, ContentType string
	Query                     url.Values // without parameters that depend on the time and the spelling of JSON
	Body                      any        // decoded JSON with decrypted data
	library                   string     // unexported, so that it is not compared
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{requests: make(chan recordedRequest, 1)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Errorf("read body: %v", err)
		}
		app := signing.NewSecret(secret)
		err = signing.Verify(request, body, func(given string) *signing.Secret {
			if given != key {
				return nil
			}
			return app
		}, time.Time{})
		if err != nil {
			t.Errorf("%s %s by %s: signing.Verify: %v", request.Method, request.URL.Path, request.Header.Get("X-Pusher-Library"), err)
		}
		r.requests <- record(t, request, body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"channels":{},"occupied":false,"users":[]}`)
	}))
	t.Cleanup(r.Close)
	return r
}

func record(t *testing.T, request *http.Request, body []byte) recordedRequest {
	path, rawQuery, _ := strings.Cut(request.RequestURI, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		t.Errorf("parse query of %s: %v", request.URL.Path, err)
	}
	for _, name := range []string{"auth_timestamp", "auth_signature", "body_md5"} {
		delete(query, name)
	}
	r := recordedRequest{
		Method: request.Method, Path: path, Query: query, ContentType: request.Header.Get("Content-Type"),
		library: request.Header.Get("X-Pusher-Library"),
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &r.Body); err != nil {
			t.Errorf("decode body of %s: %v", request.URL.Path, err)
		}
		decrypt(t, r.Body)
	}
	return r
}

// decrypt replaces encrypted data in the body of a request, or in an event of a batch,
// with the decrypted data.
func decrypt(t *testing.T, body any) {
	event, isObject := body.(map[string]any)
	if !isObject {
		return
	}
	if batch, isBatch := event["batch"].([]any); isBatch {
		for _, event := range batch {
			decrypt(t, event)
		}
		return
	}
	channel, _ := event["channel"].(string)
	if channels, multi := event["channels"].([]any); multi && len(channels) == 1 {
		channel, _ = channels[0].(string)
	}
	data, _ := event["data"].(string)
	if !strings.HasPrefix(channel, "private-encrypted-") {
		return
	}
	master, err := encryption.ParseMasterKey(masterKey)
	if err != nil {
		t.Error(err)
		return
	}
	plain, err := master.Decrypt(channel, []byte(data))
	if err != nil {
		t.Errorf("decrypt %s for %s: %v", data, channel, err)
	}
	event["data"] = string(plain)
}

// TestClient_NodeSDK compares the requests of a Client with those of Pusher's library
// for Node.js.
func TestClient_NodeSDK(t *testing.T) {
	server := newRecorder(t)
	app := pusher.Credentials{AppID: appID, Key: key, Secret: secret}
	sdk := newNodeSDK(t).at(t, server.URL, app)
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithEncryptionMasterKey(masterKey))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	object := map[string]any{"some": "data", "html": "<&>", "list": []int{1, 2}}
	type params map[string]string

	tests := []struct {
		name   string
		method string // of the library
		args   []any
		call   func() error
	}{
		{"trigger an object", "trigger", []any{"my-channel", "my-event", object}, func() error {
			_, err := client.Trigger(ctx, "my-channel", "my-event", object)
			return err
		}},
		{"trigger a string", "trigger", []any{"my-channel", "my-event", "hello \u2028 Zoë"}, func() error {
			_, err := client.Trigger(ctx, "my-channel", "my-event", "hello \u2028 Zoë")
			return err
		}},
		{"trigger on several channels", "trigger", []any{[]string{"a", "b@=,.;"}, "my-event", object}, func() error {
			_, err := client.TriggerMulti(ctx, []string{"a", "b@=,.;"}, "my-event", object)
			return err
		}},
		{"trigger with excluded socket", "trigger", []any{"a", "e", object, params{"socket_id": "1234.56"}}, func() error {
			_, err := client.Trigger(ctx, "a", "e", object, pusher.ExcludeSocket("1234.56"))
			return err
		}},
		{"trigger with info", "trigger", []any{"presence-a", "e", object, params{"info": "user_count,subscription_count"}}, func() error {
			_, err := client.Trigger(ctx, "presence-a", "e", object, pusher.WithInfo(pusher.UserCount, pusher.SubscriptionCount))
			return err
		}},
		{"trigger on an encrypted channel", "trigger", []any{"private-encrypted-a", "e", object}, func() error {
			_, err := client.Trigger(ctx, "private-encrypted-a", "e", object)
			return err
		}},
		{"trigger a batch", "triggerBatch", []any{[]map[string]any{
			{"channel": "a", "name": "e1", "data": object},
			{"channel": "b", "name": "e2", "data": "text", "socket_id": "1.2", "info": "subscription_count"},
			{"channel": "private-encrypted-c", "name": "e3", "data": object},
		}}, func() error {
			_, err := client.TriggerBatch(ctx, []pusher.Event{
				{Channel: "a", Name: "e1", Data: object},
				{Channel: "b", Name: "e2", Data: "text", SocketID: "1.2", Info: []pusher.Attribute{pusher.SubscriptionCount}},
				{Channel: "private-encrypted-c", Name: "e3", Data: object},
			})
			return err
		}},
		{"send to a user", "sendToUser", []any{"user-7", "e", object}, func() error { return client.SendToUser(ctx, "user-7", "e", object) }},
		{"terminate a user's connections", "terminateUserConnections", []any{"user-7@=,.;"}, func() error { return client.TerminateUserConnections(ctx, "user-7@=,.;") }},
		{"list channels", "get", []any{map[string]any{"path": "/channels"}}, func() error {
			_, err := client.Channels(ctx, pusher.ChannelsParams{})
			return err
		}},
		{"list presence channels", "get", []any{map[string]any{"path": "/channels", "params": params{"filter_by_prefix": "presence-", "info": "user_count"}}}, func() error {
			_, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}})
			return err
		}},
		{"channel info", "get", []any{map[string]any{"path": "/channels/foo-bar_1234@=,.;", "params": params{"info": "subscription_count,cache"}}}, func() error {
			_, err := client.ChannelInfo(ctx, "foo-bar_1234@=,.;", pusher.SubscriptionCount, pusher.Cache)
			return err
		}},
		{"list the users of a channel", "get", []any{map[string]any{"path": "/channels/presence-a@=,.;/users"}}, func() error {
			_, err := client.ChannelUsers(ctx, "presence-a@=,.;")
			return err
		}},
		{"any GET", "get", []any{map[string]any{"path": "/anything", "params": params{"b": "2", "a": "1"}}}, func() error {
			_, err := client.Get(ctx, "/anything", url.Values{"a": {"1"}, "b": {"2"}})
			return err
		}},
		{"any POST", "post", []any{map[string]any{"path": "/anything", "body": object}}, func() error {
			_, err := client.Post(ctx, "/anything", object)
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.call(); err != nil {
				t.Fatalf("call of the client: %v", err)
			}
			got := <-server.requests
			if err := sdk.callMethod(nil, test.method, test.args...); err != nil {
				t.Fatalf("the library's %s%s: %v", test.method, encodeJSON(t, test.args), err)
			}
			want := <-server.requests
			libraries := []string{got.library, want.library}
			if slices.Contains(libraries, "") || libraries[0] == libraries[1] {
				t.Errorf("X-Pusher-Library of the requests: got %q, want two different names", libraries)
			}
			if encodeJSON(t, got) != encodeJSON(t, want) {
				t.Errorf("request of %s%s\ngot  %s\nwant %s", test.method, encodeJSON(t, test.args), encodeJSON(t, got), encodeJSON(t, want))
			}
		})
	}
}

// TestMasterKey_NodeSDK decrypts data with Pusher's library for Node.js.
func TestMasterKey_NodeSDK(t *testing.T) {
	sdk := newNodeSDK(t)
	master, err := encryption.ParseMasterKey(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	const channel = "private-encrypted-bla"
	for _, plain := range []string{`{"some":"data"}`, `"Zoë 🎈"`, "not JSON", "", strings.Repeat("x", 7600)} {
		data, err := master.Encrypt(channel, []byte(plain))
		if err != nil {
			t.Fatalf("Encrypt(%q): %v", plain, err)
		}
		var got *string
		sdk.mustCall("decrypt", map[string]any{"app": sdk.app, "channel": channel, "data": string(data)}, &got)
		if got == nil || *got != plain {
			t.Errorf("the library decrypts %s as %s, want %q", data, encodeJSON(t, got), plain)
		}
		sdk.mustCall("decrypt", map[string]any{"app": sdk.app, "channel": channel + "2", "data": string(data)}, &got)
		if got != nil {
			t.Errorf("the library decrypts %s with the key of another channel", data)
		}
	}
}
