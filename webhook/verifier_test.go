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
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

func TestNewVerifierReportsEverythingThatIsWrong(t *testing.T) {
	const secret = "a-secret-to-keep\n"
	_, err := webhook.NewVerifier(webhook.Token{Secret: secret},
		webhook.WithToken(webhook.Token{Key: "k"}),
		webhook.WithToken(webhook.Token{Key: "k", Secret: "s"}),
		webhook.WithEncryptionMasterKey("c2hvcnQ="),
		webhook.WithMaxBytes(0),
		webhook.WithMaxAge(-time.Second),
		webhook.WithDuplicateFilter(0, 10),
		webhook.WithDuplicateFilter(time.Second, 0),
		webhook.WithLogger(nil),
	)
	if !errors.Is(err, webhook.ErrConfiguration) {
		t.Fatalf("NewVerifier = %v, want %v", err, webhook.ErrConfiguration)
	}
	for _, want := range []string{
		"key is empty",
		"secret has a space or an unprintable character",
		"WithToken: invalid configuration: secret is empty",
		`the key "k" is there twice`,
		"WithEncryptionMasterKey: ",
		"WithMaxBytes(0)",
		"WithMaxAge(-1s)",
		"WithDuplicateFilter(0s, 10)",
		"WithDuplicateFilter(1s, 0)",
		"WithLogger: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("NewVerifier = %q, want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), strings.TrimSpace(secret)) {
		t.Errorf("NewVerifier = %q, want no secret in it", err)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	token := webhook.Token{Key: "the-key", Secret: "the-secret"}
	verifier := must(webhook.NewVerifier(token, webhook.WithEncryptionMasterKey(masterKey)))
	// The raw bytes of the master key would print as a list of numbers.
	secrets := []string{"the-secret", masterKey, "207 42 230 242", "cf2ae6f2", "116 104 101 45 115"}

	var text, jsons bytes.Buffer
	for name, value := range map[string]any{
		"a token":             token,
		"a pointer":           &token,
		"a struct":            struct{ Token webhook.Token }{token},
		"a list":              []webhook.Token{token},
		"a verifier":          verifier,
		"a verifier's fields": *verifier,
	} {
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
					t.Errorf("%s prints as %q, which holds the secret %q", name, got, secret)
				}
			}
		}
	}
	if got, want := fmt.Sprint(token), "{the-key [REDACTED]}"; got != want {
		t.Errorf("Sprint(token) = %q, want %q", got, want)
	}
}

func TestNoErrorHoldsWhatASenderSigned(t *testing.T) {
	verifier := newVerifier(t)
	for _, header := range []http.Header{
		headerOf(docsToken.Key, docsSignature),
		headerOf(docsToken.Key, strings.ToUpper(docsSignature)),
		{"X-Pusher-Key": {docsToken.Key}, "X-Pusher-Signature": {docsSignature, docsSignature}},
	} {
		_, err := verifier.ParseBytes(header, []byte("another body"))
		if err == nil {
			t.Fatalf("ParseBytes(%v) accepted another body", header)
		}
		if strings.Contains(strings.ToLower(err.Error()), docsSignature) {
			t.Errorf("ParseBytes(%v) = %q, want no signature in it", header, err)
		}
	}
}

// unannounced hides a body's length, as a chunked request does.
type unannounced struct{ io.Reader }

func TestParseBoundsTheBody(t *testing.T) {
	limit := len(docsBody)
	request := func(body io.Reader, opts ...func(*http.Request)) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header = headerOf(docsToken.Key, docsSignature)
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
		{"a body as long as the limit", request(strings.NewReader(docsBody)), nil},
		{"a chunked body as long as the limit", request(unannounced{strings.NewReader(docsBody)}), nil},
		{"a byte more", request(strings.NewReader(docsBody + " ")), webhook.ErrTooLarge},
		{"a byte more, chunked", request(unannounced{strings.NewReader(docsBody + " ")}), webhook.ErrTooLarge},
		{"a body without end", request(unannounced{endless{}}), webhook.ErrTooLarge},
		{"a length that is announced is not read", request(nil, func(r *http.Request) {
			r.Body, r.ContentLength = unread, int64(limit)+1
		}), webhook.ErrTooLarge},
		{"a stranger's body is not read", request(nil, func(r *http.Request) {
			r.Body = unread
			r.Header.Set("X-Pusher-Key", "stranger")
		}), webhook.ErrUnknownKey},
		{"a smaller limit of the server's own", request(strings.NewReader(docsBody), func(r *http.Request) {
			r.Body = http.MaxBytesReader(nil, r.Body, 10)
		}), webhook.ErrTooLarge},
		{"a body that breaks off", request(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(docsBody)))), iotest.ErrTimeout},
		{"no body", request(nil, func(r *http.Request) { r.Body = nil }), webhook.ErrSignature},
	}
	verifier := newVerifier(t, webhook.WithMaxBytes(limit))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := verifier.Parse(test.r); !errors.Is(err, test.want) {
				t.Errorf("Parse of %s = %v, want %v", test.name, err, test.want)
			}
		})
	}
}

