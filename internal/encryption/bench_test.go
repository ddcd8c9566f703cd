package encryption_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"
)

// Floor: secretbox alone, with its random nonce.
func BenchmarkFloor(b *testing.B) {
	var key [32]byte
	data := bytes.Repeat([]byte("x"), 1024)
	b.ReportAllocs()
	for b.Loop() {
		var nonce [24]byte
		_, _ = rand.Read(nonce[:])
		secretbox.Seal(nil, data, &nonce, &key)
	}
}

func BenchmarkEncrypt(b *testing.B) {
	key := masterKey(b, nodeKey)
	data := bytes.Repeat([]byte("x"), 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.Encrypt(channel, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	key := masterKey(b, nodeKey)
	text, err := key.Encrypt(channel, bytes.Repeat([]byte("x"), 1024))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.Decrypt(channel, text); err != nil {
			b.Fatal(err)
		}
	}
}
