package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// Package pusher sends every header that the document describes for requests; TestTraffic
// tests that it sends no other.
func TestHeaders(t *testing.T) {
	headers := describedHeaders(t, load(t))
	var sent http.Header
	var method string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, method = r.Header, r.Method
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"channels":{}}`))
	}))
	defer server.Close()
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "sample-key", Secret: "sample-secret"}, pusher.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		http.MethodGet:  func() error { _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); return err },
		http.MethodPost: func() error { _, err := client.Trigger(t.Context(), "a", "e", "d"); return err },
	}
	for want, call := range calls {
		if err := call(); err != nil || method != want {
			t.Fatalf("%s request: method %s, error %v", want, method, err)
		}
		for _, name := range headers[want] {
			if sent.Get(name) == "" {
				t.Errorf("a %s request of package pusher has no header %s: send it, or change the table of headers in openapi.yaml", want, name)
			}
		}
	}
}

// A webhook of pushertest has the headers of the security schemes, and no others than
// net/http sends.
func TestHeaders_Webhook(t *testing.T) {
	doc := load(t)
	described := []string{"Content-Type"}
	for _, requirement := range *doc.Webhooks["events"].Post.Security {
		for name := range requirement {
			described = append(described, doc.Components.SecuritySchemes[name].Value.Name)
		}
	}
	received := make(chan http.Header, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case received <- r.Header:
		default:
		}
	}))
	defer app.Close()
	server := pushertest.NewServer(pushertest.WithWebhook(app.URL))
	defer server.Close()
	if _, err := server.Subscribe(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	select {
	case header := <-received:
		for _, name := range described {
			if header.Get(name) == "" {
				t.Errorf("a webhook has no header %s", name)
			}
		}
		if err := otherHeaders(header, described, "Accept-Encoding", "Connection", "Content-Length", "User-Agent"); err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("no webhook was received")
	}
}

// describedHeaders returns the names in the document's table of headers, by "GET", "POST"
// and "response".
func describedHeaders(t *testing.T, doc *openapi3.T) map[string][]string {
	t.Helper()
	headers := map[string][]string{}
	for _, row := range table(t, section(t, doc.Info.Description, "## Requests and responses")) {
		name, sentWith := strings.Trim(row[0], "`"), row[1]
		switch {
		case strings.HasPrefix(sentWith, "`POST` requests"):
			headers[http.MethodPost] = append(headers[http.MethodPost], name)
		case strings.HasPrefix(sentWith, "Requests"):
			headers[http.MethodPost] = append(headers[http.MethodPost], name)
			headers[http.MethodGet] = append(headers[http.MethodGet], name)
		case strings.HasPrefix(sentWith, "Responses"):
			headers["response"] = append(headers["response"], name)
		default:
			t.Errorf("the table of headers in openapi.yaml has %q sent with %q, want requests or responses", name, sentWith)
		}
	}
	return headers
}

// otherHeaders returns an error that names the headers which are neither described nor
// allowed.
func otherHeaders(header http.Header, described []string, allowed ...string) error {
	var other []string
	for _, name := range sortedKeys(header) {
		if !slices.Contains(described, name) && !slices.Contains(allowed, name) {
			other = append(other, name)
		}
	}
	if other != nil {
		return fmt.Errorf("the headers %q are not described: add them to the table of headers in openapi.yaml", other)
	}
	return nil
}
