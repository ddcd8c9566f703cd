package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

// benchBodies are batches of two events. Unknown events have no promise, because Pusher
// documents all events that it sends.
var benchBodies = []struct {
	name     string
	maxRatio float64
	body     string
}{
	{"existence", 2, `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"},{"name":"member_added","channel":"presence-your_channel_name","user_id":"a_user_id"}]}`},
	{"client", 2, `{"time_ms":1396258618139,"events":[{"name":"client_event","channel":"private-test_channel","event":"client-my_event","data":"{\"data\":1234}","socket_id":"34718.5367461"},{"name":"channel_vacated","channel":"my-channel"}]}`},
	{"unknown", 0, `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"},{"name":"watchlist_online","channel":"my-channel","user_ids":["a","b"]}]}`},
}

// benchHeader returns as many headers as arrive behind a proxy.
func benchHeader(body []byte) http.Header {
	header := webhook.SignedHeader(docsKey, docsSecret, body)
	for _, name := range []string{"Accept", "Accept-Encoding", "Content-Length", "User-Agent", "X-Forwarded-For", "X-Forwarded-Proto"} {
		header.Set(name, "value")
	}
	return header
}

// BenchmarkFloor is the least that any implementation has to do: one HMAC of the body and
// one json.Unmarshal into a plain struct.
func BenchmarkFloor(b *testing.B) {
	for _, bench := range benchBodies {
		b.Run(bench.name, func(b *testing.B) {
			body := []byte(bench.body)
			mac := hmac.New(sha256.New, []byte(docsSecret))
			var sum [sha256.Size]byte
			b.ReportAllocs()
			for b.Loop() {
				mac.Reset()
				mac.Write(body)
				mac.Sum(sum[:0])
				var plain struct {
					TimeMS int64 `json:"time_ms"`
					Events []struct {
						Name     string `json:"name"`
						Channel  string `json:"channel"`
						Event    string `json:"event"`
						Data     string `json:"data"`
						SocketID string `json:"socket_id"`
						UserID   string `json:"user_id"`
						Count    int    `json:"subscription_count"`
					} `json:"events"`
				}
				if err := json.Unmarshal(body, &plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseBytes(b *testing.B) {
	verifier := newVerifier(b)
	for _, bench := range benchBodies {
		b.Run(bench.name, func(b *testing.B) {
			body := []byte(bench.body)
			header := benchHeader(body)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.ParseBytes(header, body); err != nil {
					b.Fatal(err)
				}
			}
			if bench.maxRatio > 0 {
				b.ReportMetric(bench.maxRatio, "max-ratio")
			}
		})
	}
}

// BenchmarkParse adds reading the body from a request.
func BenchmarkParse(b *testing.B) {
	verifier := newVerifier(b)
	for _, bench := range benchBodies {
		b.Run(bench.name, func(b *testing.B) {
			body := []byte(bench.body)
			header := benchHeader(body)
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				r.Header = header
				if _, err := verifier.Parse(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseBytesInvalidSignature measures a request with a wrong signature.
func BenchmarkParseBytesInvalidSignature(b *testing.B) {
	verifier := newVerifier(b)
	body := []byte(benchBodies[0].body)
	header := benchHeader([]byte("another body"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.ParseBytes(header, body); err == nil {
			b.Fatal("ParseBytes accepted a wrong signature")
		}
	}
}
