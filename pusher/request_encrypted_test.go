package pusher_test

import (
	"context"
	"errors"
	"testing"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

// Requests that are not built by the client's methods must not send plain text to
// encrypted channels.
func TestUnencryptedData(t *testing.T) {
	const (
		plain  = `{"secret":true}`
		sealed = `{"nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}`
		target = "private-encrypted-c"
	)
	ctx := context.Background()
	single := func(c *pusher.Client, data string) error {
		name := target
		_, err := c.API().TriggerEvent(ctx, "3", gen.TriggerRequest{Name: "e", Channel: &name, Data: data})
		return err
	}
	multi := func(c *pusher.Client, data string) error {
		_, err := c.API().TriggerEvent(ctx, "3", gen.TriggerRequest{Name: "e", Channels: []string{target}, Data: data})
		return err
	}
	batch := func(c *pusher.Client, data string) error {
		_, err := c.API().TriggerBatch(ctx, "3", gen.BatchRequest{Batch: []gen.BatchEvent{
			{Channel: "c", Name: "e", Data: plain}, {Channel: target, Name: "e", Data: data}}})
		return err
	}
	post := func(c *pusher.Client, data string) error {
		_, err := c.Post(ctx, "/events", map[string]any{"name": "e", "channels": []string{target}, "data": data})
		return err
	}
	for name, send := range map[string]func(*pusher.Client, string) error{"API, channel": single, "API, channels": multi, "API, batch": batch, "Post": post} {
		t.Run(name, func(t *testing.T) {
			client, received := bodies(t)
			if err := send(client, plain); !errors.Is(err, pusher.ErrInvalid) {
				t.Errorf("plain data = %v, want %v", err, pusher.ErrInvalid)
			}
			if err := send(client, sealed); err != nil {
				t.Errorf("encrypted data = %v, want no error", err)
			}
			if got := received(); len(got) != 1 {
				t.Errorf("sent %q, want only the encrypted event", got)
			}
		})
	}
}
