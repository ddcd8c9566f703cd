package encryption_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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

func TestSharedSecret(t *testing.T) {
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

func TestParseMasterKeyRefuses(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", "has 0 bytes, want 32"},
		{"31 bytes", base64.StdEncoding.EncodeToString(make([]byte, 31)), "has 31 bytes, want 32"},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33)), "has 33 bytes, want 32"},
		{"no padding", strings.TrimSuffix(nodeKey, "="), "not standard base64"},
		{"the URL alphabet", strings.ReplaceAll(nodeKey, "/", "_"), "not standard base64"},
		{"32 characters that are no base64", "the secret key, 32 bytes of text", "not standard base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := encryption.ParseMasterKey(tt.text)
			if key != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("ParseMasterKey(%q) = %v, %v, want an error with %q", tt.text, key, err, tt.want)
			}
			if tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("ParseMasterKey(%q) shows the key: %v", tt.text, err)
			}
		})
	}
}

func TestEncryptedDataComesBack(t *testing.T) {
	key := masterKey(t, nodeKey)
	for _, data := range []string{"", "x", "Hello!", `{"some":"data"}`, "\x00\xff", strings.Repeat("long ", 5000)} {
		text, err := key.Encrypt(channel, []byte(data))
		if err != nil {
			t.Fatalf("Encrypt(%.20q) = %v", data, err)
		}
		if got, want := len(text), encryption.EncryptedLength(len(data)); got != want {
			t.Errorf("Encrypt of %d bytes has %d bytes, EncryptedLength says %d", len(data), got, want)
		}
		var event map[string][]byte
		if err := json.Unmarshal(text, &event); err != nil || len(event) != 2 || len(event["nonce"]) != 24 || len(event["ciphertext"]) != len(data)+16 {
			t.Errorf("Encrypt(%.20q) = %.100s, want an object of a nonce and a ciphertext (%v)", data, text, err)
		}
		if got, err := key.Decrypt(channel, text); err != nil || string(got) != data {
			t.Errorf("Decrypt(Encrypt(%.20q)) = %.20q, %v", data, got, err)
		}
	}
}

func TestEncryptUsesEachNonceOnce(t *testing.T) {
	key := masterKey(t, nodeKey)
	seen := make(map[string]bool)
	for range 1000 {
		text, err := key.Encrypt(channel, []byte("same"))
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(text)] {
			t.Fatalf("Encrypt returned %s twice", text)
		}
		seen[string(text)] = true
	}
}

func TestEncryptRefusesOtherChannels(t *testing.T) {
	key := masterKey(t, nodeKey)
	for _, name := range []string{"", "public", "private-x", "presence-x", "Private-Encrypted-x"} {
		if text, err := key.Encrypt(name, []byte("data")); err == nil {
			t.Errorf("Encrypt(%q) = %s, want an error", name, text)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	key := masterKey(t, nodeKey)
	sealed, err := key.Encrypt(channel, []byte("Hello!"))
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		Nonce      []byte `json:"nonce"`
		Ciphertext []byte `json:"ciphertext"`
	}
	if err := json.Unmarshal(sealed, &event); err != nil {
		t.Fatal(err)
	}
	altered := func(change func(nonce, box []byte) ([]byte, []byte)) string {
		nonce, box := change(bytes.Clone(event.Nonce), bytes.Clone(event.Ciphertext))
		return fmt.Sprintf(`{"nonce":%q,"ciphertext":%q}`, base64.StdEncoding.EncodeToString(nonce), base64.StdEncoding.EncodeToString(box))
	}
	tests := []struct {
		name    string
		key     *encryption.MasterKey
		channel string
		data    string
		want    error
	}{
		{"unaltered data is accepted", key, channel, string(sealed), nil},
		{"data of another channel", key, channel + "2", string(sealed), encryption.ErrDecrypt},
		{"data under another master key", masterKey(t, javaKey), channel, string(sealed), encryption.ErrDecrypt},
		{"one bit of the ciphertext turned", key, channel, altered(func(n, b []byte) ([]byte, []byte) { b[len(b)-1] ^= 1; return n, b }), encryption.ErrDecrypt},
		{"one bit of the nonce turned", key, channel, altered(func(n, b []byte) ([]byte, []byte) { n[0] ^= 1; return n, b }), encryption.ErrDecrypt},
		{"a ciphertext one byte short", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return n, b[:len(b)-1] }), encryption.ErrDecrypt},
		{"a ciphertext shorter than its tag", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return n, b[:15] }), encryption.ErrMalformed},
		{"a nonce of 23 bytes", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return n[:23], b }), encryption.ErrMalformed},
		{"a nonce of 25 bytes", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return append(n, 0), b }), encryption.ErrMalformed},
		{"no nonce", key, channel, `{"ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`, encryption.ErrMalformed},
		{"a nonce that is a number", key, channel, `{"nonce":1,"ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`, encryption.ErrMalformed},
		{"base64 that is none", key, channel, `{"nonce":"!","ciphertext":"!"}`, encryption.ErrMalformed},
		{"plain data", key, channel, `{"hello":"world"}`, encryption.ErrMalformed},
		{"text that is no JSON", key, channel, `Hello!`, encryption.ErrMalformed},
		{"null", key, channel, `null`, encryption.ErrMalformed},
		{"nothing", key, channel, ``, encryption.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.key.Decrypt(tt.channel, []byte(tt.data))
			if !errors.Is(err, tt.want) {
				t.Errorf("Decrypt(%q, %s) = %q, %v, want %v", tt.channel, tt.data, got, err, tt.want)
			}
			if err != nil && got != nil {
				t.Errorf("Decrypt(%q, %s) returns %q beside its error", tt.channel, tt.data, got)
			}
		})
	}
}

func TestMasterKeyIsNeverPrinted(t *testing.T) {
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
			t.Errorf("printing shows the key as %q:\n%s", leak, out.String())
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %x", key, *key, key, key); got != strings.TrimSpace(strings.Repeat("[REDACTED] ", 4)) {
		t.Errorf("printing = %s, want [REDACTED] for each verb", got)
	}
}

func TestMasterKeyServesManyGoroutines(t *testing.T) {
	key := masterKey(t, nodeKey)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			data := fmt.Sprint(i)
			text, err := key.Encrypt(channel, []byte(data))
			if err != nil {
				t.Errorf("Encrypt = %v", err)
				return
			}
			if got, err := key.Decrypt(channel, text); err != nil || string(got) != data {
				t.Errorf("Decrypt = %q, %v, want %q", got, err, data)
			}
		})
	}
	group.Wait()
}

func FuzzDecrypt(f *testing.F) {
	key := masterKey(f, nodeKey)
	sealed, err := key.Encrypt(channel, []byte("Hello!"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(sealed), `{"nonce":"","ciphertext":""}`, `{"nonce":"sjklahvpWWQgAjTx5FfYHCCxd2AmaL9T","ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`, `null`, `{}`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		opened, err := key.Decrypt(channel, data)
		switch {
		case err == nil && string(opened) != "Hello!":
			t.Errorf("Decrypt(%q) = %q: nobody encrypted that", data, opened)
		case err != nil && !errors.Is(err, encryption.ErrMalformed) && !errors.Is(err, encryption.ErrDecrypt):
			t.Errorf("Decrypt(%q) = %v, want ErrMalformed or ErrDecrypt", data, err)
		}
	})
}
