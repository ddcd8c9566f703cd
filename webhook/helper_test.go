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

// The credentials and the first event of Pusher's documentation. The signature was
// computed with Node's crypto module, the ID with sha256sum.
const (
	docsKey       = "278d425bdf160c739803"
	docsSecret    = "7ad3773142a6692b25b8"
	docsBody      = `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`
	docsSignature = "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf"
	docsID        = "e5dee9572aea7f0aba2c757c06b2456814417170f0dfbd088a366747a57a0775"
)

func newVerifier(t testing.TB, opts ...webhook.Option) *webhook.Verifier {
	t.Helper()
	verifier, err := webhook.New(docsKey, docsSecret, opts...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return verifier
}

// hmacOf computes a signature without the code under tt.
func hmacOf(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func headerOf(key, signature string) http.Header {
	return http.Header{"X-Pusher-Key": {key}, "X-Pusher-Signature": {signature}}
}

// signed returns the header of a webhook with a valid signature.
func signed(body string) http.Header {
	return headerOf(docsKey, hmacOf(docsSecret, body))
}

// delivery returns a webhook request with a valid signature.
func delivery(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader([]byte(body)))
	r.Header = signed(body)
	return r
}

func textLogger(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
