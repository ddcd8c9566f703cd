package encryption

import (
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// These vectors need what the exported functions do not accept: a given nonce, and the
// master key of 33 bytes in the tests of pusher-http-go.

// Source: pusher-http-go, crypto_test.go.
const goMaster = "This is a string that is 32 chars"

func TestDeriveKey(t *testing.T) {
	key := deriveKey("private-encrypted-bla", []byte(goMaster))

	const want = "004831f99d2a4e86723e893caded3a2897deeddbed9514fe9497dcddc52bd50b"
	if got := hex.EncodeToString(key[:]); got != want {
		t.Errorf("deriveKey(%q, %q) = %s, want %s", "private-encrypted-bla", goMaster, got, want)
	}
}

// Source: pusher-http-go, crypto_test.go.
func TestOpen(t *testing.T) {
	const data = `{"nonce":"sjklahvpWWQgAjTx5FfYHCCxd2AmaL9T","ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`
	key := deriveKey("private-encrypted-bla", []byte(goMaster))

	got, err := open(&key, []byte(data))
	if err != nil || string(got) != "Hello!" {
		t.Errorf("open(%s) = %q, %v, want %q", data, got, err, "Hello!")
	}
}

// Source: pusher-http-python, test_crypto.py.
func TestSeal(t *testing.T) {
	const (
		channel   = "pvUPIk0YG6MnxCEMIUUVFrbDmQwbhICXUcy"
		master    = "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"
		plaintext = "kkkT5OOkOkO5kT5TOO5TkOT5TTk5O55T"
		want      = `{"nonce":"WEFKSTBZNkRQQkhTQUhYVEhWM0EzWk1G","ciphertext":"tsYJa2JgGDOpVIYFe4aNVWAvZlpB7z7CjN9mpIdbATE0Yc4izN8aM8D6VigBxnIQ"}`
	)
	nonce := [nonceSize]byte([]byte("XAJI0Y6DPBHSAHXTHV3A3ZMF"))
	key := deriveKey(channel, []byte(master))

	if got := string(seal(&key, &nonce, []byte(plaintext))); got != want {
		t.Errorf("seal(%q) = %s, want %s", plaintext, got, want)
	}

	k, err := ParseMasterKey(base64.StdEncoding.EncodeToString([]byte(master)))
	if err != nil {
		t.Fatalf("ParseMasterKey = %v", err)
	}
	if got, err := k.Decrypt(channel, []byte(want)); err != nil || string(got) != plaintext {
		t.Errorf("Decrypt(%q, %s) = %q, %v, want %q", channel, want, got, err, plaintext)
	}
}
