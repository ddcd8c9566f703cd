package encryption_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/encryption"
)

const (
	nodeKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="
	javaKey = "VGhlIDMyIGNoYXJzIGxvbmcgZW5jcnlwdGlvbiBrZXk="
	channel = "private-encrypted-bla"
)

func masterKey(t testing.TB, text string) *encryption.MasterKey {
	t.Helper()
	key, err := encryption.ParseMasterKey(text)
	if err != nil {
		t.Fatalf("ParseMasterKey = %v", err)
	}
	return key
}

func TestMasterKey_SharedSecret(t *testing.T) {
	tests := []struct {
		name, key, channel, want string
	}{
		{"pusher-http-node, authenticate.js", nodeKey, "private-encrypted-bla", "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ="},
		{"pusher-http-python", "OHRXNUZRTG5pUTFzQlFGd3J3N3Q2VFZFc0paZDEweVk=", "private-encrypted-channel", "VmIsNZtCSteh8kazd2toc+ofhohBtUouQRSDtRvuyVI="},
		{"pusher-http-php, 32 times a", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("a"), 32)), "private-encrypted-channel-a", "Rp+wpkNpL89qhqco1JkIG31AVXyU8PUVJBr1B2MvdoA="},
		{"pusher-http-java, which omits the padding", javaKey, "private-encrypted-test", "1O0FFr6NiG4d9D4A5bWBh3EG9Y/wfjzqw172LUXwVQ4="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := masterKey(t, tt.key).SharedSecret(tt.channel); got != tt.want {
				t.Errorf("SharedSecret(%q) = %s, want %s", tt.channel, got, tt.want)
			}
		})
	}
}

func TestParseMasterKey_Invalid(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"empty", "", "is the base64 of 0 bytes, 32 are required"},
		{"31 bytes", base64.StdEncoding.EncodeToString(make([]byte, 31)), "is the base64 of 31 bytes, 32 are required"},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33)), "is the base64 of 33 bytes, 32 are required"},
		{"no padding", strings.TrimSuffix(nodeKey, "="), "not standard base64"},
		{"URL alphabet", strings.ReplaceAll(nodeKey, "/", "_"), "not standard base64"},
		{"32 characters instead of 32 bytes in base64", "ThisIsTheSecretKeyWithThirtyTwo1", "is the base64 of 24 bytes, 32 are required; create one with: openssl rand -base64 32"},
		{"32 characters, not base64", "the secret key, 32 bytes of text", "not standard base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := encryption.ParseMasterKey(tt.text)
			if key != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("ParseMasterKey(%q) = %v, %v, want an error with %q", tt.text, key, err, tt.want)
			}
			if tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("ParseMasterKey(%q) contains the key: %v", tt.text, err)
			}
		})
	}
}

func TestMasterKey_Redaction(t *testing.T) {
	key := masterKey(t, javaKey)
	raw, err := base64.StdEncoding.DecodeString(javaKey)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, value := range []any{key, *key, struct{ Key any }{key}, struct{ key any }{*key}, struct{ key *encryption.MasterKey }{key}, struct{ key encryption.MasterKey }{*key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "key", value)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "key", value)
	}
	for _, leak := range []string{javaKey, string(raw), fmt.Sprintf("%x", raw), fmt.Sprintf("%v", raw), fmt.Sprintf("%#v", raw)[7:20]} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("output contains the key as %q:\n%s", leak, out.String())
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %x", key, *key, key, key); got != strings.TrimSpace(strings.Repeat("[REDACTED] ", 4)) {
		t.Errorf("output = %s, want [REDACTED] for each verb", got)
	}
}
