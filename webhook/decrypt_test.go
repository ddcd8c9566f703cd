package webhook_test

import (
	"errors"
	"reflect"
	"strconv"
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

// The master key and the channel come from the tests of pusher-http-node. The data
// was encrypted with tweetnacl 1.0.3, the library of pusher-js, with the shared_secret of
// those tests and a nonce of 24 times byte 7.
const (
	masterKey  = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
	encrypted  = `{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"v6oIBqyvWKqii51D4fiTestVK1HaAjHtRUdc1+xCwegSLC8="}`
	decrypted  = `{"message":"hello"}`
	otherKey   = "OHRXNUZRTG5pUTFzQlFGd3J3N3Q2VFZFc0paZDEweVk=" // of pusher-http-python's tests
	badPadding = `{"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH","ciphertext":"v6"}`
)

func clientEvent(channel, data string) string {
	return `{"name":"client_event","channel":"` + channel + `","event":"client-x","data":` + data + `,"socket_id":"1.2"}`
}

func TestWithEncryptionMasterKey(t *testing.T) {
	quoted := strconv.Quote(encrypted)
	key := []webhook.Option{webhook.WithEncryptionMasterKey(masterKey)}
	tests := []struct {
		name     string
		opts     []webhook.Option
		event    string
		wantData string
		want     error
	}{
		{"master key", key, clientEvent("private-encrypted-bla", quoted), decrypted, nil},
		{"data that is an object (soketi)", key, clientEvent("private-encrypted-bla", encrypted), decrypted, nil},
		{"no master key", nil, clientEvent("private-encrypted-bla", quoted), encrypted, webhook.ErrDecrypt},
		{"previous master key", []webhook.Option{webhook.WithEncryptionMasterKey(otherKey, masterKey)},
			clientEvent("private-encrypted-bla", quoted), decrypted, nil},
		{"second previous master key", []webhook.Option{webhook.WithEncryptionMasterKey(otherKey, otherKey, masterKey)},
			clientEvent("private-encrypted-bla", quoted), decrypted, nil},
		{"other master key", []webhook.Option{webhook.WithEncryptionMasterKey(otherKey)},
			clientEvent("private-encrypted-bla", quoted), encrypted, webhook.ErrDecrypt},
		{"data of another channel", key, clientEvent("private-encrypted-foo", quoted), encrypted, webhook.ErrDecrypt},
		{"plain data", key, clientEvent("private-encrypted-bla", `"plain"`), "plain", webhook.ErrDecrypt},
		{"invalid base64", key, clientEvent("private-encrypted-bla", strconv.Quote(badPadding)), badPadding, webhook.ErrDecrypt},
		{"no data", key, clientEvent("private-encrypted-bla", `""`), "", nil},
		{"channel that is not encrypted", key, clientEvent("private-bla", quoted), encrypted, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// An event that cannot be decrypted does not affect the others.
			body := `{"time_ms":1327078148132,"events":[` + tt.event + `,` + tt.event + `,{"name":"channel_vacated","channel":"a"}]}`
			hook, err := newVerifier(t, tt.opts...).ParseBytes(signed(body), []byte(body))
			if err != nil {
				t.Fatalf("ParseBytes(%s): %v", body, err)
			}
			for i := range 2 {
				got := hook.Events[i].(webhook.ClientEvent)
				if got.Data != tt.wantData || !errors.Is(got.Err, tt.want) {
					t.Errorf("event %d of ParseBytes(%s) has Data %q and Err %v, want %q and %v", i, body, got.Data, got.Err, tt.wantData, tt.want)
				}
			}
			if want := (webhook.ChannelVacated{Channel: "a"}); hook.Events[2] != want {
				t.Errorf("event 2 of ParseBytes(%s) = %#v, want %#v", body, hook.Events[2], want)
			}
		})
	}
}

func TestWithEncryptionMasterKey_OtherEvents(t *testing.T) {
	const body = `{"time_ms":1327078148132,"events":[
		{"name":"channel_occupied","channel":"private-encrypted-a"},
		{"name":"channel_vacated","channel":"private-encrypted-a"},
		{"name":"cache_miss","channel":"private-encrypted-cache-a"},
		{"name":"subscription_count","channel":"private-encrypted-a","subscription_count":2}]}`
	want := []webhook.Event{
		webhook.ChannelOccupied{Channel: "private-encrypted-a"},
		webhook.ChannelVacated{Channel: "private-encrypted-a"},
		webhook.CacheMiss{Channel: "private-encrypted-cache-a"},
		webhook.SubscriptionCount{Channel: "private-encrypted-a", Count: 2},
	}
	for name, opts := range map[string][]webhook.Option{
		"master key":    {webhook.WithEncryptionMasterKey(masterKey)},
		"no master key": nil,
	} {
		t.Run(name, func(t *testing.T) {
			hook, err := newVerifier(t, opts...).ParseBytes(signed(body), []byte(body))
			if err != nil {
				t.Fatalf("ParseBytes(%s): %v", body, err)
			}
			if !reflect.DeepEqual(hook.Events, want) {
				t.Errorf("ParseBytes(%s).Events = %#v, want %#v", body, hook.Events, want)
			}
		})
	}
}
