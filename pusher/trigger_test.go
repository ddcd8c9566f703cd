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
	trigger := func(data any, opts ...pusher.TriggerOption) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.Trigger(ctx, "c", "e", data, opts...)) }
	}
	const plain = `POST /events {"channels":["c"],"data":"d","name":"e"}`
	testRequests(t, []requestTest{
		{"documentation example", func(c *pusher.Client) error { return errorOf(c.Trigger(ctx, "project-3", "foo", data{"data"})) },
			`POST /events {"channels":["project-3"],"data":"{\"some\":\"data\"}","name":"foo"}`},
		{"string data", trigger("d"), plain},
		{"byte slice data", trigger([]byte("d")), plain},
		{"raw JSON data", trigger(json.RawMessage(`{ "a":1}`)), `POST /events {"channels":["c"],"data":"{ \"a\":1}","name":"e"}`},
		// Escaped once, by the encoding of the request: the data itself has the characters.
		{"no HTML escaping", trigger([]string{"<a&b>"}), `POST /events {"channels":["c"],"data":"[\"\u003ca\u0026b\u003e\"]","name":"e"}`},
		{"nil data", trigger(nil), `POST /events {"channels":["c"],"data":"null","name":"e"}`},
		{"empty socket ID", trigger("d", pusher.ExcludeSocket("")), plain},
		{"several channels, excluded socket, info", func(c *pusher.Client) error {
			return errorOf(c.TriggerMulti(ctx, []string{"a", "presence-b"}, "e", "d",
				pusher.ExcludeSocket("1234.5678"), pusher.WithInfo(pusher.UserCount, pusher.SubscriptionCount)))
		}, `POST /events {"channels":["a","presence-b"],"data":"d","info":"user_count,subscription_count","name":"e","socket_id":"1234.5678"}`},
		{"channel given twice", func(c *pusher.Client) error {
			return errorOf(c.TriggerMulti(ctx, []string{"a", "b", "a"}, "e", "d"))
		}, `POST /events {"channels":["a","b"],"data":"d","name":"e"}`},
		// encoding/json replaces invalid UTF-8 within a value.
		{"invalid UTF-8 in a struct", trigger(data{"a\xff"}), `POST /events {"channels":["c"],"data":"{\"some\":\"a` + `\\ufffd` + `\"}","name":"e"}`},
		// Sockudo, documentation of idempotent publishing: the field idempotency_key.
		{"idempotency key", trigger("d", pusher.WithIdempotencyKey("order-7")), `POST /events {"channels":["c"],"data":"d","idempotency_key":"order-7","name":"e"}`},
		{"idempotency key in a batch, metadata is not sent", func(c *pusher.Client) error {
			return errorOf(c.TriggerBatch(ctx, []pusher.Event{{Channel: "c", Name: "e", Data: "d", IdempotencyKey: "order-7", Metadata: "m"}}))
		}, `POST /batch_events {"batch":[{"channel":"c","data":"d","idempotency_key":"order-7","name":"e"}]}`},
		{"batch, documentation example", func(c *pusher.Client) error {
			return errorOf(c.TriggerBatch(ctx, []pusher.Event{
				{Channel: "project-3", Name: "foo", Data: data{"data"}},
				{Channel: "presence-foobar", Name: "bar", Data: `{"more":"data"}`, SocketID: "1234.1234", Info: []pusher.Attribute{pusher.UserCount}},
			}))
		}, `POST /batch_events {"batch":[{"channel":"project-3","data":"{\"some\":\"data\"}","name":"foo"},` +
			`{"channel":"presence-foobar","data":"{\"more\":\"data\"}","info":"user_count","name":"bar","socket_id":"1234.1234"}]}`},
	})
}

func TestClient_TriggerInvalid(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("x", 201)
	trigger := func(channel, event string, data any, opts ...pusher.TriggerOption) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.Trigger(ctx, channel, event, data, opts...)) }
	}
	multi := func(channels ...string) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.TriggerMulti(ctx, channels, "e", "d")) }
	}
	batch := func(events ...pusher.Event) func(*pusher.Client) error {
		return func(c *pusher.Client) error { return errorOf(c.TriggerBatch(ctx, events)) }
	}
	testInvalidArguments(t, []argumentTest{
		{"no channels", multi(), pusher.ErrInvalid},
		{"idempotency key of 129 bytes", trigger("c", "e", "d", pusher.WithIdempotencyKey(strings.Repeat("x", 129))), pusher.ErrInvalid},
		{"idempotency key with invalid UTF-8", trigger("c", "e", "d", pusher.WithIdempotencyKey("\xff")), pusher.ErrInvalid},
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
		{"nil context", func(c *pusher.Client) error { return errorOf(c.Trigger(noContext, "c", "e", "d")) }, pusher.ErrInvalid},
	})
}

func TestClient_TriggerLimits(t *testing.T) {
	channels := slices.Repeat([]string{strings.Repeat("x", 200)}, 100)
	client, server := serve(t, respond(200, "{}"))
	if _, err := client.TriggerMulti(t.Context(), channels, strings.Repeat("é", 200), strings.Repeat("x", 10240)); err != nil || len(server.requests()) != 1 {
		t.Errorf("TriggerMulti with everything at its limit = %v, want no error after one request", err)
	}
	client, _ = serve(t, respond(200, "{}"), pusher.WithMaxEventBytes(20000))
	if _, err := client.Trigger(t.Context(), "c", "e", strings.Repeat("x", 20000)); err != nil {
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

func TestClient_TriggerBatchLimits(t *testing.T) {
	for _, n := range []int{0, 1, 10, 11} {
		client, server := serve(t, respond(200, "{}"))
		_, err := client.TriggerBatch(t.Context(), slices.Repeat([]pusher.Event{{Channel: "c", Name: "e", Data: "d"}}, n))
		if valid := n >= 1 && n <= 10; valid != (err == nil) || valid != (len(server.requests()) == 1) {
			t.Errorf("TriggerBatch of %d events = %v, want an error unless there are 1 to 10", n, err)
		}
	}
}

func TestClient_TriggerMultiLimits(t *testing.T) {
	for n, valid := range map[int]bool{1: true, 100: true, 101: false} {
		client, _ := serve(t, respond(200, "{}"))
		if _, err := client.TriggerMulti(t.Context(), names(n), "e", "d"); valid != (err == nil) {
			t.Errorf("TriggerMulti to %d channels = %v, want valid %t", n, err, valid)
		}
	}
	for n, valid := range map[int]bool{128: true, 129: false} {
		client, _ := serve(t, respond(200, "{}"))
		_, err := client.Trigger(t.Context(), "c", "e", "d", pusher.WithIdempotencyKey(strings.Repeat("k", n)))
		if valid != (err == nil) {
			t.Errorf("Trigger with a key of %d bytes = %v, want valid %t", n, err, valid)
		}
	}
}
