package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

// The credentials and the first event of Pusher's documentation. The signature
// was computed with Node's crypto module.
var docsToken = webhook.Token{Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}

const (
	docsBody      = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`
	docsSignature = "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newVerifier(t testing.TB, opts ...webhook.Option) *webhook.Verifier {
	t.Helper()
	verifier, err := webhook.NewVerifier(docsToken, opts...)
	if err != nil {
		t.Fatalf("NewVerifier: %v", err)
	}
	return verifier
}

// hmacOf signs without the code under test.
func hmacOf(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func headerOf(key, signature string) http.Header {
	return http.Header{"X-Pusher-Key": {key}, "X-Pusher-Signature": {signature}}
}

// signed is the header of a genuine delivery of body.
func signed(body string) http.Header {
	return headerOf(docsToken.Key, hmacOf(docsToken.Secret, body))
}

// delivery is the request of a genuine delivery of body.
func delivery(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader([]byte(body)))
	r.Header = signed(body)
	return r
}

func textLogger(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
