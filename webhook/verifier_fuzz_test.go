package webhook_test

import (
	"errors"
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

// FuzzParseBytes checks that only a body with a valid signature is decoded, and that its
// only error is ErrMalformed.
func FuzzParseBytes(f *testing.F) {
	for _, body := range []string{
		docsBody,
		`{"hello":"world"}`,
		`{"time_ms":1396258618139,"events":[{"name":"client_event","channel":"private-test_channel","event":"client-my_event","data":"{\"data\":1234}","socket_id":"34718.5367461"}]}`,
		`{"time_ms":"1327078148","events":[{"name":"member_added","channel":"presence-a","user_id":5},{"name":"new","channel":[]}]}`,
		`{"time_ms":1327078148132,"events":[{"name":"subscription_count","channel":"my-channel","subscription_count":13}]}`,
		`{"time_ms":1327078148132,"events":[` + clientEvent("private-encrypted-bla", encrypted) + `]}`,
		`{"time_ms":1e99,"events":[{"name":"client_event","data":"\ud800"}]}`,
		"\x1f\x8b\x08",
		"",
	} {
		f.Add(docsKey, docsSignature, []byte(body))
	}
	verifier := newVerifier(f, webhook.WithEncryptionMasterKey(masterKey))
	f.Fuzz(func(t *testing.T, key, signature string, body []byte) {
		valid := key == docsKey && signature == hmacOf(docsSecret, string(body))
		hook, err := verifier.ParseBytes(headerOf(key, signature), body)
		rejected := errors.Is(err, webhook.ErrUnknownKey) || errors.Is(err, webhook.ErrSignature)
		if valid == rejected || rejected && hook != nil {
			t.Errorf("ParseBytes with key %q and signature %q of %q = %v, %v; valid: %t", key, signature, body, hook, err, valid)
		}

		hook, err = verifier.ParseBytes(signed(string(body)), body)
		switch {
		case err != nil && !errors.Is(err, webhook.ErrMalformed):
			t.Errorf("ParseBytes of the signed %q = %v, want nil or %v", body, err, webhook.ErrMalformed)
		case err == nil && (hook == nil || hook.Events == nil || hook.Time.IsZero()):
			t.Errorf("ParseBytes of the signed %q = %#v, want time and events", body, hook)
		case err == nil:
			checkEvents(t, body, hook.Events)
		}
	})
}

func checkEvents(t *testing.T, body []byte, events []webhook.Event) {
	t.Helper()
	for i, event := range events {
		switch event := event.(type) {
		case nil:
			t.Errorf("event %d of %q is nil", i, body)
		case webhook.Unknown:
			if event.Name == "" || len(event.Raw) == 0 {
				t.Errorf("event %d of %q = %#v, want a name and its JSON", i, body, event)
			}
		case webhook.SubscriptionCount:
			if event.Channel == "" || event.Count < 0 {
				t.Errorf("event %d of %q = %#v, want a channel and no negative count", i, body, event)
			}
		}
	}
}
