package pushertest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/openchannels/pusher-go/gen/server"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// newServer returns a server without a listener.
func newServer(t testing.TB, opts ...pushertest.Option) *pushertest.Server {
	t.Helper()
	s, err := pushertest.New(opts...)
	if err != nil {
		t.Fatalf("New(...) = %v, want nil", err)
	}
	t.Cleanup(s.Close)
	return s
}

// newRequest returns an unsigned request as a server gets it.
func newRequest(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// sign signs r for the app of s, as of now, or of at if that is not zero.
func sign(t testing.TB, s *pushertest.Server, r *http.Request, at time.Time) *http.Request {
	t.Helper()
	signer, err := newSigner(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Sign(r, at); err != nil {
		t.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	return r
}

func newSigner(s *pushertest.Server) (*signing.Signer, error) {
	return signing.New(s.App().Key, s.App().Secret)
}

// call signs and sends a request, and returns the status and the body.
func call(t testing.TB, s *pushertest.Server, method, target, body string) (int, string) {
	t.Helper()
	return send(t, s, sign(t, s, newRequest(method, target, body), time.Time{}))
}

// send sends r and checks the exchange against the document.
func send(t testing.TB, s *pushertest.Server, r *http.Request) (int, string) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	r.Body = io.NopCloser(bytes.NewReader(body))
	checkExchange(t, r, w)
	return w.Code, w.Body.String()
}

// checkExchange holds an answer, and a request that was accepted, against the
// OpenAPI document with its own version's checker.
func checkExchange(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	route, pathParams, err := document().FindRoute(r)
	if err != nil {
		if w.Code != http.StatusNotFound {
			t.Errorf("%s %s = %d, want 404 for what is not in the document", r.Method, r.URL.Path, w.Code)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: pathParams, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true,
		},
	}
	if w.Code == http.StatusOK && !inQuery(r) {
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			t.Errorf("%s %s = 200, but the document forbids the request: %.300v", r.Method, r.URL.Path, err)
		}
	}
	err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 w.Code,
		Header:                 w.Header(),
		Body:                   io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options:                input.Options,
	})
	if err != nil {
		t.Errorf("%s %s: the document forbids the answer: %v", r.Method, r.URL.Path, err)
	}
}

// inQuery tells whether r is a trigger with parameters in the query, which the
// document does not describe.
func inQuery(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.Contains(r.URL.RawQuery, "name=")
}

var document = sync.OnceValue(func() routers.Router {
	doc := must(server.GetSpec())
	doc.Servers = nil // any host will do
	return must(legacy.NewRouter(doc, openapi3.DisableExamplesValidation()))
})

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// A clock stands still until it is set.
type clock struct{ now atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) set(at time.Time)    { c.now.Store(at.UnixNano()) }
func (c *clock) add(d time.Duration) { c.now.Add(int64(d)) }
func (c *clock) Now() time.Time      { return time.Unix(0, c.now.Load()) }
