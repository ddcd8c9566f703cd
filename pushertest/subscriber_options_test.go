package pushertest_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/openchannels/pusher-go/pushertest"
)

// The master key and the channel's key derived from it are those of the tests of
// Pusher's Node library. The second event is encrypted with another key.
func TestDecrypt(t *testing.T) {
	const channel = "private-encrypted-bla"
	s := newListeningServer(t)
	sub := join(t, s, channel, pushertest.Decrypt("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="))
	key := [32]byte(must(base64.StdEncoding.DecodeString("nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=")))
	nonce := [24]byte{1}
	data := fmt.Sprintf(`{"nonce":%q,"ciphertext":%q}`, base64.StdEncoding.EncodeToString(nonce[:]),
		base64.StdEncoding.EncodeToString(secretbox.Seal(nil, []byte(`{"hello":"world"}`), &nonce, &key)))
	for _, data := range []string{data, docsEncrypted} {
		trigger(t, s, `{"name":"n","channel":"`+channel+`","data":`+quote(data)+`}`)
	}
	checkDeliveries(t, sub,
		pushertest.Delivery{Channel: channel, Name: "n", Data: `{"hello":"world"}`},
		pushertest.Delivery{Channel: channel, Name: "n", Data: docsEncrypted})
}
