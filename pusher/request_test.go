package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_Request(t *testing.T) {
	ctx := context.Background()
	testRequests(t, []requestTest{
		{"Get", func(c *pusher.Client) error {
			return errorOf(c.Get(ctx, "channels", url.Values{"filter_by_prefix": {"x&y"}, "info": {""}}))
		}, "GET /channels?filter_by_prefix=x&y&info="},
		{"Post", func(c *pusher.Client) error { return errorOf(c.Post(ctx, "/users/7/anything", map[string]int{"a": 1})) },
			`POST /users/7/anything {"a":1}`},
		{"Post without a body", func(c *pusher.Client) error { return errorOf(c.Post(ctx, "/anything", nil)) }, "POST /anything {}"},
		{"API, request editor", func(c *pusher.Client) error {
			return errorOf(c.API().ListChannelUsersWithResponse(ctx, c.AppID(), "presence-a,b;c", func(_ context.Context, r *http.Request) error {
				r.URL.RawQuery = "with_user_info=1" // before the request is signed
				return nil
			}))
		}, "GET /channels/presence-a,b;c/users?with_user_info=1"},
		{"API, trigger", func(c *pusher.Client) error {
			return errorOf(c.API().TriggerEventWithResponse(ctx, c.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"}))
		}, `POST /events {"channels":["c"],"data":"d","name":"e"}`},
		{"API, body", func(c *pusher.Client) error {
			return errorOf(c.API().TriggerEventWithBody(ctx, c.AppID(), "application/json", strings.NewReader(`{"name":"e"}`)))
		}, `POST /events {"name":"e"}`},
	})
}

func TestClient_RequestInvalid(t *testing.T) {
	ctx := context.Background()
	get := func(path string, query url.Values) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.Get(ctx, path, query)) }
	}
	testInvalidArguments(t, []argumentTest{
		{"empty path", get("/", nil), pusher.ErrInvalid},
		{"path with ..", get("/channels/../../4/channels", nil), pusher.ErrInvalid},
		{"path with a query", get("/channels?info=user_count", nil), pusher.ErrInvalid},
		{"path with an empty segment", get("//example.org/", nil), pusher.ErrInvalid},
		{"query with auth_key", get("/channels", url.Values{"Auth_Key": {"x"}}), pusher.ErrInvalid},
		{"body that cannot be encoded", func(c *pusher.Client) error { return errorOf(c.Post(ctx, "/events", make(chan int))) }, pusher.ErrInvalid},
		{"API, query that cannot be signed", func(c *pusher.Client) error {
			return errorOf(c.API().ListChannelsWithResponse(ctx, c.AppID(), nil, func(_ context.Context, req *http.Request) error {
				req.URL.RawQuery = "filter_by_prefix=%zz"
				return nil
			}))
		}, pusher.ErrInvalid},
		{"API, body that cannot be read", func(c *pusher.Client) error {
			return errorOf(c.API().TriggerEventWithBody(ctx, c.AppID(), "application/json", iotest.ErrReader(io.ErrClosedPipe)))
		}, io.ErrClosedPipe},
	})
}

