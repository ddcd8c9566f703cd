package webhook_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

func TestOnlyWhatPusherSignedIsAccepted(t *testing.T) {
	const (
		hello      = `{"hello":"world"}`
		phpPayload = `{"time_ms":1530710011901,"events":[{"name":"client_event","channel":"private-my-channel","event":"client-event","data":"Unencrypted","socket_id":"240621.35780774"}]}`
	)
	docs := func() http.Header { return headerOf(docsToken.Key, docsSignature) }
	with := func(change func(http.Header)) http.Header {
		header := docs()
		change(header)
		return header
	}
	tests := []struct {
		name   string
		secret string
		header http.Header
		body   string
		want   error
	}{
		{"the documentation's event under its credentials", docsToken.Secret, docs(), docsBody, nil},
		{"the vector of pusher-http-node", "tofu",
			headerOf(docsToken.Key, "c17257e92037cd7de407ebc1ed174ceb7b2e518db127f44411b9ffc4f5b28cc5"),
			`{"time_ms":1403175510755,"events":[{"channel":"test_channel","name":"channel_vacated"}]}`, nil},
		{"the payload of pusher-http-php", "thisisasecret",
			headerOf(docsToken.Key, "a19cab2af3ca1029257570395e78d5d675e9e700ca676d18a375a7083178df1c"), phpPayload, nil},
		{"the vector of pusher-http-go has a good signature and no events", "secret",
			headerOf(docsToken.Key, "2677ad3e7c090b2fa2c0fb13020d66d5420879b8316eb356a2d60fb9073bc778"), hello, webhook.ErrMalformed},
		{"the vector of pusher-http-php has a good signature and no events", "thisisasecret",
			headerOf(docsToken.Key, "40e0ad3b9aa49529322879e84de1aaaf18bde1efe839ca263d540cc865510d25"), hello, webhook.ErrMalformed},
		{"an empty body with a good signature (computed with Node's crypto)", "secret",
			headerOf(docsToken.Key, "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"), "", webhook.ErrMalformed},

		{"lower-case header names, as gateways hand them on", docsToken.Secret,
			http.Header{"x-pusher-key": {docsToken.Key}, "x-pusher-signature": {docsSignature}}, docsBody, nil},
		{"no other header matters", docsToken.Secret,
			with(func(h http.Header) {
				h.Set("Content-Type", "text/plain")
				h.Set("Content-Encoding", "gzip")
			}), docsBody, nil},

		{"another secret", "another-secret", docs(), docsBody, webhook.ErrSignature},
		{"a byte more", docsToken.Secret, docs(), docsBody + " ", webhook.ErrSignature},
		{"a byte less", docsToken.Secret, docs(), docsBody[:len(docsBody)-1], webhook.ErrSignature},
		{"a truncated body", docsToken.Secret, docs(), docsBody[:20], webhook.ErrSignature},
		{"no body", docsToken.Secret, docs(), "", webhook.ErrSignature},
		{"no signature", docsToken.Secret, with(func(h http.Header) { h.Del("X-Pusher-Signature") }), docsBody, webhook.ErrSignature},
		{"an empty list of signatures", docsToken.Secret, with(func(h http.Header) { h["X-Pusher-Signature"] = nil }), docsBody, webhook.ErrSignature},
		{"an empty signature", docsToken.Secret, with(func(h http.Header) { h.Set("X-Pusher-Signature", "") }), docsBody, webhook.ErrSignature},
		{"two signatures", docsToken.Secret, with(func(h http.Header) { h.Add("X-Pusher-Signature", docsSignature) }), docsBody, webhook.ErrSignature},
		{"two signatures under two spellings", docsToken.Secret, with(func(h http.Header) { h["x-pusher-signature"] = []string{docsSignature} }), docsBody, webhook.ErrSignature},
		{"a signature in upper-case hex", docsToken.Secret, headerOf(docsToken.Key, strings.ToUpper(docsSignature)), docsBody, webhook.ErrSignature},
		{"a signature cut short", docsToken.Secret, headerOf(docsToken.Key, docsSignature[:63]), docsBody, webhook.ErrSignature},
		{"a signature with a character more", docsToken.Secret, headerOf(docsToken.Key, docsSignature+"0"), docsBody, webhook.ErrSignature},
		{"a signature with spaces around it", docsToken.Secret, headerOf(docsToken.Key, " "+docsSignature+" "), docsBody, webhook.ErrSignature},
		{"a signature that is no hex (pusher-http-go)", docsToken.Secret, headerOf(docsToken.Key, "2677ad3e7c090i'mgonnagetyaeb356a2d60fb9073bc778"), docsBody, webhook.ErrSignature},

		{"another key", docsToken.Secret, headerOf("narr you're going down!", docsSignature), docsBody, webhook.ErrUnknownKey},
		{"no key", docsToken.Secret, with(func(h http.Header) { h.Del("X-Pusher-Key") }), docsBody, webhook.ErrUnknownKey},
		{"two keys", docsToken.Secret, with(func(h http.Header) { h.Add("X-Pusher-Key", docsToken.Key) }), docsBody, webhook.ErrUnknownKey},
		{"two keys under two spellings", docsToken.Secret, with(func(h http.Header) { h["x-pusher-key"] = []string{"other"} }), docsBody, webhook.ErrUnknownKey},
		{"no headers", docsToken.Secret, nil, docsBody, webhook.ErrUnknownKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			verifier, err := webhook.NewVerifier(webhook.Token{Key: docsToken.Key, Secret: test.secret})
			if err != nil {
				t.Fatal(err)
			}
			hook, err := verifier.ParseBytes(test.header, []byte(test.body))
			if !errors.Is(err, test.want) {
				t.Fatalf("ParseBytes(%v, %q) = %v, want %v", test.header, test.body, err, test.want)
			}
			if (hook == nil) != (test.want != nil) {
				t.Errorf("ParseBytes(%v, %q) = %v with error %v, want one of them", test.header, test.body, hook, err)
			}
		})
	}
}

