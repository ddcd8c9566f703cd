package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// sent is a request as it came over the wire.
type sent struct {
	method, path, query, contentType, library string
	contentLength                             int64
	body                                      string
}

// recorder is a server that accepts every rightly signed request and keeps the
// last one.
func recorder(t *testing.T, opts ...pusher.Option) (*pusher.Client, *sent) {
	t.Helper()
	return recorderBelow(t, "", opts...)
}

// recorderBelow is a recorder whose API stands below a path.
func recorderBelow(t *testing.T, prefix string, opts ...pusher.Option) (*pusher.Client, *sent) {
	t.Helper()
	secret := signing.NewSecret(app.Secret)
	last := &sent{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = signing.Verify(r, body, func(string) *signing.Secret { return secret }, time.Time{})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		path, query, _ := strings.Cut(r.RequestURI, "?")
		*last = sent{
			method: r.Method, path: path, query: others(query), body: string(body), contentLength: r.ContentLength,
			contentType: r.Header.Get("Content-Type"), library: r.Header.Get("X-Pusher-Library"),
		}
		_, _ = io.WriteString(w, `{"channels":{},"occupied":false,"users":[]}`)
	}))
	t.Cleanup(server.Close)
	client, err := pusher.New(app, append([]pusher.Option{pusher.WithBaseURL(server.URL + prefix)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, last
}

// others is the query without the signature's parameters, decoded.
func others(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "auth_") && !strings.HasPrefix(pair, "body_md5=") {
			text, err := url.QueryUnescape(pair)
			if err != nil {
				text = err.Error()
			}
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, "&")
}

func TestWhatGoesOverTheWire(t *testing.T) {
	ctx := context.Background()
	type data struct {
		Some string `json:"some"`
	}
	tests := []struct {
		name                      string
		call                      func(*pusher.Client) error
		method, path, query, body string
	}{
		{
			"the documentation's worked example",
			func(c *pusher.Client) error {
				_, err := c.Trigger(ctx, "project-3", "foo", data{"data"})
				return err
			},
			"POST", "/apps/3/events", "",
			`{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`,
		},
		{
			"a string goes as it is",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", "plain text"); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"plain text"}`,
		},
		{
			"bytes go as they are",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", []byte(`[1]`)); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"[1]"}`,
		},
		{
			"raw JSON goes as it is",
			func(c *pusher.Client) error {
				_, err := c.Trigger(ctx, "c", "e", json.RawMessage(`{ "a":1}`))
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"{ \"a\":1}"}`,
		},
		{
			"JSON is not escaped for HTML",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", []string{"<a&b>"}); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"[\"<a&b>\"]"}`,
		},
		{
			"nothing is the JSON null",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", nil); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"null"}`,
		},
		{
			"several channels without one connection, asking for counts",
			func(c *pusher.Client) error {
				_, err := c.TriggerMulti(ctx, []string{"a", "presence-b"}, "e", "d",
					pusher.ExcludeSocket("1234.5678"), pusher.WithInfo(pusher.UserCount, pusher.SubscriptionCount))
				return err
			},
			"POST", "/apps/3/events", "",
			`{"name":"e","channels":["a","presence-b"],"data":"d","socket_id":"1234.5678","info":"user_count,subscription_count"}`,
		},
		{
			"an empty socket ID excludes nobody",
			func(c *pusher.Client) error {
				_, err := c.Trigger(ctx, "c", "e", "d", pusher.ExcludeSocket(""))
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"d"}`,
		},
		{
			"a channel object triggers on itself",
			func(c *pusher.Client) error {
				_, err := c.Channel("a_channel").Trigger(ctx, "an_event", "d")
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"an_event","channels":["a_channel"],"data":"d"}`,
		},
		{
			"a user has a channel of its own",
			func(c *pusher.Client) error { return c.SendToUser(ctx, "12345", "e", "d") },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["#server-to-user-12345"],"data":"d"}`,
		},
		{
			"a batch, the documentation's events",
			func(c *pusher.Client) error {
				_, err := c.TriggerBatch(ctx, []pusher.Event{
					{Channel: "project-3", Name: "foo", Data: data{"data"}},
					{Channel: "presence-foobar", Name: "bar", Data: `{"more":"data"}`, SocketID: "1234.1234", Info: []pusher.Attribute{pusher.UserCount}},
				})
				return err
			},
			"POST", "/apps/3/batch_events", "",
			`{"batch":[{"name":"foo","channel":"project-3","data":"{\"some\":\"data\"}"},` +
				`{"name":"bar","channel":"presence-foobar","data":"{\"more\":\"data\"}","socket_id":"1234.1234","info":"user_count"}]}`,
		},
		{
			"terminate sends the empty object, never an empty body",
			func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "12345") },
			"POST", "/apps/3/users/12345/terminate_connections", "", `{}`,
		},
		{
			"all channels",
			func(c *pusher.Client) error { _, err := c.Channels(ctx, pusher.ChannelsParams{}); return err },
			"GET", "/apps/3/channels", "", "",
		},
		{
			"channels by prefix with their users",
			func(c *pusher.Client) error {
				_, err := c.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}})
				return err
			},
			"GET", "/apps/3/channels", "filter_by_prefix=presence-&info=user_count", "",
		},
		{
			"a prefix with characters that a query escapes",
			func(c *pusher.Client) error {
				_, err := c.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "a b&c+d%;#é"})
				return err
			},
			"GET", "/apps/3/channels", "filter_by_prefix=a b&c+d%;#é", "",
		},
		{
			"a channel name with every special character goes raw",
			func(c *pusher.Client) error {
				_, err := c.ChannelInfo(ctx, "foo-bar_1234@=,.;", pusher.UserCount, pusher.SubscriptionCount)
				return err
			},
			"GET", "/apps/3/channels/foo-bar_1234@=,.;", "info=user_count,subscription_count", "",
		},
		{
			"users of a channel",
			func(c *pusher.Client) error { _, err := c.Channel("presence-foobar").Users(ctx); return err },
			"GET", "/apps/3/channels/presence-foobar/users", "", "",
		},
		{
			"any GET",
			func(c *pusher.Client) error {
				_, err := c.Get(ctx, "channels", url.Values{"filter_by_prefix": {"x&y"}, "info": {""}})
				return err
			},
			"GET", "/apps/3/channels", "filter_by_prefix=x&y&info=", "",
		},
		{
			"any POST",
			func(c *pusher.Client) error {
				_, err := c.Post(ctx, "/users/7/anything", map[string]int{"a": 1})
				return err
			},
			"POST", "/apps/3/users/7/anything", "", `{"a":1}`,
		},
		{
			"a POST of nothing sends the empty object",
			func(c *pusher.Client) error { _, err := c.Post(ctx, "/anything", nil); return err },
			"POST", "/apps/3/anything", "", `{}`,
		},
		{
			"the generated client is signed too, after its own editors",
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
			"the generated client triggers",
			func(c *pusher.Client) error {
				_, err := c.API().TriggerEventWithResponse(ctx, c.AppID(), gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"})
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"d"}`,
		},
	}
	for _, prefix := range []string{"", "/realtime"} {
		for _, tt := range tests {
			t.Run(tt.name+prefix, func(t *testing.T) {
				client, last := recorderBelow(t, prefix)
				if err := tt.call(client); err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				if last.method != tt.method || last.path != prefix+tt.path || last.query != tt.query {
					t.Errorf("%s sent %s %s with %q, want %s %s with %q", tt.name, last.method, last.path, last.query, tt.method, prefix+tt.path, tt.query)
				}
				sameJSON(t, last.body, tt.body)
				if tt.method == "POST" && last.contentType != "application/json" {
					t.Errorf("%s sent Content-Type %q, want application/json", tt.name, last.contentType)
				}
				if last.contentLength != int64(len(last.body)) || last.library != "pusher-go "+pusher.Version {
					t.Errorf("%s sent length %d for %d bytes as %q", tt.name, last.contentLength, len(last.body), last.library)
				}
			})
		}
	}
}