func TestParseBytesBoundsTheBody(t *testing.T) {
	const mebibyte = 1 << 20
	small := []webhook.Option{webhook.WithMaxBytes(len(docsBody))}
	tests := []struct {
		name string
		opts []webhook.Option
		body string
		want error
	}{
		{"as long as the limit", small, docsBody, nil},
		{"a byte more", small, docsBody + " ", webhook.ErrTooLarge},
		{"1 MiB by default", nil, docsBody + strings.Repeat(" ", mebibyte-len(docsBody)), nil},
		{"a byte above 1 MiB", nil, docsBody + strings.Repeat(" ", mebibyte+1-len(docsBody)), webhook.ErrTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := newVerifier(t, test.opts...).ParseBytes(signed(test.body), []byte(test.body)); !errors.Is(err, test.want) {
				t.Errorf("ParseBytes of %d bytes = %v, want %v", len(test.body), err, test.want)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestContentEncodingIsNotUndone(t *testing.T) {
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
		{"compressed bytes, signed as they are", zipped.String(), zipped.String(), webhook.ErrMalformed},
		{"compressed bytes, signed before", zipped.String(), docsBody, webhook.ErrSignature},
		{"plain bytes under a gzip label", docsBody, docsBody, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := delivery(test.body)
			r.Header = signed(test.sign)
			r.Header.Set("Content-Encoding", "gzip")
			if _, err := newVerifier(t).Parse(r); !errors.Is(err, test.want) {
				t.Errorf("Parse of %s = %v, want %v", test.name, err, test.want)
			}
		})
	}
}

func TestMaxAge(t *testing.T) {
	tests := []struct {
		name string
		opts []webhook.Option
		age  time.Duration
		want error
	}{
		{"just created", []webhook.Option{webhook.WithMaxAge(time.Minute)}, 0, nil},
		{"as old as allowed", []webhook.Option{webhook.WithMaxAge(time.Minute)}, time.Minute, nil},
		{"a millisecond older", []webhook.Option{webhook.WithMaxAge(time.Minute)}, time.Minute + time.Millisecond, webhook.ErrTooOld},
		{"from a clock that is ahead", []webhook.Option{webhook.WithMaxAge(time.Minute)}, -time.Hour, nil},
		{"any age by default", nil, 24 * 365 * time.Hour, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := fmt.Sprintf(`{"time_ms":%d,"events":[]}`, time.Now().Add(-test.age).UnixMilli())
				if _, err := newVerifier(t, test.opts...).ParseBytes(signed(body), []byte(body)); !errors.Is(err, test.want) {
					t.Errorf("ParseBytes of a webhook %v old = %v, want %v", test.age, err, test.want)
				}
			})
		})
	}
}

func TestParseAndParseBytesAgree(t *testing.T) {
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

func TestAVerifierThatWasNotMadeWithNewVerifierVerifiesNothing(t *testing.T) {
	body := []byte(`{"time_ms":1,"events":[]}`)
	for name, v := range map[string]*webhook.Verifier{"nil": nil, "the zero value": {}} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.ParseBytes(webhook.SignedHeader(webhook.Token{}, body), body); !errors.Is(err, webhook.ErrConfiguration) {
				t.Errorf("ParseBytes on %s = %v, want %v", name, err, webhook.ErrConfiguration)
			}
			w := httptest.NewRecorder()
			v.Handler(func(context.Context, *webhook.Webhook) error { return nil }).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
			if w.Code != http.StatusInternalServerError {
				t.Errorf("the handler of %s answered %d, want 500", name, w.Code)
			}
		})
	}
}
