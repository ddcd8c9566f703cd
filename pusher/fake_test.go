package pusher_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A roundTrip responds to requests like a server, without a network, so that it works
// in a synctest bubble. It is an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// over makes a client send its requests with f.
func over(f roundTrip) pusher.Option {
	return pusher.WithHTTPClient(&http.Client{Transport: f})
}

// respond sends a response whose header has these names and values.
func respond(status int, body string, header ...string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, ProtoMajor: 1, ProtoMinor: 1, Request: req}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		if status != http.StatusNoContent {
			resp.ContentLength = int64(len(body))
			resp.Body = io.NopCloser(strings.NewReader(body))
		}
		return resp, nil
	}
}

// respondBody sends a response with status 200 whose length is unknown.
func respondBody(body io.ReadCloser) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := respond(200, "")(req)
		resp.Body, resp.ContentLength = body, -1
		return resp, err
	}
}

// fail returns an error instead of a response.
func fail(err error) roundTrip {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hang never responds.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// after responds like next after a delay.
func after(delay time.Duration, next roundTrip) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(delay):
			return next(req)
		case <-req.Context().Done():
			return hang(req)
		}
	}
}

// inOrder responds to each request like the next of the steps, and repeats the last.
func inOrder(steps ...roundTrip) roundTrip {
	var mu sync.Mutex
	return func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		next := steps[0]
		if len(steps) > 1 {
			steps = steps[1:]
		}
		mu.Unlock()
		return next(req)
	}
}

// A fakeServer records the requests of its client.
type fakeServer struct {
	mu       sync.Mutex
	received []received
}

// A received request has a valid signature.
type received struct {
	*http.Request
	at   time.Time
	body string
}

// authParameter matches the query parameters of a signature.
var authParameter = regexp.MustCompile(`(auth_\w+|body_md5)=[^&]*&?`)

// String returns method, path, unescaped query and body, without the signature.
func (r received) String() string {
	path, query, _ := strings.Cut(r.URL.RequestURI(), "?")
	text := r.Method + " " + path
	query, err := url.QueryUnescape(strings.TrimSuffix(authParameter.ReplaceAllString(query, ""), "&"))
	if query != "" || err != nil {
		text += "?" + query
	}
	if r.body != "" {
		text += " " + r.body
	}
	return text
}

// serve returns a client of a fakeServer that responds like f. The test fails if a
// request has an invalid signature.
func serve(t testing.TB, f roundTrip, opts ...pusher.Option) (*pusher.Client, *fakeServer) {
	t.Helper()
	s := &fakeServer{}
	record := func(req *http.Request) (*http.Response, error) {
		body, err := verify(req, time.Time{})
		if err != nil {
			t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
		}
		clone := req.Clone(req.Context())
		clone.Body = io.NopCloser(strings.NewReader(body))
		s.mu.Lock()
		s.received = append(s.received, received{clone, time.Now(), body})
		s.mu.Unlock()
		return f(clone)
	}
	return newClient(t, append([]pusher.Option{over(record)}, opts...)...), s
}

// requests returns what was received since the previous call.
func (s *fakeServer) requests() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.received
	s.received = nil
	return got
}

// listen returns the URL of an HTTP server on the loopback interface, for tests that
// need real connections. The server reads each request completely.
func listen(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the server could not read a request: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A requestTest is a call and the request it sends.
type requestTest struct {
	name string
	call func(*pusher.Client) error
	want string // without /apps/3, see received.String
}

// testRequests checks that each call sends the expected request, with and without a path
// in front of /apps. Such a path may contain escapes and /apps itself.
func testRequests(t *testing.T, tests []requestTest) {
	t.Helper()
	for _, prefix := range []string{"", "/realtime", "/caf%C3%A9%20a", "/apps/v1"} {
		for _, tt := range tests {
			t.Run(tt.name+prefix, func(t *testing.T) {
				client, server := serve(t, respond(200, completeBody), pusher.WithBaseURL("https://pusher.example"+prefix))
				err := tt.call(client)
				got := server.requests()
				if err != nil || len(got) != 1 {
					t.Fatalf("%s = %v after %d requests, want no error after one", tt.name, err, len(got))
				}
				method, rest, _ := strings.Cut(tt.want, " ")
				if want := method + " " + prefix + "/apps/3" + rest; got[0].String() != want {
					t.Errorf("sent %s\nwant %s", got[0], want)
				}
				if contentType := got[0].Header.Get("Content-Type"); method == "POST" && contentType != "application/json" {
					t.Errorf("sent Content-Type %q, want application/json", contentType)
				}
				if got[0].ContentLength != int64(len(got[0].body)) || got[0].Header.Get("X-Pusher-Library") != "pusher-go "+pusher.Version {
					t.Errorf("sent Content-Length %d for %d bytes and the header %v", got[0].ContentLength, len(got[0].body), got[0].Header)
				}
			})
		}
	}
}

// An argumentTest is a call that fails before a request is sent.
type argumentTest struct {
	name string
	call func(*pusher.Client) error
	want error
}

// testInvalidArguments checks that each call returns the error without sending anything.
func testInvalidArguments(t *testing.T, tests []argumentTest) {
	t.Helper()
	client, server := serve(t, respond(200, completeBody))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(client)
			var e *pusher.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Op == "" || e.Status != 0 {
				t.Errorf("%s = %v, want %v in a *pusher.Error with an operation and no status", tt.name, err, tt.want)
			}
			if got := server.requests(); len(got) != 0 {
				t.Errorf("%s sent %v, want nothing", tt.name, got)
			}
		})
	}
}
