package encryption_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/encryption"
)

func TestParseSharedSecret(t *testing.T) {
	data, err := masterKey(t, javaKey).Encrypt("private-encrypted-test", []byte("Hello!"))
	if err != nil {
		t.Fatal(err)
	}
	// pusher-http-java, which omits the padding.
	for _, secret := range []string{"1O0FFr6NiG4d9D4A5bWBh3EG9Y/wfjzqw172LUXwVQ4", "1O0FFr6NiG4d9D4A5bWBh3EG9Y/wfjzqw172LUXwVQ4="} {
		key, err := encryption.ParseSharedSecret(secret)
		if err != nil {
			t.Fatalf("ParseSharedSecret(%q) = %v", secret, err)
		}
		if got, err := key.Decrypt(data); err != nil || string(got) != "Hello!" {
			t.Errorf("Decrypt = %q, %v, want Hello!", got, err)
		}
		if got := fmt.Sprintf("%v %+v %#v", key, *key, key); got != "[REDACTED] [REDACTED] [REDACTED]" {
			t.Errorf("the key is printed as %s", got)
		}
	}
	// pusher-http-node, authenticate.js: the key of another channel.
	other, err := encryption.ParseSharedSecret("nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Decrypt(data); !errors.Is(err, encryption.ErrDecrypt) {
		t.Errorf("Decrypt with another key = %v, want ErrDecrypt", err)
	}
	if _, err := other.Decrypt([]byte(`"text"`)); !errors.Is(err, encryption.ErrMalformed) {
		t.Errorf("Decrypt of text = %v, want ErrMalformed", err)
	}
}

func TestParseSharedSecret_Invalid(t *testing.T) {
	for _, secret := range []string{"", "c2hvcnQ=", "not base64!", strings.Repeat("_", 44)} {
		if key, err := encryption.ParseSharedSecret(secret); key != nil || err == nil || secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("ParseSharedSecret(%q) = %v, %v, want an error without the text", secret, key, err)
		}
	}
}
