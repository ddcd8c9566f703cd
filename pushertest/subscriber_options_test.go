package pushertest_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/openchannels/pusher-go/pushertest"
)

// encryptedForBla returns data that is encrypted for private-encrypted-bla. The master
// key of the tests and the channel's key derived from it are those of the tests of
// Pusher's Node library.
func encryptedForBla() string {
	key := [32]byte(must(base64.StdEncoding.DecodeString("nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=")))
	nonce := [24]byte{1}
	return fmt.Sprintf(`{"nonce":%q,"ciphertext":%q}`, base64.StdEncoding.EncodeToString(nonce[:]),
		base64.StdEncoding.EncodeToString(secretbox.Seal(nil, []byte(`{"hello":"world"}`), &nonce, &key)))
}

// The second event is encrypted with another key.
func TestDecrypt(t *testing.T) {
	const channel = "private-encrypted-bla"
	s := newListeningServer(t)
	sub := join(t, s, channel, pushertest.Decrypt("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="))
	for _, data := range []string{encryptedForBla(), docsEncrypted} {
		trigger(t, s, `{"name":"n","channel":"`+channel+`","data":`+quote(data)+`}`)
	}
	checkDeliveries(t, sub,
		pushertest.Delivery{Channel: channel, Name: "n", Data: `{"hello":"world"}`},
		pushertest.Delivery{Channel: channel, Name: "n", Data: docsEncrypted})
}

func TestSubscribeOptions_Invalid(t *testing.T) {
	app := http.NotFoundHandler()
	for _, test := range []struct {
		name string
		opts []pushertest.SubscribeOption
		want string
	}{
		{"nil option", []pushertest.SubscribeOption{nil}, "an option is nil"},
		{"info cannot be encoded", []pushertest.SubscribeOption{pushertest.AsMember("1", func() {})}, "AsMember: "},
		{"invalid master key", []pushertest.SubscribeOption{pushertest.Decrypt("s3cr3t")}, "Decrypt: "},
		{"nil handler", []pushertest.SubscribeOption{pushertest.WithAuthorizer(nil)}, "WithAuthorizer: the handler is nil"},
		{"nil handler of users", []pushertest.SubscribeOption{pushertest.WithAuthenticator(nil)}, "WithAuthenticator: the handler is nil"},
		{"relative URL", []pushertest.SubscribeOption{pushertest.WithAuthEndpoint("/pusher/auth")}, "WithAuthEndpoint: not an http or https URL"},
		{"URL with an invalid port", []pushertest.SubscribeOption{pushertest.WithUserAuthEndpoint("http://user:s3cr3t@host:port/")}, "WithUserAuthEndpoint: not an http or https URL"},
		{"member and app", []pushertest.SubscribeOption{pushertest.AsMember("1", nil), pushertest.WithAuthorizer(app)}, "AsMember or Decrypt is set"},
		{"master key and app", []pushertest.SubscribeOption{pushertest.WithAuthorizer(app), pushertest.Decrypt("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU=")}, "AsMember or Decrypt is set"},
		{"user and app", []pushertest.SubscribeOption{pushertest.AsUser("1"), pushertest.WithAuthenticator(app)}, "AsUser is set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			_, err := s.Subscribe(t.Context(), "presence-x", test.opts...)
			if !errors.Is(err, pushertest.ErrConfiguration) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("Subscribe() = %v, want ErrConfiguration with %q", err, test.want)
			}
			checkGet(t, s, channels, `{"channels":{}}`)
		})
	}
}
