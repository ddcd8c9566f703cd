package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

func TestNew_Invalid(t *testing.T) {
	const secret = "a-secret-to-keep\n"
	_, err := webhook.New("", secret,
		webhook.WithKey("k", ""),
		webhook.WithKey("k", "s"),
		webhook.WithKey("k", "s"),
		webhook.WithEncryptionMasterKey("c2hvcnQ="),
		webhook.WithEncryptionMasterKey(masterKey, "c2hvcnQ="),
		webhook.WithMaxBytes(0),
		webhook.WithMaxAge(0),
		webhook.WithDuplicateFilter(0, 10),
		webhook.WithDuplicateFilter(time.Second, 0),
		webhook.WithDuplicateStore(nil),
		webhook.WithLogger(nil),
		nil,
	)
	if !errors.Is(err, webhook.ErrConfiguration) {
		t.Fatalf("New = %v, want %v", err, webhook.ErrConfiguration)
	}
	const masterKeyText = "encryption master key is the base64 of 5 bytes, 32 are required; create one with: openssl rand -base64 32"
	want := "webhook: invalid configuration: " + strings.Join([]string{
		"the key is empty",
		"the secret contains a space or a non-printable character",
		"WithKey: the secret is empty",
		`WithKey: key "k" is given twice`,
		"WithEncryptionMasterKey: argument 1: " + masterKeyText,
		"WithEncryptionMasterKey: argument 2: " + masterKeyText,
		"WithMaxBytes(0): at least 1 is required",
		"WithMaxAge(0s): a positive duration is required",
		"WithDuplicateFilter(0s, 10): a positive duration and at least 1 entry are required",
		"WithDuplicateFilter(1s, 0): a positive duration and at least 1 entry are required",
		"WithDuplicateStore: the store is nil",
		"WithLogger: the logger is nil",
		"an option is nil",
	}, "; ")
	if err.Error() != want {
		t.Errorf("New\n got %s\nwant %s", err, want)
	}
	if strings.Contains(err.Error(), strings.TrimSpace(secret)) {
		t.Errorf("New = %q, want an error without the secret", err)
	}
}

func TestVerifier_Redaction(t *testing.T) {
	verifier, err := webhook.New("the-key", "the-secret", webhook.WithEncryptionMasterKey(masterKey))
	if err != nil {
		t.Fatal(err)
	}
	// The raw bytes of the master key would be printed as a list of numbers.
	secrets := []string{"the-secret", masterKey, "207 42 230 242", "cf2ae6f2", "116 104 101 45 115"}
	for name, value := range map[string]any{"pointer": verifier, "value": *verifier, "field": struct{ V *webhook.Verifier }{verifier}} {
		var text, jsons bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("", "value", value)
		slog.New(slog.NewJSONHandler(&jsons, nil)).Info("", "value", value)
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Errorf("json.Marshal(%s): %v", name, err)
		}
		printed := []string{string(encoded), text.String(), jsons.String()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
		for _, got := range printed {
			for _, secret := range secrets {
				if strings.Contains(got, secret) {
					t.Errorf("%s is printed as %q, which contains the secret %q", name, got, secret)
				}
			}
		}
	}
}

func TestVerifier_ParseBytes_ErrorsWithoutSignature(t *testing.T) {
	verifier := newVerifier(t)
	for _, header := range []http.Header{
		headerOf(docsKey, docsSignature),
		headerOf(docsKey, strings.ToUpper(docsSignature)),
		{"X-Pusher-Key": {docsKey}, "X-Pusher-Signature": {docsSignature, docsSignature}},
	} {
		_, err := verifier.ParseBytes(header, []byte("another body"))
		if err == nil {
			t.Fatalf("ParseBytes(%v) accepted another body", header)
		}
		if strings.Contains(strings.ToLower(err.Error()), docsSignature) {
			t.Errorf("ParseBytes(%v) = %q, want an error without the signature", header, err)
		}
	}
}

// unannounced hides the length of a body, as in a chunked request.
type unannounced struct{ io.Reader }

func TestVerifier_Parse_Limit(t *testing.T) {
	limit := len(docsBody)
	request := func(body io.Reader, opts ...func(*http.Request)) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header = headerOf(docsKey, docsSignature)
		for _, opt := range opts {
			opt(r)
		}
		return r
	}
	unread := io.NopCloser(iotest.ErrReader(errors.New("the body was read")))
	tests := []struct {
		name string
		r    *http.Request
		want error
	}{
		{"body at the limit", request(strings.NewReader(docsBody)), nil},
		{"chunked body at the limit", request(unannounced{strings.NewReader(docsBody)}), nil},
		{"body above the limit", request(strings.NewReader(docsBody + " ")), webhook.ErrTooLarge},
		{"chunked body above the limit", request(unannounced{strings.NewReader(docsBody + " ")}), webhook.ErrTooLarge},
		{"endless body", request(unannounced{endless{}}), webhook.ErrTooLarge},
		{"Content-Length above the limit", request(nil, func(r *http.Request) {
			r.Body, r.ContentLength = unread, int64(limit)+1
		}), webhook.ErrTooLarge},
		{"unknown key", request(nil, func(r *http.Request) {
			r.Body = unread
			r.Header.Set("X-Pusher-Key", "unknown")
		}), webhook.ErrUnknownKey},
		{"smaller limit of http.MaxBytesReader", request(strings.NewReader(docsBody), func(r *http.Request) {
			r.Body = http.MaxBytesReader(nil, r.Body, 10)
		}), webhook.ErrTooLarge},
		{"connection that breaks", request(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(docsBody)))), iotest.ErrTimeout},
		{"nil body", request(nil, func(r *http.Request) { r.Body = nil }), webhook.ErrSignature},
	}
	verifier := newVerifier(t, webhook.WithMaxBytes(limit))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := verifier.Parse(tt.r); !errors.Is(err, tt.want) {
				t.Errorf("Parse of %s = %v, want %v", tt.name, err, tt.want)
			}
		})
	}
}