func TestClient_RequestResult(t *testing.T) {
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
		{"PHP: users are an object", "Get", "/channels/presence-c/users", `{"users":{"0":{"id":1}}}`, `{"users":{"0":{"id":1}}}`},
		{"Sockudo: subscription_count_complete", "Get", "/channels/c", `{"occupied":true,"subscription_count_complete":false}`, `{"occupied":true,"subscription_count_complete":false}`},
		{"deprecated channel statistics", "Get", "/channels/c/stats", `{"occupied":true,"connection_count":2}`, `{"occupied":true,"connection_count":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient(t, over(respond(200, tt.body)))
			got, err := client.Get(t.Context(), tt.path, nil)
			if tt.method == "Post" {
				got, err = client.Post(t.Context(), tt.path, nil)
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("%s(%s) = %s, %v, want %s", tt.method, tt.path, got, err, tt.want)
			}
		})
	}
}

// Requests that are not built by the client's methods must not send plain text to
// encrypted channels.
func TestClient_RequestEncrypted(t *testing.T) {
	const (
		plain      = `{"secret":true}`
		empty      = `{"nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":""}`
		shortNonce = `{"nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","ciphertext":"AAAA"}`
		sealed     = `{"nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}`
	)
	target := "private-encrypted-c"
	ctx := t.Context()
	for name, send := range map[string]func(c *pusher.Client, data string) error{
		"API, channel": func(c *pusher.Client, data string) error {
			return errorOf(c.API().TriggerEvent(ctx, "3", gen.TriggerRequest{Name: "e", Channel: &target, Data: data}))
		},
		"API, channels": func(c *pusher.Client, data string) error {
			return errorOf(c.API().TriggerEvent(ctx, "3", gen.TriggerRequest{Name: "e", Channels: []string{target}, Data: data}))
		},
		"API, batch": func(c *pusher.Client, data string) error {
			return errorOf(c.API().TriggerBatch(ctx, "3", gen.BatchRequest{Batch: []gen.BatchEvent{
				{Channel: "c", Name: "e", Data: plain}, {Channel: target, Name: "e", Data: data}}}))
		},
		"Post": func(c *pusher.Client, data string) error {
			return errorOf(c.Post(ctx, "/events", map[string]any{"name": "e", "channels": []string{target}, "data": data}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := serve(t, respond(200, "{}"))
			for _, data := range []string{plain, empty, shortNonce} {
				if err := send(client, data); !errors.Is(err, pusher.ErrInvalid) {
					t.Errorf("data %s = %v, want %v", data, err, pusher.ErrInvalid)
				}
			}
			if err := send(client, sealed); err != nil {
				t.Errorf("encrypted data = %v, want no error", err)
			}
			if got := server.requests(); len(got) != 1 {
				t.Errorf("sent %q, want only the encrypted event", got)
			}
		})
	}
}

// TestClient_API checks that the response has the status and the header that the server
// sent, a length that agrees with its body, and a request without a signature.
func TestClient_API(t *testing.T) {
	tests := []struct {
		name          string
		status        int
		sent, body    string
		contentLength []string // of the server
	}{
		{"status 200", 200, completeBody, completeBody, nil},
		{"status 202 with Content-Length", 202, `{"channels":{}}`, `{"channels":{}}`, []string{"Content-Length", "15"}},
		{"status 201 without a body", 201, "", "{}", []string{"Content-Length", "0"}},
		{"status 204", 204, "", "{}", nil},
		{"the word ok", 200, "ok", "{}", []string{"Content-Length", "2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, _ := serve(t, respond(tt.status, tt.sent, append(tt.contentLength, "X-Served-By", "a7", "Content-Type", "text/x-pusher")...))
			resp, err := client.API().TriggerEventWithResponse(t.Context(), client.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"})
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode() != tt.status || string(resp.Body) != tt.body || resp.JSON200 == nil {
				t.Errorf("response %d with body %q and result %v, want %d with %q and a result", resp.StatusCode(), resp.Body, resp.JSON200, tt.status, tt.body)
			}
			got := resp.HTTPResponse
			if got.Header.Get("X-Served-By") != "a7" || got.Header.Get("Content-Type") != "text/x-pusher" {
				t.Errorf("the response has the header %v, want what the server sent", got.Header)
			}
			if length := got.Header.Get("Content-Length"); got.ContentLength != int64(len(tt.body)) || length != "" && length != "15" && length != "2" {
				t.Errorf("the response has length %d and header %q, want %d", got.ContentLength, length, len(tt.body))
			}
			if want := "https://api-mt1.pusher.com/apps/3/events"; got.Request.URL.String() != want || got.Request.Method != "POST" {
				t.Errorf("the request of the response is %s %s, want POST %s", got.Request.Method, got.Request.URL, want)
			}
			checkNoSecret(t, "HTTPResponse", got)
			checkNoSecret(t, "HTTPResponse value", *got)
		})
	}
}

// TestClient_APIRetry checks that methods that take a body send it with each attempt,
// and that a request editor runs once, before the request is signed.
func TestClient_APIRetry(t *testing.T) {
	const body = `{"name":"e","channels":["c"],"data":"d"}`
	readers := map[string]io.Reader{
		"bytes":  strings.NewReader(body),
		"stream": io.MultiReader(strings.NewReader(body[:10]), strings.NewReader(body[10:])), // without GetBody
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			client, server := serve(t, inOrder(respond(429, ""), respond(429, ""), respond(200, "{}")), pusher.WithRetry(pusher.Retry{BaseDelay: 1}))
			edits := 0
			resp, err := client.API().TriggerEventWithBodyWithResponse(t.Context(), client.AppID(), "application/json", reader, func(_ context.Context, req *http.Request) error {
				edits++
				req.URL.RawQuery = "a=1"
				req.Header.Set("X-Request-ID", "7")
				return nil
			})
			if err != nil || resp.StatusCode() != 200 || edits != 1 {
				t.Errorf("TriggerEventWithBody = %v after %d edits, want no error after one", err, edits)
			}
			var got []string
			for _, r := range server.requests() {
				got = append(got, fmt.Sprintf("%s, %d bytes, ID %s", r, r.ContentLength, r.Header.Get("X-Request-ID")))
			}
			if want := "POST /apps/3/events?a=1 " + body + ", 40 bytes, ID 7"; !slices.Equal(got, []string{want, want, want}) {
				t.Errorf("sent %q, want 3 times %s", got, want)
			}
		})
	}
}

// TestClient_APIErrors checks that errors of request editors and of arguments that cannot
// be part of a request are returned unchanged.
func TestClient_APIErrors(t *testing.T) {
	client, server := serve(t, respond(200, completeBody))
	_, err := client.API().ListChannels(t.Context(), client.AppID(), nil, func(context.Context, *http.Request) error { return io.ErrNoProgress })
	if err != io.ErrNoProgress {
		t.Errorf("ListChannels with a request editor = %v, want %v", err, io.ErrNoProgress)
	}
	if got := server.requests(); len(got) != 0 {
		t.Errorf("sent %v, want nothing", got)
	}
}
