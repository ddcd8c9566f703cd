package encryption_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/internal/encryption"
)

func TestMasterKey_RoundTrip(t *testing.T) {
	key := masterKey(t, nodeKey)
	for _, data := range []string{"", "x", "Hello!", `{"some":"data"}`, "\x00\xff", strings.Repeat("long ", 5000)} {
		text, err := key.Encrypt(channel, []byte(data))
		if err != nil {
			t.Fatalf("Encrypt(%.20q) = %v", data, err)
		}
		if got, want := len(text), encryption.EncryptedLength(len(data)); got != want {
			t.Errorf("Encrypt of %d bytes has %d bytes, EncryptedLength returns %d", len(data), got, want)
		}
		var event map[string][]byte
		if err := json.Unmarshal(text, &event); err != nil || len(event) != 2 || len(event["nonce"]) != 24 || len(event["ciphertext"]) != len(data)+16 {
			t.Errorf("Encrypt(%.20q) = %.100s, want an object with nonce and ciphertext (%v)", data, text, err)
		}
		if got, err := key.Decrypt(channel, text); err != nil || string(got) != data {
			t.Errorf("Decrypt(Encrypt(%.20q)) = %.20q, %v", data, got, err)
		}
	}
}

// All 24 bytes must be random, not only enough of them to make nonces differ. 600 random
// bytes have about 230 different values, and practically never fewer than 128.
func TestMasterKey_Encrypt_Nonce(t *testing.T) {
	key := masterKey(t, nodeKey)
	const encryptions = 600
	nonces := make(map[string]bool)
	var values [24]map[byte]bool
	for i := range values {
		values[i] = make(map[byte]bool)
	}
	for range encryptions {
		text, err := key.Encrypt(channel, []byte("same"))
		if err != nil {
			t.Fatal(err)
		}
		var event struct{ Nonce []byte }
		if err := json.Unmarshal(text, &event); err != nil || len(event.Nonce) != len(values) {
			t.Fatalf("Encrypt = %s, want a nonce of %d bytes (%v)", text, len(values), err)
		}
		nonces[string(event.Nonce)] = true
		for i, b := range event.Nonce {
			values[i][b] = true
		}
	}
	if len(nonces) != encryptions {
		t.Errorf("%d encryptions used %d nonces, want all different", encryptions, len(nonces))
	}
	for i := range values {
		if len(values[i]) < 128 {
			t.Errorf("byte %d of %d nonces has %d values, want at least 128", i, encryptions, len(values[i]))
		}
	}
}

func TestMasterKey_Encrypt_OtherChannels(t *testing.T) {
	key := masterKey(t, nodeKey)
	for _, name := range []string{"", "public", "private-x", "presence-x", "Private-Encrypted-x"} {
		if text, err := key.Encrypt(name, []byte("data")); err == nil {
			t.Errorf("Encrypt(%q) = %s, want an error", name, text)
		}
	}
}

func TestMasterKey_Decrypt(t *testing.T) {
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
		{"unaltered", key, channel, string(sealed), nil},
		{"another channel", key, channel + "2", string(sealed), encryption.ErrDecrypt},
		{"another master key", masterKey(t, javaKey), channel, string(sealed), encryption.ErrDecrypt},
		{"one bit of ciphertext changed", key, channel, altered(func(n, b []byte) ([]byte, []byte) { b[len(b)-1] ^= 1; return n, b }), encryption.ErrDecrypt},
		{"one bit of nonce changed", key, channel, altered(func(n, b []byte) ([]byte, []byte) { n[0] ^= 1; return n, b }), encryption.ErrDecrypt},
		{"ciphertext one byte short", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return n, b[:len(b)-1] }), encryption.ErrDecrypt},
		{"ciphertext shorter than its tag", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return n, b[:15] }), encryption.ErrMalformed},
		{"nonce of 23 bytes", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return n[:23], b }), encryption.ErrMalformed},
		{"nonce of 25 bytes", key, channel, altered(func(n, b []byte) ([]byte, []byte) { return append(n, 0), b }), encryption.ErrMalformed},
		{"no nonce", key, channel, `{"ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`, encryption.ErrMalformed},
		{"number as nonce", key, channel, `{"nonce":1,"ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`, encryption.ErrMalformed},
		{"not base64", key, channel, `{"nonce":"!","ciphertext":"!"}`, encryption.ErrMalformed},
		{"plain data", key, channel, `{"hello":"world"}`, encryption.ErrMalformed},
		{"not JSON", key, channel, `Hello!`, encryption.ErrMalformed},
		{"null", key, channel, `null`, encryption.ErrMalformed},
		{"empty", key, channel, ``, encryption.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.key.Decrypt(tt.channel, []byte(tt.data))
			if !errors.Is(err, tt.want) {
				t.Errorf("Decrypt(%q, %s) = %q, %v, want %v", tt.channel, tt.data, got, err, tt.want)
			}
			if err != nil && got != nil {
				t.Errorf("Decrypt(%q, %s) returns %q with its error", tt.channel, tt.data, got)
			}
		})
	}
}

func TestMasterKey_ConcurrentUse(t *testing.T) {
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
			t.Errorf("Decrypt(%q) = %q, want an error because it was never encrypted", data, opened)
		case err != nil && !errors.Is(err, encryption.ErrMalformed) && !errors.Is(err, encryption.ErrDecrypt):
			t.Errorf("Decrypt(%q) = %v, want ErrMalformed or ErrDecrypt", data, err)
		}
	})
}
