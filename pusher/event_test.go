package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

type price struct {
	Cents int `json:"cents"`
}

var priceChanged = pusher.DefineEvent[price]("price-changed")

func TestEventType_Trigger(t *testing.T) {
	ctx := t.Context()
	testRequests(t, []requestTest{
		{"Trigger", func(c *pusher.Client) error {
			return errorOf(priceChanged.Trigger(ctx, c, "prices", price{349}, pusher.ExcludeSocket("1.2")))
		}, `POST /events {"channels":["prices"],"data":"{\"cents\":349}","name":"price-changed","socket_id":"1.2"}`},
		{"TriggerMulti", func(c *pusher.Client) error {
			return errorOf(priceChanged.TriggerMulti(ctx, c, []string{"a", "b"}, price{349}))
		}, `POST /events {"channels":["a","b"],"data":"{\"cents\":349}","name":"price-changed"}`},
		{"TriggerAsync", func(c *pusher.Client) error {
			return errorOf(priceChanged.TriggerAsync(ctx, c, "prices", price{349}).Wait(ctx))
		}, `POST /events {"channels":["prices"],"data":"{\"cents\":349}","name":"price-changed"}`},
		{"SendToUser", func(c *pusher.Client) error { return priceChanged.SendToUser(ctx, c, "7", price{349}) },
			`POST /events {"channels":["#server-to-user-7"],"data":"{\"cents\":349}","name":"price-changed"}`},
		{"TriggerBatch", func(c *pusher.Client) error {
			return errorOf(c.TriggerBatch(ctx, []pusher.Event{priceChanged.On("prices", price{349})}))
		}, `POST /batch_events {"batch":[{"channel":"prices","data":"{\"cents\":349}","name":"price-changed"}]}`},
	})
}

func TestEventType_Decode(t *testing.T) {
	got, err := priceChanged.Decode(`{"cents":349}`)
	if err != nil || got != (price{349}) {
		t.Errorf("Decode = %v, %v, want %v", got, err, price{349})
	}
	for _, data := range []string{"", "null!", `{"cents":"349"}`, "[1]"} {
		got, err := priceChanged.Decode(data)
		if !errors.Is(err, pusher.ErrInvalid) || got != (price{}) {
			t.Errorf("Decode(%q) = %v, %v, want %v", data, got, err, pusher.ErrInvalid)
		}
	}
	// What Trigger sends unchanged, Decode returns unchanged.
	if got, err := pusher.DefineEvent[string]("e").Decode("not JSON"); got != "not JSON" || err != nil {
		t.Errorf("Decode of a string = %q, %v", got, err)
	}
	if got, err := pusher.DefineEvent[[]byte]("e").Decode("not JSON"); string(got) != "not JSON" || err != nil {
		t.Errorf("Decode of a []byte = %q, %v", got, err)
	}
	if got, err := pusher.DefineEvent[json.RawMessage]("e").Decode(`{"a":1}`); string(got) != `{"a":1}` || err != nil {
		t.Errorf("Decode of a RawMessage = %q, %v", got, err)
	}
}

func TestDefineEvent_Invalid(t *testing.T) {
	for _, name := range []string{"", "bad\nname", string(make([]byte, 201))} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("DefineEvent(%.20q) did not panic", name)
				}
			}()
			pusher.DefineEvent[int](name)
		}()
	}
}