func TestVerifier_ParseBytes_Limit(t *testing.T) {
	const mebibyte = 1 << 20
	small := []webhook.Option{webhook.WithMaxBytes(len(docsBody))}
	tests := []struct {
		name string
		opts []webhook.Option
		body string
		want error
	}{
		{"at the limit", small, docsBody, nil},
		{"above the limit", small, docsBody + " ", webhook.ErrTooLarge},
		{"default limit", nil, docsBody + strings.Repeat(" ", mebibyte-len(docsBody)), nil},
		{"above the default limit", nil, docsBody + strings.Repeat(" ", mebibyte+1-len(docsBody)), webhook.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newVerifier(t, tt.opts...).ParseBytes(signed(tt.body), []byte(tt.body)); !errors.Is(err, tt.want) {
				t.Errorf("ParseBytes of %d bytes = %v, want %v", len(tt.body), err, tt.want)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestVerifier_Parse_ContentEncoding(t *testing.T) {
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(writer, docsBody); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		body string
		sign string
		want error
	}{
		{"compressed body with its own signature", zipped.String(), zipped.String(), webhook.ErrMalformed},
		{"compressed body with the signature of the original", zipped.String(), docsBody, webhook.ErrSignature},
		{"plain body with Content-Encoding: gzip", docsBody, docsBody, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := delivery(tt.body)
			r.Header = signed(tt.sign)
			r.Header.Set("Content-Encoding", "gzip")
			if _, err := newVerifier(t).Parse(r); !errors.Is(err, tt.want) {
				t.Errorf("Parse of %s = %v, want %v", tt.name, err, tt.want)
			}
		})
	}
}

func TestVerifier_Parse(t *testing.T) {
	verifier := newVerifier(t)
	fromRequest, err := verifier.Parse(delivery(docsBody))
	if err != nil {
		t.Fatal(err)
	}
	fromBytes, err := verifier.ParseBytes(signed(docsBody), []byte(docsBody))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromRequest, fromBytes) {
		t.Errorf("Parse = %#v, ParseBytes = %#v, want the same", fromRequest, fromBytes)
	}
}

// The other exported types are plain values; a nil Option is part of TestNew_Invalid.
func TestVerifier_ZeroValue(t *testing.T) {
	body := []byte(`{"time_ms":1,"events":[]}`)
	for name, v := range map[string]*webhook.Verifier{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.ParseBytes(webhook.SignedHeader("", "", body), body); !errors.Is(err, webhook.ErrConfiguration) {
				t.Errorf("ParseBytes = %v, want %v", err, webhook.ErrConfiguration)
			}
			if _, err := v.Parse(delivery(docsBody)); !errors.Is(err, webhook.ErrConfiguration) {
				t.Errorf("Parse = %v, want %v", err, webhook.ErrConfiguration)
			}
			w := httptest.NewRecorder()
			v.Handler(func(context.Context, *webhook.Webhook) error { return nil }).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
			if w.Code != http.StatusInternalServerError {
				t.Errorf("the handler responded with %d, want 500", w.Code)
			}
		})
	}
}

