package pusher_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/signing"
)

// A floor benchmark does the same work with net/http alone and a request that was
// signed in advance. BenchmarkXFloor is the floor of BenchmarkX.

const benchData = `{"product":"tea","cents":349,"note":"a hundred bytes or so of what an application usually has to say in one event"}`

var benchBody = []byte(`{"channels":["prices"],"data":` + strconv.Quote(benchData) + `,"name":"changed"}`)

// stub is a transport without a network.
type stub struct{}

func (stub) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader("{}")),
		Request:    req,
	}, nil
}

// signedURL returns the URL of a signed request with benchBody.
func signedURL(b *testing.B, base string) string {
	signer, err := signing.New("key", "secret")
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, base+"/apps/3/events", bytes.NewReader(benchBody))
	if err != nil {
		b.Fatal(err)
	}
	if err := signer.Edit(context.Background(), req); err != nil {
		b.Fatal(err)
	}
	return req.URL.String()
}

func benchClient(b *testing.B, base string, hc *http.Client) *pusher.Client {
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "key", Secret: "secret"}, pusher.WithBaseURL(base), pusher.WithHTTPClient(hc))
	if err != nil {
		b.Fatal(err)
	}
	return client
}

func trigger(b *testing.B, client *pusher.Client) {
	if _, err := client.Trigger(context.Background(), "prices", "changed", benchData); err != nil {
		b.Error(err)
	}
}

func post(b *testing.B, hc *http.Client, url string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(benchBody))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := hc.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		b.Error(err)
	}
	_ = resp.Body.Close()
}

func BenchmarkTriggerStub(b *testing.B) {
	client := benchClient(b, "https://api-mt1.pusher.com", &http.Client{Transport: stub{}, Timeout: 5 * time.Second})
	b.ReportAllocs()
	for b.Loop() {
		trigger(b, client)
	}
	b.ReportMetric(3, "max-ratio")
}

func BenchmarkTriggerStubFloor(b *testing.B) {
	hc := &http.Client{Transport: stub{}, Timeout: 5 * time.Second}
	url := signedURL(b, "https://api-mt1.pusher.com")
	b.ReportAllocs()
	for b.Loop() {
		post(b, hc, url)
	}
}

// loopback returns the URL of a server that accepts everything, and a client with the
// settings of the library's default transport.
func loopback(b *testing.B) (base string, hc *http.Client) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	b.Cleanup(server.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	b.Cleanup(transport.CloseIdleConnections)
	return server.URL, &http.Client{Transport: transport, Timeout: 5 * time.Second}
}

func BenchmarkTriggerLoopback(b *testing.B) {
	base, hc := loopback(b)
	client := benchClient(b, base, hc)
	b.ReportAllocs()
	for b.Loop() {
		trigger(b, client)
	}
	b.ReportMetric(1.6, "max-ratio")
}

func BenchmarkTriggerLoopbackFloor(b *testing.B) {
	base, hc := loopback(b)
	url := signedURL(b, base)
	b.ReportAllocs()
	for b.Loop() {
		post(b, hc, url)
	}
}

func BenchmarkTriggerLoopback64(b *testing.B) {
	base, hc := loopback(b)
	client := benchClient(b, base, hc)
	b.ReportAllocs()
	concurrently(b, 64, func() { trigger(b, client) })
	b.ReportMetric(1.5, "max-ratio")
}

func BenchmarkTriggerLoopback64Floor(b *testing.B) {
	base, hc := loopback(b)
	url := signedURL(b, base)
	b.ReportAllocs()
	concurrently(b, 64, func() { post(b, hc, url) })
}

// concurrently distributes b.N calls over n goroutines.
func concurrently(b *testing.B, n int, call func()) {
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan struct{})
	for range n {
		go func() {
			for left.Add(-1) >= 0 {
				call()
			}
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
}
