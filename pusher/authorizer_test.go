package pusher_test

import (
	"errors"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_Authorizer(t *testing.T) {
	client, err := pusher.New(app, pusher.WithEncryptionMasterKey(nodeMasterKey))
	if err != nil {
		t.Fatal(err)
	}

	// Source: Pusher Channels docs, Authentication signatures.
	private, err := client.Channel("private-foobar").AuthorizePrivate("1234.1234")
	if want := "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"; err != nil || private.Auth != want {
		t.Errorf("AuthorizePrivate = %+v, %v, want %s", private, err, want)
	}
	// Source: pusher-http-node, authenticate.js.
	encrypted, err := client.Channel("private-encrypted-bla").AuthorizePrivate("123.456")
	if want := "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ="; err != nil || encrypted.SharedSecret != want {
		t.Errorf("AuthorizePrivate = %+v, %v, want the shared secret %s", encrypted, err, want)
	}
	user, err := client.Authorizer().AuthenticateUser("1234.1234", auth.User{ID: "12345"})
	if want := "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"; err != nil || user.Auth != want {
		t.Errorf("AuthenticateUser = %+v, %v, want %s", user, err, want)
	}
}

func TestClient_AuthorizerInvalid(t *testing.T) {
	client, err := pusher.New(app)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		call func() error
		want error
	}{
		{"private authorization of a presence channel", func() error { _, err := client.Channel("presence-x").AuthorizePrivate("1.1"); return err }, pusher.ErrInvalid},
		{"presence authorization of a private channel", func() error {
			_, err := client.Channel("private-x").AuthorizePresence("1.1", auth.Member{UserID: "1"})
			return err
		}, pusher.ErrInvalid},
		{"forged channel name", func() error {
			_, err := client.Channel(`private-x:{"user_id":"admin"}`).AuthorizePrivate("1.1")
			return err
		}, pusher.ErrInvalid},
		{"encrypted channel without a master key", func() error { _, err := client.Channel("private-encrypted-x").AuthorizePrivate("1.1"); return err }, pusher.ErrConfiguration},
		{"zero client", func() error { _, err := (&pusher.Client{}).Channel("private-x").AuthorizePrivate("1.1"); return err }, pusher.ErrConfiguration},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			var typed *pusher.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &typed) {
				t.Errorf("%s = %v, want %v in a *pusher.Error", tt.name, err, tt.want)
			}
		})
	}
}
