package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

type price struct {
	Cents int `json:"cents"`
}

var priceChanged = pusher.DefineEvent[price]("price-changed")

// bodies returns a client and the bodies of its requests.
func bodies(t *testing.T) (*pusher.Client, func() []string) {
	t.Helper()
	var received []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		received = append(received, string(body))
		_, _ = io.WriteString(w, "{}")
	}))
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	return client, func() []string {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
		return received
	}
}

func TestEventType_Publish(t *testing.T) {
	ctx := t.Context()
	tests := []struct {
		name    string
		publish func(c *pusher.Client) error
		want    string
	}{
		{"Trigger", func(c *pusher.Client) error {
			_, err := priceChanged.Trigger(ctx, c, "prices", price{349}, pusher.ExcludeSocket("1.2"))
			return err
		}, `{"channels":["prices"],"data":"{\"cents\":349}","name":"price-changed","socket_id":"1.2"}`},
		{"TriggerMulti", func(c *pusher.Client) error {
			_, err := priceChanged.TriggerMulti(ctx, c, []string{"a", "b"}, price{349})
			return err
		}, `{"channels":["a","b"],"data":"{\"cents\":349}","name":"price-changed"}`},
		{"TriggerAsync", func(c *pusher.Client) error {
			_, err := priceChanged.TriggerAsync(ctx, c, "prices", price{349}).Wait(ctx)
			return err
		}, `{"channels":["prices"],"data":"{\"cents\":349}","name":"price-changed"}`},
		{"SendToUser", func(c *pusher.Client) error {
			return priceChanged.SendToUser(ctx, c, "7", price{349})
		}, `{"channels":["#server-to-user-7"],"data":"{\"cents\":349}","name":"price-changed"}`},
		{"TriggerBatch", func(c *pusher.Client) error {
			_, err := c.TriggerBatch(ctx, []pusher.Event{priceChanged.On("prices", price{349})})
			return err
		}, `{"batch":[{"channel":"prices","data":"{\"cents\":349}","name":"price-changed"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, received := bodies(t)
			if err := tt.publish(client); err != nil {
				t.Fatal(err)
			}
			got := received()
			if len(got) != 1 || !equalJSON(t, json.RawMessage(got[0]), json.RawMessage(tt.want)) {
				t.Errorf("sent %q, want %s", got, tt.want)
			}
		})
	}
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

func TestDefineEvent_InvalidName(t *testing.T) {
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

func TestEventType_ZeroValue(t *testing.T) {
	client, received := bodies(t)
	var zero pusher.EventType[price]
	ctx := t.Context()
	_, triggerErr := zero.Trigger(ctx, client, "c", price{})
	_, multiErr := zero.TriggerMulti(ctx, client, []string{"c"}, price{})
	_, asyncErr := zero.TriggerAsync(ctx, client, "c", price{}).Wait(ctx)
	userErr := zero.SendToUser(ctx, client, "7", price{})
	for name, err := range map[string]error{
		"Trigger": triggerErr, "TriggerMulti": multiErr, "TriggerAsync": asyncErr, "SendToUser": userErr,
	} {
		if !errors.Is(err, pusher.ErrInvalid) {
			t.Errorf("%s = %v, want %v", name, err, pusher.ErrInvalid)
		}
	}
	if _, err := client.TriggerBatch(ctx, []pusher.Event{zero.On("c", price{})}); !errors.Is(err, pusher.ErrInvalid) {
		t.Errorf("TriggerBatch of an event without a name = %v, want %v", err, pusher.ErrInvalid)
	}
	if got := received(); len(got) != 0 {
		t.Errorf("sent %q, want nothing", got)
	}
}
