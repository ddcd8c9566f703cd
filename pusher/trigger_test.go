package pusher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_Trigger(t *testing.T) {
	ctx := context.Background()
	type data struct {
		Some string `json:"some"`
	}
	testRequests(t, []requestTest{
		{
			"documentation example",
			func(c *pusher.Client) error {
				_, err := c.Trigger(ctx, "project-3", "foo", data{"data"})
				return err
			},
			"POST", "/apps/3/events", "",
			`{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`,
		},
		{
			"string data",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", "plain text"); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"plain text"}`,
		},
		{
			"byte slice data",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", []byte(`[1]`)); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"[1]"}`,
		},
		{
			"raw JSON data",
			func(c *pusher.Client) error {
				_, err := c.Trigger(ctx, "c", "e", json.RawMessage(`{ "a":1}`))
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"{ \"a\":1}"}`,
		},
		{
			"no HTML escaping",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", []string{"<a&b>"}); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"[\"<a&b>\"]"}`,
		},
		{
			"nil data",
			func(c *pusher.Client) error { _, err := c.Trigger(ctx, "c", "e", nil); return err },
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"null"}`,
		},
		{
			"several channels, excluded socket, info",
			func(c *pusher.Client) error {
				_, err := c.TriggerMulti(ctx, []string{"a", "presence-b"}, "e", "d",
					pusher.ExcludeSocket("1234.5678"), pusher.WithInfo(pusher.UserCount, pusher.SubscriptionCount))
				return err
			},
			"POST", "/apps/3/events", "",
			`{"name":"e","channels":["a","presence-b"],"data":"d","socket_id":"1234.5678","info":"user_count,subscription_count"}`,
		},
		{
			"empty socket ID",
			func(c *pusher.Client) error {
				_, err := c.Trigger(ctx, "c", "e", "d", pusher.ExcludeSocket(""))
				return err
			},
			"POST", "/apps/3/events", "", `{"name":"e","channels":["c"],"data":"d"}`,
		},
		{
			"batch, documentation example",
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
	})
}

func TestClient_Trigger_InvalidArguments(t *testing.T) {
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
	testInvalidArguments(t, []argumentTest{
		{"no channels", multi(), pusher.ErrInvalid},
		{"101 channels", multi(names(101)...), pusher.ErrInvalid},
		{"empty channel name", trigger("", "e", "d"), pusher.ErrInvalid},
		{"channel .", trigger(".", "e", "d"), pusher.ErrInvalid},
		{"channel ..", trigger("..", "e", "d"), pusher.ErrInvalid},
		{"channel name with a space", trigger("a b", "e", "d"), pusher.ErrInvalid},
		{"channel name with a slash", trigger("a/b", "e", "d"), pusher.ErrInvalid},
		{"channel name with a colon", trigger("a:b", "e", "d"), pusher.ErrInvalid},
		{"channel name with a non-ASCII letter", trigger("é", "e", "d"), pusher.ErrInvalid},
		{"channel name of 201 characters", trigger(long, "e", "d"), pusher.ErrInvalid},
		{"user channel without user ID", trigger("#server-to-user-", "e", "d"), pusher.ErrInvalid},
		{"reserved channel", trigger("#something", "e", "d"), pusher.ErrInvalid},
		{"second of two channels invalid", multi("a", "b c"), pusher.ErrInvalid},
		{"two channels, one encrypted", multi("a", "private-encrypted-b"), pusher.ErrInvalid},
		{"encrypted channel without master key", trigger("private-encrypted-a", "e", "d"), pusher.ErrConfiguration},
		{"empty event name", trigger("c", "", "d"), pusher.ErrInvalid},
		{"event name of 201 characters", trigger("c", long, "d"), pusher.ErrInvalid},
		{"event name with a line feed", trigger("c", "a\nb", "d"), pusher.ErrInvalid},
		{"event name with invalid UTF-8", trigger("c", "a\xff", "d"), pusher.ErrInvalid},
		{"event name pusher:", trigger("c", "pusher:event", "d"), pusher.ErrInvalid},
		{"event name pusher_internal:", trigger("c", "pusher_internal:event", "d"), pusher.ErrInvalid},
		{"10,241 bytes of data", trigger("c", "e", strings.Repeat("x", 10241)), pusher.ErrTooLarge},
		{"too large is also invalid", trigger("c", "e", strings.Repeat("x", 10241)), pusher.ErrInvalid},
		{"10,241 bytes of encoded data", trigger("c", "e", []string{strings.Repeat("x", 10237)}), pusher.ErrTooLarge},
		{"data that cannot be encoded", trigger("c", "e", make(chan int)), pusher.ErrInvalid},
		{"data with invalid UTF-8", trigger("c", "e", "a\xff"), pusher.ErrInvalid},
		{"invalid socket ID", trigger("c", "e", "d", pusher.ExcludeSocket("1234")), pusher.ErrInvalid},
		{"socket ID with a line feed", trigger("c", "e", "d", pusher.ExcludeSocket("1.2\n")), pusher.ErrInvalid},
		{"attribute not available", trigger("c", "e", "d", pusher.WithInfo(pusher.Cache)), pusher.ErrInvalid},
		{"empty batch", batch(), pusher.ErrInvalid},
		{"batch of 11 events", batch(slices.Repeat([]pusher.Event{{Channel: "c", Name: "e"}}, 11)...), pusher.ErrInvalid},
		{"batch with an invalid channel", batch(pusher.Event{Channel: "c", Name: "e"}, pusher.Event{Channel: "a b", Name: "e"}), pusher.ErrInvalid},
		{"batch with an event that is too large", batch(pusher.Event{Channel: "c", Name: "e", Data: strings.Repeat("x", 10241)}), pusher.ErrTooLarge},
		{"batch with an encrypted channel", batch(pusher.Event{Channel: "private-encrypted-c", Name: "e"}), pusher.ErrConfiguration},
		{"batch with an invalid socket ID", batch(pusher.Event{Channel: "c", Name: "e", SocketID: "x"}), pusher.ErrInvalid},
		{"nil option", trigger("c", "e", "d", nil), pusher.ErrInvalid},
		{"nil context", func(c *pusher.Client) error { _, err := c.Trigger(noContext, "c", "e", "d"); return err }, pusher.ErrInvalid},
	})
}

func TestClient_Trigger_Limits(t *testing.T) {
	ctx := context.Background()
	client, last := recordingServer(t)
	name := strings.Repeat("x", 200)
	channels := strings.Split(strings.Repeat(name+"/", 99)+name, "/")
	if _, err := client.TriggerMulti(ctx, channels, strings.Repeat("é", 200), strings.Repeat("x", 10240)); err != nil {
		t.Errorf("TriggerMulti with everything at its limit = %v, want no error", err)
	}
	if last.method != "POST" {
		t.Error("no request was sent")
	}
	bigger, _ := recordingServer(t, pusher.WithMaxEventBytes(20000))
	if _, err := bigger.Trigger(ctx, "c", "e", strings.Repeat("x", 20000)); err != nil {
		t.Errorf("Trigger of 20,000 bytes with WithMaxEventBytes(20000) = %v, want no error", err)
	}
}

// names returns n different channel names.
func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("c", i)
	}
	return list
}