func TestNoByteOfABodyCanBeChanged(t *testing.T) {
	verifier := newVerifier(t)
	header := headerOf(docsToken.Key, docsSignature)
	for i := range docsBody {
		body := []byte(docsBody)
		body[i] ^= 1
		if _, err := verifier.ParseBytes(header, body); !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("ParseBytes of the body with byte %d changed = %v, want %v", i, err, webhook.ErrSignature)
		}
	}
}

func TestNoDigitOfASignatureCanBeChanged(t *testing.T) {
	verifier := newVerifier(t)
	for i := range docsSignature {
		signature := []byte(docsSignature)
		signature[i] ^= 1
		header := headerOf(docsToken.Key, string(signature))
		if _, err := verifier.ParseBytes(header, []byte(docsBody)); !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("ParseBytes with digit %d of the signature changed = %v, want %v", i, err, webhook.ErrSignature)
		}
	}
}

func TestEachKeyHasItsOwnSecret(t *testing.T) {
	verifier := newVerifier(t, webhook.WithToken(webhook.Token{Key: "next", Secret: "tofu"}))
	tests := []struct {
		name        string
		key, secret string
		want        error
	}{
		{"the first token", docsToken.Key, docsToken.Secret, nil},
		{"the further token", "next", "tofu", nil},
		{"the first key with the further secret", docsToken.Key, "tofu", webhook.ErrSignature},
		{"the further key with the first secret", "next", docsToken.Secret, webhook.ErrSignature},
		{"a third key", "third", "tofu", webhook.ErrUnknownKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			header := headerOf(test.key, hmacOf(test.secret, docsBody))
			if _, err := verifier.ParseBytes(header, []byte(docsBody)); !errors.Is(err, test.want) {
				t.Errorf("ParseBytes signed by %s = %v, want %v", test.name, err, test.want)
			}
		})
	}
}

func TestSignedHeaderIsWhatPusherSends(t *testing.T) {
	got := webhook.SignedHeader(docsToken, []byte(docsBody))
	want := http.Header{
		"Content-Type":       {"application/json"},
		"X-Pusher-Key":       {docsToken.Key},
		"X-Pusher-Signature": {docsSignature},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("SignedHeader(%v, %q) = %v, want %v", docsToken, docsBody, got, want)
	}
}
