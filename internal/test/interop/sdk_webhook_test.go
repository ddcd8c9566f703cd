//go:build interop

package interop_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// Two events of Pusher Channels docs, Webhooks, in one delivery.
const delivery = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"},{"name":"member_added","channel":"presence-a","user_id":"Zoë"}]}`

func TestWebhookVerdictsAreThoseOfTheNodeLibrary(t *testing.T) {
	sdk := newSDK(t)
	app := webhook.Token{Key: key, Secret: secret}
	next := webhook.Token{Key: "next-key", Secret: "next-secret"}
	signed := func(token webhook.Token, body string) http.Header { return webhook.SignedHeader(token, []byte(body)) }
	with := func(name string, value string) http.Header {
		header := signed(app, delivery)
		header.Set(name, value)
		if value == "" {
			header.Del(name)
		}
		return header
	}
	tests := []struct {
		name   string
		header http.Header
		body   string
		tokens []webhook.Token // accepted beside the app's own
		want   error
	}{
		{"a genuine delivery", signed(app, delivery), delivery, nil, nil},
		{"one that ends with a line feed", signed(app, delivery+"\n"), delivery + "\n", nil, nil},
		{"one byte more", signed(app, delivery), delivery + " ", nil, webhook.ErrSignature},
		{"one byte less", signed(app, delivery), delivery[:len(delivery)-1], nil, webhook.ErrSignature},
		{"the signature of another body", signed(app, "{}"), delivery, nil, webhook.ErrSignature},
		{"signed with another secret", signed(webhook.Token{Key: key, Secret: "other"}, delivery), delivery, nil, webhook.ErrSignature},
		{"an unknown key", signed(next, delivery), delivery, nil, webhook.ErrUnknownKey},
		{"a further key", signed(next, delivery), delivery, []webhook.Token{next}, nil},
		{"the app's own key beside a further one", signed(app, delivery), delivery, []webhook.Token{next}, nil},
		{"the key of one token and the secret of another", signed(webhook.Token{Key: key, Secret: next.Secret}, delivery), delivery, []webhook.Token{next}, webhook.ErrSignature},
		{"no key", with("X-Pusher-Key", ""), delivery, nil, webhook.ErrUnknownKey},
		{"a signature of zeros", with("X-Pusher-Signature", "0000000000000000000000000000000000000000000000000000000000000000"), delivery, nil, webhook.ErrSignature},
		{"a short signature", with("X-Pusher-Signature", "00"), delivery, nil, webhook.ErrSignature},
		{"a genuine delivery of what is no JSON", signed(app, "time_ms=1"), "time_ms=1", nil, webhook.ErrMalformed},
		{"a genuine delivery of nothing", signed(app, ""), "", nil, webhook.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var opts []webhook.Option
			tokens := []map[string]string{}
			for _, token := range test.tokens {
				opts = append(opts, webhook.WithToken(token))
				tokens = append(tokens, map[string]string{"key": token.Key, "secret": token.Secret})
			}
			verifier, err := webhook.NewVerifier(app, opts...)
			if err != nil {
				t.Fatalf("NewVerifier: %v", err)
			}
			hook, err := verifier.ParseBytes(test.header, []byte(test.body))
			if !errors.Is(err, test.want) {
				t.Errorf("ParseBytes(%s)\ngot  %v\nwant %v", test.body, err, test.want)
			}
			data := sdk.webhook(test.header, test.body, tokens)
			if valid := data != nil; valid != (test.want == nil) {
				t.Errorf("isValid(%s)\ngot  %v\nwant the verdict to be %v", test.body, valid, test.want)
			}
			if data != nil && hook != nil {
				compareDeliveries(t, hook, data)
			}
		})
	}
}

// compareDeliveries checks that both see the same time and the same events.
func compareDeliveries(t *testing.T, got *webhook.Webhook, data json.RawMessage) {
	t.Helper()
	var want struct {
		TimeMS int64 `json:"time_ms"`
		Events []struct {
			Name, Channel string
			UserID        string `json:"user_id"`
		}
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	if !got.Time.Equal(time.UnixMilli(want.TimeMS)) || len(got.Events) != len(want.Events) {
		t.Fatalf("got a webhook of %v with %d events, the library has %s", got.Time, len(got.Events), data)
	}
	for i, event := range want.Events {
		var same bool
		switch got := got.Events[i].(type) {
		case webhook.ChannelOccupied:
			same = event.Name == "channel_occupied" && got.Channel == event.Channel
		case webhook.MemberAdded:
			same = event.Name == "member_added" && got.Channel == event.Channel && got.UserID == event.UserID
		}
		if !same {
			t.Errorf("event %d: got %+v, the library has %+v", i, got.Events[i], event)
		}
	}
}