func TestVerifier_ParseBytes(t *testing.T) {
	const (
		hello      = `{"hello":"world"}`
		phpPayload = `{"time_ms":1530710011901,"events":[{"name":"client_event","channel":"private-my-channel","event":"client-event","data":"Unencrypted","socket_id":"240621.35780774"}]}`
	)
	docs := func() http.Header { return headerOf(docsKey, docsSignature) }
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
		{"event and credentials of the documentation", docsSecret, docs(), docsBody, nil},
		{"pusher-http-node", "tofu",
			headerOf(docsKey, "c17257e92037cd7de407ebc1ed174ceb7b2e518db127f44411b9ffc4f5b28cc5"),
			`{"time_ms":1403175510755,"events":[{"channel":"test_channel","name":"channel_vacated"}]}`, nil},
		{"pusher-http-php", "thisisasecret",
			headerOf(docsKey, "a19cab2af3ca1029257570395e78d5d675e9e700ca676d18a375a7083178df1c"), phpPayload, nil},
		{"pusher-http-go, valid signature, no events", "secret",
			headerOf(docsKey, "2677ad3e7c090b2fa2c0fb13020d66d5420879b8316eb356a2d60fb9073bc778"), hello, webhook.ErrMalformed},
		{"pusher-http-php, valid signature, no events", "thisisasecret",
			headerOf(docsKey, "40e0ad3b9aa49529322879e84de1aaaf18bde1efe839ca263d540cc865510d25"), hello, webhook.ErrMalformed},
		{"empty body, signature of Node's crypto", "secret",
			headerOf(docsKey, "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"), "", webhook.ErrMalformed},

		{"lower-case header names of a gateway", docsSecret,
			http.Header{"x-pusher-key": {docsKey}, "x-pusher-signature": {docsSignature}}, docsBody, nil},
		{"other headers", docsSecret,
			with(func(h http.Header) {
				h.Set("Content-Type", "text/plain")
				h.Set("Content-Encoding", "gzip")
			}), docsBody, nil},

		{"other secret", "another-secret", docs(), docsBody, webhook.ErrSignature},
		{"additional byte", docsSecret, docs(), docsBody + " ", webhook.ErrSignature},
		{"missing byte", docsSecret, docs(), docsBody[:len(docsBody)-1], webhook.ErrSignature},
		{"truncated body", docsSecret, docs(), docsBody[:20], webhook.ErrSignature},
		{"empty body", docsSecret, docs(), "", webhook.ErrSignature},
		{"no signature", docsSecret, with(func(h http.Header) { h.Del("X-Pusher-Signature") }), docsBody, webhook.ErrSignature},
		{"empty list of signatures", docsSecret, with(func(h http.Header) { h["X-Pusher-Signature"] = nil }), docsBody, webhook.ErrSignature},
		{"empty signature", docsSecret, with(func(h http.Header) { h.Set("X-Pusher-Signature", "") }), docsBody, webhook.ErrSignature},
		{"two signatures", docsSecret, with(func(h http.Header) { h.Add("X-Pusher-Signature", docsSignature) }), docsBody, webhook.ErrSignature},
		{"two signatures with different case of the name", docsSecret, with(func(h http.Header) { h["x-pusher-signature"] = []string{docsSignature} }), docsBody, webhook.ErrSignature},
		{"upper-case signature", docsSecret, headerOf(docsKey, strings.ToUpper(docsSignature)), docsBody, webhook.ErrSignature},
		{"signature that is too short", docsSecret, headerOf(docsKey, docsSignature[:63]), docsBody, webhook.ErrSignature},
		{"signature that is too long", docsSecret, headerOf(docsKey, docsSignature+"0"), docsBody, webhook.ErrSignature},
		{"signature with spaces", docsSecret, headerOf(docsKey, " "+docsSignature+" "), docsBody, webhook.ErrSignature},
		{"signature that is not hexadecimal (pusher-http-go)", docsSecret, headerOf(docsKey, "2677ad3e7c090i'mgonnagetyaeb356a2d60fb9073bc778"), docsBody, webhook.ErrSignature},

		{"unknown key", docsSecret, headerOf("narr you're going down!", docsSignature), docsBody, webhook.ErrUnknownKey},
		{"no key", docsSecret, with(func(h http.Header) { h.Del("X-Pusher-Key") }), docsBody, webhook.ErrUnknownKey},
		{"two keys", docsSecret, with(func(h http.Header) { h.Add("X-Pusher-Key", docsKey) }), docsBody, webhook.ErrUnknownKey},
		{"two keys with different case of the name", docsSecret, with(func(h http.Header) { h["x-pusher-key"] = []string{"other"} }), docsBody, webhook.ErrUnknownKey},
		{"no headers", docsSecret, nil, docsBody, webhook.ErrUnknownKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verifier, err := webhook.New(docsKey, tt.secret)
			if err != nil {
				t.Fatal(err)
			}
			hook, err := verifier.ParseBytes(tt.header, []byte(tt.body))
			if !errors.Is(err, tt.want) {
				t.Fatalf("ParseBytes(%v, %q) = %v, want %v", tt.header, tt.body, err, tt.want)
			}
			if (hook == nil) != (tt.want != nil) {
				t.Errorf("ParseBytes(%v, %q) = %v with error %v, want one of them", tt.header, tt.body, hook, err)
			}
		})
	}
}

func TestVerifier_ParseBytes_ModifiedBody(t *testing.T) {
	verifier := newVerifier(t)
	header := headerOf(docsKey, docsSignature)
	for i := range docsBody {
		body := []byte(docsBody)
		body[i] ^= 1
		if _, err := verifier.ParseBytes(header, body); !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("ParseBytes of the body with byte %d changed = %v, want %v", i, err, webhook.ErrSignature)
		}
	}
}

func TestVerifier_ParseBytes_ModifiedSignature(t *testing.T) {
	verifier := newVerifier(t)
	for i := range docsSignature {
		signature := []byte(docsSignature)
		signature[i] ^= 1
		header := headerOf(docsKey, string(signature))
		if _, err := verifier.ParseBytes(header, []byte(docsBody)); !errors.Is(err, webhook.ErrSignature) {
			t.Errorf("ParseBytes with digit %d of the signature changed = %v, want %v", i, err, webhook.ErrSignature)
		}
	}
}