func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	if want == "" {
		if got != "" {
			t.Errorf("the body is %s, want none", got)
		}
		return
	}
	var gotValue, wantValue any
	if err := errors.Join(json.Unmarshal([]byte(got), &gotValue), json.Unmarshal([]byte(want), &wantValue)); err != nil {
		t.Fatalf("%v in %s or %s", err, got, want)
	}
	if !reflect.DeepEqual(gotValue, wantValue) {
		t.Errorf("the body is\n%s\nwant\n%s", got, want)
	}
}

func TestBadInputIsRefusedBeforeAnythingIsSent(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("x", 201)
	trigger := func(channel, event string, data any, opts ...pusher.TriggerOption) func(*pusher.Client) error {
		return func(c *pusher.Client) error { _, err := c.Trigger(ctx, channel, event, data, opts...); return err }
	}
	multi := func(channels ...string) func(*pusher.Client) error {
		return func(c *pusher.Client) error { _, err := c.TriggerMulti(ctx, channels, "e", "d"); return err }
	}
	batch := func(events ...pusher.Event) func(*pusher.Client) error {
		return func(c *pusher.Client) error { _, err := c.TriggerBatch(ctx, events); return err }
	}
	channels := func(p pusher.ChannelsParams) func(*pusher.Client) error {
		return func(c *pusher.Client) error { _, err := c.Channels(ctx, p); return err }
	}
	get := func(path string, query url.Values) func(*pusher.Client) error {
		return func(c *pusher.Client) error { _, err := c.Get(ctx, path, query); return err }
	}
	tests := []struct {
		name string
		call func(*pusher.Client) error
		want error
	}{
		{"no channels", multi(), pusher.ErrInvalid},
		{"101 channels", multi(strings.Split(strings.Repeat("c,", 100)+"c", ",")...), pusher.ErrInvalid},
		{"an empty channel name", trigger("", "e", "d"), pusher.ErrInvalid},
		{"the channel .", trigger(".", "e", "d"), pusher.ErrInvalid},
		{"the channel ..", trigger("..", "e", "d"), pusher.ErrInvalid},
		{"a space in a channel name", trigger("a b", "e", "d"), pusher.ErrInvalid},
		{"a slash in a channel name", trigger("a/b", "e", "d"), pusher.ErrInvalid},
		{"a colon in a channel name", trigger("a:b", "e", "d"), pusher.ErrInvalid},
		{"a letter outside ASCII in a channel name", trigger("é", "e", "d"), pusher.ErrInvalid},
		{"a channel name of 201 characters", trigger(long, "e", "d"), pusher.ErrInvalid},
		{"a user's channel without a user", trigger("#server-to-user-", "e", "d"), pusher.ErrInvalid},
		{"another reserved channel", trigger("#something", "e", "d"), pusher.ErrInvalid},
		{"the second of two channels", multi("a", "b c"), pusher.ErrInvalid},
		{"two channels with one encrypted", multi("a", "private-encrypted-b"), pusher.ErrInvalid},
		{"an encrypted channel without a master key", trigger("private-encrypted-a", "e", "d"), pusher.ErrConfiguration},
		{"an empty event name", trigger("c", "", "d"), pusher.ErrInvalid},
		{"an event name of 201 characters", trigger("c", long, "d"), pusher.ErrInvalid},
		{"an event name with a line feed", trigger("c", "a\nb", "d"), pusher.ErrInvalid},
		{"an event name that is not UTF-8", trigger("c", "a\xff", "d"), pusher.ErrInvalid},
		{"a reserved event name", trigger("c", "pusher:event", "d"), pusher.ErrInvalid},
		{"another reserved event name", trigger("c", "pusher_internal:event", "d"), pusher.ErrInvalid},
		{"10,241 bytes of data", trigger("c", "e", strings.Repeat("x", 10241)), pusher.ErrTooLarge},
		{"data that is too large is invalid too", trigger("c", "e", strings.Repeat("x", 10241)), pusher.ErrInvalid},
		{"10,241 bytes when encoded", trigger("c", "e", []string{strings.Repeat("x", 10237)}), pusher.ErrTooLarge},
		{"data that cannot be encoded", trigger("c", "e", make(chan int)), pusher.ErrInvalid},
		{"data that is not UTF-8", trigger("c", "e", "a\xff"), pusher.ErrInvalid},
		{"a bad socket ID", trigger("c", "e", "d", pusher.ExcludeSocket("1234")), pusher.ErrInvalid},
		{"a socket ID with a line feed", trigger("c", "e", "d", pusher.ExcludeSocket("1.2\n")), pusher.ErrInvalid},
		{"an attribute that a trigger cannot ask for", trigger("c", "e", "d", pusher.WithInfo(pusher.Cache)), pusher.ErrInvalid},
		{"an empty batch", batch(), pusher.ErrInvalid},
		{"a batch of 11", batch(slices.Repeat([]pusher.Event{{Channel: "c", Name: "e"}}, 11)...), pusher.ErrInvalid},
		{"a batch with a bad channel", batch(pusher.Event{Channel: "c", Name: "e"}, pusher.Event{Channel: "a b", Name: "e"}), pusher.ErrInvalid},
		{"a batch with a large event", batch(pusher.Event{Channel: "c", Name: "e", Data: strings.Repeat("x", 10241)}), pusher.ErrTooLarge},
		{"a batch with an encrypted channel", batch(pusher.Event{Channel: "private-encrypted-c", Name: "e"}), pusher.ErrConfiguration},
		{"a batch with a bad socket ID", batch(pusher.Event{Channel: "c", Name: "e", SocketID: "x"}), pusher.ErrInvalid},
		{"an empty user ID", func(c *pusher.Client) error { return c.SendToUser(ctx, "", "e", "d") }, pusher.ErrInvalid},
		{"a user ID with a slash", func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "a/b") }, pusher.ErrInvalid},
		{"the user ID ..", func(c *pusher.Client) error { return c.TerminateUserConnections(ctx, "..") }, pusher.ErrInvalid},
		{"a control character in a prefix", channels(pusher.ChannelsParams{FilterByPrefix: "a\n"}), pusher.ErrInvalid},
		{"a prefix that is not UTF-8", channels(pusher.ChannelsParams{FilterByPrefix: "a\xff"}), pusher.ErrInvalid},
		{"a prefix of 201 characters", channels(pusher.ChannelsParams{FilterByPrefix: long}), pusher.ErrInvalid},
		{"user counts of channels that have no users", channels(pusher.ChannelsParams{Info: []pusher.Attribute{pusher.UserCount}}), pusher.ErrInvalid},
		{"an attribute that a list cannot tell", channels(pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.Cache}}), pusher.ErrInvalid},
		{"info about a bad channel", func(c *pusher.Client) error { _, err := c.ChannelInfo(ctx, "a b"); return err }, pusher.ErrInvalid},
		{"an unknown attribute", func(c *pusher.Client) error { _, err := c.ChannelInfo(ctx, "c", "colour"); return err }, pusher.ErrInvalid},
		{"users of a bad channel", func(c *pusher.Client) error { _, err := c.ChannelUsers(ctx, ".."); return err }, pusher.ErrInvalid},
		{"a GET of nothing", get("/", nil), pusher.ErrInvalid},
		{"a GET that climbs out of the app", get("/channels/../../4/channels", nil), pusher.ErrInvalid},
		{"a GET with its query in the path", get("/channels?info=user_count", nil), pusher.ErrInvalid},
		{"a GET with an empty segment", get("//example.org/", nil), pusher.ErrInvalid},
		{"a GET with the signature's parameter", get("/channels", url.Values{"Auth_Key": {"x"}}), pusher.ErrInvalid},
		{"a POST of what cannot be encoded", func(c *pusher.Client) error { _, err := c.Post(ctx, "/events", make(chan int)); return err }, pusher.ErrInvalid},
		{"a nil context", func(c *pusher.Client) error {
			var none context.Context
			_, err := c.Trigger(none, "c", "e", "d")
			return err
		}, pusher.ErrInvalid},
	}
	client, last := recorder(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(client)
			var typed *pusher.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &typed) {
				t.Fatalf("%s = %v, want %v in a *pusher.Error", tt.name, err, tt.want)
			}
			if typed.Op == "" || typed.Status != 0 || *last != (sent{}) {
				t.Errorf("%s: op %q, status %d, sent %+v; want an op, no status and nothing sent", tt.name, typed.Op, typed.Status, *last)
			}
		})
	}
}

func TestTheLargestInputIsSent(t *testing.T) {
	ctx := context.Background()
	client, last := recorder(t)
	name := strings.Repeat("x", 200)
	channels := strings.Split(strings.Repeat(name+"/", 99)+name, "/")
	if _, err := client.TriggerMulti(ctx, channels, strings.Repeat("é", 200), strings.Repeat("x", 10240)); err != nil {
		t.Errorf("TriggerMulti with everything at its limit = %v, want no error", err)
	}
	if last.method != "POST" {
		t.Error("nothing was sent")
	}
	bigger, _ := recorder(t, pusher.WithMaxEventBytes(20000))
	if _, err := bigger.Trigger(ctx, "c", "e", strings.Repeat("x", 20000)); err != nil {
		t.Errorf("Trigger of 20,000 bytes where they are allowed = %v, want no error", err)
	}
}
