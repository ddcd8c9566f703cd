package webhook_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

func TestWithKey(t *testing.T) {
	verifier := newVerifier(t, webhook.WithKey("next", "tofu"))
	tests := []struct {
		name        string
		key, secret string
		want        error
	}{
		{"first key", docsKey, docsSecret, nil},
		{"second key", "next", "tofu", nil},
		{"first key, second secret", docsKey, "tofu", webhook.ErrSignature},
		{"second key, first secret", "next", docsSecret, webhook.ErrSignature},
		{"unknown key", "third", "tofu", webhook.ErrUnknownKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			header := headerOf(test.key, hmacOf(test.secret, docsBody))
			if _, err := verifier.ParseBytes(header, []byte(docsBody)); !errors.Is(err, test.want) {
				t.Errorf("ParseBytes signed by %s = %v, want %v", test.name, err, test.want)
			}
		})
	}
}

func TestWithMaxAge(t *testing.T) {
	tests := []struct {
		name string
		opts []webhook.Option
		age  time.Duration
		want error
	}{
		{"new", []webhook.Option{webhook.WithMaxAge(time.Minute)}, 0, nil},
		{"at the limit", []webhook.Option{webhook.WithMaxAge(time.Minute)}, time.Minute, nil},
		{"above the limit", []webhook.Option{webhook.WithMaxAge(time.Minute)}, time.Minute + time.Millisecond, webhook.ErrTooOld},
		{"in the future", []webhook.Option{webhook.WithMaxAge(time.Minute)}, -time.Hour, nil},
		{"old, without a limit", nil, 24 * 365 * time.Hour, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := fmt.Sprintf(`{"time_ms":%d,"events":[]}`, time.Now().Add(-test.age).UnixMilli())
				if _, err := newVerifier(t, test.opts...).ParseBytes(signed(body), []byte(body)); !errors.Is(err, test.want) {
					t.Errorf("ParseBytes of a webhook %v old = %v, want %v", test.age, err, test.want)
				}
			})
		})
	}
}
