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
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := headerOf(tt.key, hmacOf(tt.secret, docsBody))
			if _, err := verifier.ParseBytes(header, []byte(docsBody)); !errors.Is(err, tt.want) {
				t.Errorf("ParseBytes signed by %s = %v, want %v", tt.name, err, tt.want)
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
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := fmt.Sprintf(`{"time_ms":%d,"events":[]}`, time.Now().Add(-tt.age).UnixMilli())
				if _, err := newVerifier(t, tt.opts...).ParseBytes(signed(body), []byte(body)); !errors.Is(err, tt.want) {
					t.Errorf("ParseBytes of a webhook %v old = %v, want %v", tt.age, err, tt.want)
				}
			})
		})
	}
}
