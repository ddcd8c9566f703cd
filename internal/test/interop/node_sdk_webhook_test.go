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

// webhookBody is a webhook with two events. Source: Pusher Channels docs, Webhooks.
const webhookBody = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"},{"name":"member_added","channel":"presence-a","user_id":"Zoë"}]}`

// TestVerifier_NodeSDK checks that a Verifier accepts and rejects the same webhooks as
// Pusher's library for Node.js.
func TestVerifier_NodeSDK(t *testing.T) {
	sdk := newNodeSDK(t)
	type token struct{ Key, Secret string }
	app := token{key, secret}
	next := token{"next-key", "next-secret"}
	signed := func(by token, body string) http.Header { return webhook.SignedHeader(by.Key, by.Secret, []byte(body)) }
	with := func(name, value string) http.Header {
		header := signed(app, webhookBody)
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
		tokens []token // accepted in addition to the app's own
		want   error
	}{
		{"valid", signed(app, webhookBody), webhookBody, nil, nil},
		{"valid with a trailing line feed", signed(app, webhookBody+"\n"), webhookBody + "\n", nil, nil},
		{"extra byte", signed(app, webhookBody), webhookBody + " ", nil, webhook.ErrSignature},
		{"missing byte", signed(app, webhookBody), webhookBody[:len(webhookBody)-1], nil, webhook.ErrSignature},
		{"signature of another body", signed(app, "{}"), webhookBody, nil, webhook.ErrSignature},
		{"signature with another secret", signed(token{key, "other"}, webhookBody), webhookBody, nil, webhook.ErrSignature},
		{"unknown key", signed(next, webhookBody), webhookBody, nil, webhook.ErrUnknownKey},
		{"further key", signed(next, webhookBody), webhookBody, []token{next}, nil},
		{"own key in addition to a further one", signed(app, webhookBody), webhookBody, []token{next}, nil},
		{"key of one token, secret of another", signed(token{key, next.Secret}, webhookBody), webhookBody, []token{next}, webhook.ErrSignature},
		{"missing key", with("X-Pusher-Key", ""), webhookBody, nil, webhook.ErrUnknownKey},
		{"signature of zeros", with("X-Pusher-Signature", "0000000000000000000000000000000000000000000000000000000000000000"), webhookBody, nil, webhook.ErrSignature},
		{"short signature", with("X-Pusher-Signature", "00"), webhookBody, nil, webhook.ErrSignature},
		{"valid signature of a body that is not JSON", signed(app, "time_ms=1"), "time_ms=1", nil, webhook.ErrMalformed},
		{"valid signature of an empty body", signed(app, ""), "", nil, webhook.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var opts []webhook.Option
			tokens := []map[string]string{}
			for _, token := range test.tokens {
				opts = append(opts, webhook.WithKey(token.Key, token.Secret))
				tokens = append(tokens, map[string]string{"key": token.Key, "secret": token.Secret})
			}
			verifier, err := webhook.New(app.Key, app.Secret, opts...)
			if err != nil {
				t.Fatalf("webhook.New: %v", err)
			}
			hook, err := verifier.ParseBytes(test.header, []byte(test.body))
			if !errors.Is(err, test.want) {
				t.Errorf("ParseBytes(%s)\ngot  %v\nwant %v", test.body, err, test.want)
			}
			data := sdk.webhook(test.header, test.body, tokens)
			if valid := data != nil; valid != (test.want == nil) {
				t.Errorf("isValid(%s) of the library: got %v, want the result to agree with %v", test.body, valid, test.want)
			}
			if data != nil && hook != nil {
				compareWebhooks(t, hook, data)
			}
		})
	}
}

// compareWebhooks compares a webhook with the data that the library decoded.
func compareWebhooks(t *testing.T, got *webhook.Webhook, data json.RawMessage) {
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
		t.Fatalf("got time %v and %d events, the library decoded %s", got.Time, len(got.Events), data)
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
			t.Errorf("event %d: got %+v, the library decoded %+v", i, got.Events[i], event)
		}
	}
}
