package signing_test

import (
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/signing"
)

func TestSecret(t *testing.T) {
	tests := []struct{ name, secret, message, signature string }{
		{
			"pusher-http-node, a webhook", "tofu",
			`{"time_ms":1403175510755,"events":[{"channel":"test_channel","name":"channel_vacated"}]}`,
			"c17257e92037cd7de407ebc1ed174ceb7b2e518db127f44411b9ffc4f5b28cc5",
		},
		{
			"pusher-http-go, a webhook", "secret", `{"hello":"world"}`,
			"2677ad3e7c090b2fa2c0fb13020d66d5420879b8316eb356a2d60fb9073bc778",
		},
		{
			"documentation, a private channel", docsSecret, "1234.1234:private-foobar",
			"58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
		},
		{
			"RFC 4231 test case 2", "Jefe", "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			secret := signing.NewSecret(tt.secret)
			message := []byte(tt.message)
			for range 2 { // the hash is reused
				if got := secret.Sign(message); got != tt.signature {
					t.Errorf("Sign(%q) = %s, want %s", tt.message, got, tt.signature)
				}
			}
			if got, want := string(secret.AppendSign([]byte("key:"), message)), "key:"+tt.signature; got != want {
				t.Errorf("AppendSign(%q, %q) = %s, want %s", "key:", tt.message, got, want)
			}
			if !secret.Verify(message, tt.signature) {
				t.Errorf("Verify(%q, %s) = false, want true", tt.message, tt.signature)
			}
			if len(tt.signature) != signing.SignatureLength {
				t.Errorf("SignatureLength = %d, want %d", signing.SignatureLength, len(tt.signature))
			}
			for name, wrong := range map[string]string{
				"no signature":   "",
				"one cut short":  tt.signature[:len(tt.signature)-1],
				"one too long":   tt.signature + "0",
				"wrong digit":    "0" + tt.signature[1:],
				"upper-case hex": strings.ToUpper(tt.signature),
			} {
				if secret.Verify(message, wrong) {
					t.Errorf("Verify with %s = true, want false", name)
				}
			}
		})
	}
}
