package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/console"
)

func TestHandler(t *testing.T) {
	server := httptest.NewServer(console.Handler())
	defer server.Close()
	for _, c := range []struct {
		path, contentType string
		status            int
	}{
		{"/", "text/html; charset=utf-8", http.StatusOK},
		{"/main.js", "text/javascript; charset=utf-8", http.StatusOK},
		{"/style.css", "text/css; charset=utf-8", http.StatusOK},
		{"/icon.svg", "image/svg+xml", http.StatusOK},
		{"/page/main.js", "text/plain; charset=utf-8", http.StatusNotFound},
		{"/../console.go", "text/plain; charset=utf-8", http.StatusNotFound},
	} {
		response, err := http.Get(server.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Get("Content-Type"); response.StatusCode != c.status || got != c.contentType {
			t.Errorf("GET %s: status %d, Content-Type %q, want %d and %q", c.path, response.StatusCode, got, c.status, c.contentType)
		}
		policy := response.Header.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("GET %s: Content-Security-Policy %q, want %s in it", c.path, policy, directive)
			}
		}
		if got := response.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("GET %s: X-Content-Type-Options %q, want nosniff", c.path, got)
		}
	}
}
