package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

// The key of pusher-http-node's tests.
const nodeMasterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

func TestEncryptedEventsTravelSealed(t *testing.T) {
	ctx := context.Background()
	client, last := recorder(t, pusher.WithEncryptionMasterKey(nodeMasterKey))
	key, err := encryption.ParseMasterKey(nodeMasterKey)
	if err != nil {
		t.Fatal(err)
	}
	open := func(channel, data string) string {
		t.Helper()
		text, err := key.Decrypt(channel, []byte(data))
		if err != nil {
			t.Errorf("what was sent on %s does not decrypt: %v", channel, err)
		}
		return string(text)
	}

	if _, err := client.Trigger(ctx, "private-encrypted-bla", "e", map[string]string{"a": "<b>"}); err != nil {
		t.Fatalf("Trigger: %v", err)
	}
	var event struct{ Data string }
	if err := json.Unmarshal([]byte(last.body), &event); err != nil {
		t.Fatal(err)
	}
	if got, want := open("private-encrypted-bla", event.Data), `{"a":"<b>"}`; got != want || strings.Contains(last.body, "<b>") {
		t.Errorf("Trigger sent %s, which holds %s, want %s", last.body, got, want)
	}

	_, err = client.TriggerBatch(ctx, []pusher.Event{
		{Channel: "private-encrypted-bla", Name: "e", Data: "sealed"},
		{Channel: "private-open", Name: "e", Data: "readable"},
	})
	if err != nil {
		t.Fatalf("TriggerBatch: %v", err)
	}
	var batch struct{ Batch []struct{ Data string } }
	if err := json.Unmarshal([]byte(last.body), &batch); err != nil {
		t.Fatal(err)
	}
	if got := open("private-encrypted-bla", batch.Batch[0].Data); got != "sealed" || batch.Batch[1].Data != "readable" {
		t.Errorf("TriggerBatch sent %s, want the first event sealed and the second readable", last.body)
	}
}

// 10,240 bytes of JSON are {"nonce":"…32…","ciphertext":"…"} around 7,616 bytes
// and their tag of 16: 59 and four for every three.
func TestTheLimitCountsWhatIsSent(t *testing.T) {
	client, last := recorder(t, pusher.WithEncryptionMasterKey(nodeMasterKey))
	largest := encryption.EncryptedLength(0)
	n := 0
	for ; largest <= 10240; n++ {
		largest = encryption.EncryptedLength(n + 1)
	}
	if _, err := client.Trigger(context.Background(), "private-encrypted-bla", "e", strings.Repeat("x", n)); !errors.Is(err, pusher.ErrTooLarge) {
		t.Errorf("Trigger of %d bytes that become more than 10,240 = %v, want %v", n, err, pusher.ErrTooLarge)
	}
	if *last != (sent{}) {
		t.Errorf("it was sent: %+v", *last)
	}
	if _, err := client.Trigger(context.Background(), "private-encrypted-bla", "e", strings.Repeat("x", n-1)); err != nil {
		t.Errorf("Trigger of %d bytes = %v, want no error", n-1, err)
	}
	var event struct{ Data string }
	if err := json.Unmarshal([]byte(last.body), &event); err != nil || len(event.Data) > 10240 {
		t.Errorf("%d bytes were sent, error %v; want at most 10,240", len(event.Data), err)
	}
}

func TestBadMasterKeysAreFoundWhenTheClientIsMade(t *testing.T) {
	for name, key := range map[string]string{
		"empty":             "",
		"not Base64":        "!!!",
		"31 bytes":          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"a raw 32-byte key": "This is a key with 32 characters",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pusher.New(app, pusher.WithEncryptionMasterKey(key))
			if !errors.Is(err, pusher.ErrConfiguration) || key != "" && strings.Contains(err.Error(), key) {
				t.Errorf("New with a key that is %s = %v, want %v without the key", name, err, pusher.ErrConfiguration)
			}
		})
	}
}

func TestOneClientServesTheAppsEndpoints(t *testing.T) {
	client, err := pusher.New(app, pusher.WithEncryptionMasterKey(nodeMasterKey))
	if err != nil {
		t.Fatal(err)
	}

	// Source: Pusher Channels docs, Authentication signatures.
	private, err := client.Channel("private-foobar").AuthorizePrivate("1234.1234")
	if want := "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"; err != nil || private.Auth != want {
		t.Errorf("AuthorizePrivate = %+v, %v, want %s", private, err, want)
	}
	// Source: pusher-http-node, authenticate.js.
	encrypted, err := client.Channel("private-encrypted-bla").AuthorizePrivate("123.456")
	if want := "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ="; err != nil || encrypted.SharedSecret != want {
		t.Errorf("AuthorizePrivate = %+v, %v, want the shared secret %s", encrypted, err, want)
	}
	user, err := client.Authorizer().AuthenticateUser("1234.1234", auth.User{ID: "12345"})
	if want := "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"; err != nil || user.Auth != want {
		t.Errorf("AuthenticateUser = %+v, %v, want %s", user, err, want)
	}

	const body = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`
	hook, err := client.Webhook(delivery(app.Key, app.Secret, body))
	if err != nil || len(hook.Events) != 1 || hook.Events[0] != (webhook.ChannelOccupied{Channel: "my-channel"}) {
		t.Errorf("Webhook = %+v, %v, want the channel my-channel occupied", hook, err)
	}
}

func TestEndpointErrorsAreOfTheFamily(t *testing.T) {
	plain, err := pusher.New(app)
	if err != nil {
		t.Fatal(err)
	}
	tooLarge := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 1<<20+1)))
	tooLarge.Header = delivery(app.Key, app.Secret, "").Header
	tests := []struct {
		name string
		call func() error
		want error
	}{
		{"a private authorization of a presence channel", func() error { _, err := plain.Channel("presence-x").AuthorizePrivate("1.1"); return err }, pusher.ErrInvalid},
		{"a presence authorization of a private channel", func() error {
			_, err := plain.Channel("private-x").AuthorizePresence("1.1", auth.Member{UserID: "1"})
			return err
		}, pusher.ErrInvalid},
		{"a forged channel name", func() error {
			_, err := plain.Channel(`private-x:{"user_id":"admin"}`).AuthorizePrivate("1.1")
			return err
		}, pusher.ErrInvalid},
		{"an encrypted channel without a master key", func() error { _, err := plain.Channel("private-encrypted-x").AuthorizePrivate("1.1"); return err }, pusher.ErrConfiguration},
		{"a channel of the zero client", func() error { _, err := (&pusher.Client{}).Channel("private-x").AuthorizePrivate("1.1"); return err }, pusher.ErrConfiguration},
		{"a webhook to the zero client", func() error { _, err := (&pusher.Client{}).Webhook(delivery("k", "s", "{}")); return err }, pusher.ErrConfiguration},
		{"a webhook of another app", func() error { _, err := plain.Webhook(delivery("other", app.Secret, "{}")); return err }, pusher.ErrAuthentication},
		{"a webhook with another secret", func() error { _, err := plain.Webhook(delivery(app.Key, "other", "{}")); return err }, pusher.ErrAuthentication},
		{"a webhook that is too large", func() error { _, err := plain.Webhook(tooLarge); return err }, pusher.ErrTooLarge},
		{"a signed webhook that is no JSON", func() error { _, err := plain.Webhook(delivery(app.Key, app.Secret, "hello")); return err }, pusher.ErrInvalid},
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
