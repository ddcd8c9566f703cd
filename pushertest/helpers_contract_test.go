package pushertest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// checkExchange validates a response, and a request that was accepted, against the
// OpenAPI document. Unlike the server it uses the validator for the document's version.
func checkExchange(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	route, pathParams, err := document().FindRoute(r)
	if err != nil {
		if w.Code != http.StatusNotFound {
			t.Errorf("%s %s = %d, want 404 for a path that is not in the document", r.Method, r.URL.Path, w.Code)
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
		t.Errorf("%s %s: the document forbids the response: %v", r.Method, r.URL.Path, err)
	}
}

// inQuery reports whether r is a trigger with parameters in the query, which the
// document does not describe.
func inQuery(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.Contains(r.URL.RawQuery, "name=")
}

var document = sync.OnceValue(func() routers.Router {
	doc := must(openapi3.NewLoader().LoadFromFile("../openapi.yaml"))
	doc.Servers = nil // match any host
	return must(legacy.NewRouter(doc, openapi3.DisableExamplesValidation()))
})
