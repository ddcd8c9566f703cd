package pushertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

const benchBody = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`

// BenchmarkNewServer starts a server, sends one signed trigger and closes the server.
func BenchmarkNewServer(b *testing.B) {
	pushertest.NewServer().Close() // parses the OpenAPI document, once in a process
	b.ReportAllocs()
	for b.Loop() {
		s := pushertest.NewServer()
		signer := newSigner(b, s)
		post(b, s.URL, signer)
		s.Close()
	}
	b.ReportMetric(3, "max-ratio")
}

// BenchmarkNewServerFloor does the same with an httptest.Server that checks nothing.
func BenchmarkNewServerFloor(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s := httptest.NewServer(bare())
		post(b, s.URL, nil)
		s.Close()
	}
}

// BenchmarkTrigger sends a trigger to a running server.
func BenchmarkTrigger(b *testing.B) {
	s := pushertest.NewServer()
	defer s.Close()
	signer := newSigner(b, s)
	b.ReportAllocs()
	for b.Loop() {
		post(b, s.URL, signer)
	}
}

// BenchmarkTriggerFloor does the same with an httptest.Server that checks nothing.
func BenchmarkTriggerFloor(b *testing.B) {
	s := httptest.NewServer(bare())
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		post(b, s.URL, nil)
	}
}

func bare() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}\n")
	})
}

func post(b *testing.B, base string, signer *signing.Signer) {
	b.Helper()
	postTo(b, base+events, benchBody, signer)
}

func postTo(b *testing.B, url, body string, signer *signing.Signer) {
	b.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if signer != nil {
		if err := signer.Edit(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatalf("POST = %s, want 200", res.Status)
	}
}
