package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// newPublisher returns a publisher that is closed at the end of the test.
func newPublisher(t testing.TB, client *pusher.Client, config pusher.PublisherConfig) *pusher.Publisher {
	t.Helper()
	publisher, err := client.NewPublisher(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := publisher.Close(context.Background()); err != nil {
			t.Errorf("Close = %v, want no error", err)
		}
	})
	return publisher
}

// publishRequest is a request of a publisher.
type publishRequest struct {
	at       time.Duration // since newPublishServer
	resource string        // "events" or "batch_events"
	channels []string      // one per event
	data     []string
}

// publishServer is a transport that records requests. It responds as respond does, or
// with {} if that returns nothing.
type publishServer struct {
	respond func(publishRequest) (*http.Response, error)
	latency time.Duration

	start    time.Time
	mu       sync.Mutex
	requests []publishRequest
}

func newPublishServer(respond func(publishRequest) (*http.Response, error)) *publishServer {
	return &publishServer{respond: respond, start: time.Now()}
}

// RoundTrip implements http.RoundTripper.
func (s *publishServer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var content struct {
		Channels []string
		Data     string
		Batch    []struct{ Channel, Data string }
	}
	if err := json.Unmarshal(body, &content); err != nil {
		return nil, err
	}
	r := publishRequest{at: time.Since(s.start), resource: path.Base(req.URL.Path), channels: content.Channels}
	for range content.Channels {
		r.data = append(r.data, content.Data)
	}
	for _, event := range content.Batch {
		r.channels = append(r.channels, event.Channel)
		r.data = append(r.data, event.Data)
	}
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	select {
	case <-time.After(s.latency):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if s.respond != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if resp, err := s.respond(r); resp != nil || err != nil {
			return resp, err
		}
	}
	return status(http.StatusOK, "", "{}")
}

// client returns a client whose requests the server receives.
func (s *publishServer) client(t testing.TB, opts ...pusher.Option) *pusher.Client {
	t.Helper()
	return newClient(t, append([]pusher.Option{pusher.WithHTTPClient(&http.Client{Transport: s})}, opts...)...)
}

// received returns the requests so far.
func (s *publishServer) received() []publishRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// dataOf returns the data of all events that were received on a channel, in order.
func (s *publishServer) dataOf(channel string) (data []string) {
	for _, r := range s.received() {
		for i := range r.channels {
			if r.channels[i] == channel {
				data = append(data, r.data[i])
			}
		}
	}
	return data
}

// status returns a response. Retry-After is missing if it is empty.
func status(code int, retryAfter, body string) (*http.Response, error) {
	header := http.Header{}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return &http.Response{
		StatusCode: code, Header: header, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// A failure is a response other than success.
type failure func() (*http.Response, error)

func withStatus(code int, retryAfter string) failure {
	return func() (*http.Response, error) { return status(code, retryAfter, "no\n") }
}

func withError(err error) failure { return func() (*http.Response, error) { return nil, err } }

var (
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
)

// failFirst responds with the failures, one after the other, and then with success.
func failFirst(failures ...failure) func(publishRequest) (*http.Response, error) {
	return func(publishRequest) (*http.Response, error) {
		if len(failures) == 0 {
			return nil, nil
		}
		next := failures[0]
		failures = failures[1:]
		return next()
	}
}

// rejecting responds with the status to requests with one of the data.
func rejecting(code int, bad ...string) func(publishRequest) (*http.Response, error) {
	return func(r publishRequest) (*http.Response, error) {
		if slices.ContainsFunc(r.data, func(data string) bool { return slices.Contains(bad, data) }) {
			return status(code, "", "no\n")
		}
		return nil, nil
	}
}

// publish publishes an event for each of the data.
func publish(t testing.TB, p *pusher.Publisher, channel string, data ...string) {
	t.Helper()
	for _, text := range data {
		if err := p.Publish(t.Context(), pusher.Event{Channel: channel, Name: "e", Data: text}); err != nil {
			t.Fatalf("Publish(%s, %s) = %v, want no error", channel, text, err)
		}
	}
}

func flush(t testing.TB, p *pusher.Publisher) {
	t.Helper()
	if err := p.Flush(t.Context()); err != nil {
		t.Fatalf("Flush = %v, want no error", err)
	}
}

// resultLog records results.
type resultLog struct {
	mu      sync.Mutex
	results []pusher.PublishResult
}

func (l *resultLog) add(_ context.Context, r pusher.PublishResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results = append(l.results, r)
}

func (l *resultLog) all() []pusher.PublishResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.results)
}

// of returns the results of events with the data.
func (l *resultLog) of(data string) (found []pusher.PublishResult) {
	for _, r := range l.all() {
		if r.Event.Data == data {
			found = append(found, r)
		}
	}
	return found
}