func TestClient_Encode(t *testing.T) {
	const masterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "key", Secret: "secret"},
		pusher.WithEncryptionMasterKey(masterKey), pusher.WithMaxBodyBytes(9000))
	if err != nil {
		t.Fatal(err)
	}
	text := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name  string
		event pusher.Event
		want  string
		err   error
	}{
		{"value", pusher.Event{Channel: "c", Name: "n", Data: map[string]string{"html": "<b>"}}, `{"html":"<b>"}`, nil},
		{"text", pusher.Event{Channel: "c", Name: "n", Data: "text"}, "text", nil},
		{"encrypted channel", pusher.Event{Channel: "private-encrypted-c", Name: "n", Data: price{349}}, `{"cents":349}`, nil},
		{"channel", pusher.Event{Channel: "no spaces", Name: "n"}, "", pusher.ErrInvalid},
		{"event name", pusher.Event{Channel: "c", Name: "pusher:n"}, "", pusher.ErrInvalid},
		{"socket ID", pusher.Event{Channel: "c", Name: "n", SocketID: "x"}, "", pusher.ErrInvalid},
		{"idempotency key", pusher.Event{Channel: "c", Name: "n", IdempotencyKey: text(129)}, "", pusher.ErrInvalid},
		{"data", pusher.Event{Channel: "c", Name: "n", Data: func() {}}, "", pusher.ErrInvalid},
		{"size", pusher.Event{Channel: "c", Name: "n", Data: text(10241)}, text(10241), pusher.ErrTooLarge},
		{"size with encryption", pusher.Event{Channel: "private-encrypted-c", Name: "n", Data: text(8000)}, text(8000), pusher.ErrTooLarge},
		{"size of the body", pusher.Event{Channel: "c", Name: "n", Data: text(8990)}, text(8990), pusher.ErrTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := client.Encode(test.event)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("Encode returned %.50q, error %v, want %.50q, error %v", got, err, test.want, test.err)
			}
			if test.err != nil && !errors.Is(err, pusher.ErrInvalid) {
				t.Errorf("error %v, want one that is also ErrInvalid", err)
			}
		})
	}
	if _, err := new(pusher.Client).Encode(pusher.Event{}); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("the zero client returned %v, want ErrConfiguration", err)
	}
}

func TestEventType_ZeroValue(t *testing.T) {
	var zero pusher.EventType[price]
	ctx := t.Context()
	testInvalidArguments(t, []argumentTest{
		{"Trigger", func(c *pusher.Client) error { return errorOf(zero.Trigger(ctx, c, "c", price{})) }, pusher.ErrInvalid},
		{"TriggerMulti", func(c *pusher.Client) error { return errorOf(zero.TriggerMulti(ctx, c, []string{"c"}, price{})) }, pusher.ErrInvalid},
		{"TriggerAsync", func(c *pusher.Client) error { return errorOf(zero.TriggerAsync(ctx, c, "c", price{}).Wait(ctx)) }, pusher.ErrInvalid},
		{"SendToUser", func(c *pusher.Client) error { return zero.SendToUser(ctx, c, "7", price{}) }, pusher.ErrInvalid},
		{"TriggerBatch", func(c *pusher.Client) error {
			return errorOf(c.TriggerBatch(ctx, []pusher.Event{zero.On("c", price{})}))
		}, pusher.ErrInvalid},
	})
}

// fakePublisher has the methods that typed events call.
type fakePublisher struct{ calls []string }

func (f *fakePublisher) Trigger(_ context.Context, channel, event string, data any, _ ...pusher.TriggerOption) (*pusher.TriggerResult, error) {
	f.calls = append(f.calls, fmt.Sprint("Trigger ", channel, " ", event, data))
	return nil, nil
}

func (f *fakePublisher) TriggerMulti(_ context.Context, channels []string, event string, data any, _ ...pusher.TriggerOption) (*pusher.TriggerResult, error) {
	f.calls = append(f.calls, fmt.Sprint("TriggerMulti ", channels, " ", event, data))
	return nil, nil
}

func (f *fakePublisher) SendToUser(_ context.Context, userID, event string, data any) error {
	f.calls = append(f.calls, fmt.Sprint("SendToUser ", userID, " ", event, data))
	return nil
}

func (f *fakePublisher) PublishMulti(_ context.Context, channels []string, event pusher.Event) error {
	f.calls = append(f.calls, fmt.Sprint("PublishMulti ", channels, " ", event.Name, event.Data))
	return nil
}

func TestEventType_Mock(t *testing.T) {
	ctx, fake := t.Context(), &fakePublisher{}
	err := errors.Join(
		errorOf(priceChanged.Trigger(ctx, fake, "a", price{349})),
		errorOf(priceChanged.TriggerMulti(ctx, fake, []string{"a", "b"}, price{349})),
		priceChanged.SendToUser(ctx, fake, "7", price{349}),
		priceChanged.PublishMulti(ctx, fake, []string{"a", "b"}, price{349}),
	)
	want := []string{
		"Trigger a price-changed{349}", "TriggerMulti [a b] price-changed{349}",
		"SendToUser 7 price-changed{349}", "PublishMulti [a b] price-changed{349}",
	}
	if err != nil || !slices.Equal(fake.calls, want) {
		t.Errorf("calls %q, error %v, want %q", fake.calls, err, want)
	}
}
