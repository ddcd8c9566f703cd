package pusher_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

func TestClient_ParseWebhook(t *testing.T) {
	client, err := pusher.New(app)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`
	hook, err := client.ParseWebhook(webhookRequest(app.Key, app.Secret, body))
	if err != nil || len(hook.Events) != 1 || hook.Events[0] != (webhook.ChannelOccupied{Channel: "my-channel"}) {
		t.Errorf("ParseWebhook = %+v, %v, want the channel my-channel occupied", hook, err)
	}
}

func TestClient_ParseWebhookInvalid(t *testing.T) {
	client, err := pusher.New(app)
	if err != nil {
		t.Fatal(err)
	}
	tooLarge := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 1<<20+1)))
	tooLarge.Header = webhookRequest(app.Key, app.Secret, "").Header
	tests := []struct {
		name string
		call func() error
		want error
	}{
		{"zero client", func() error { _, err := (&pusher.Client{}).ParseWebhook(webhookRequest("k", "s", "{}")); return err }, pusher.ErrConfiguration},
		{"another key", func() error { _, err := client.ParseWebhook(webhookRequest("other", app.Secret, "{}")); return err }, pusher.ErrAuthentication},
		{"another secret", func() error { _, err := client.ParseWebhook(webhookRequest(app.Key, "other", "{}")); return err }, pusher.ErrAuthentication},
		{"body too large", func() error { _, err := client.ParseWebhook(tooLarge); return err }, pusher.ErrTooLarge},
		{"signed, but not JSON", func() error { _, err := client.ParseWebhook(webhookRequest(app.Key, app.Secret, "hello")); return err }, pusher.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			var typed *pusher.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &typed) {
				t.Errorf("%s = %v, want %v in a *pusher.Error", tt.name, err, tt.want)
			}
		})
	}
}
