package contract_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// The client's requests and the test server's responses conform to the document, for
// successful and for rejected calls. Neither has a property or a header that the document
// does not describe.
func TestTraffic(t *testing.T) {
	proxy := newValidatingProxy(t, newServer(t))
	listener := httptest.NewServer(proxy)
	defer listener.Close()
	app := proxy.next.App()
	client, err := pusher.New(pusher.Credentials{AppID: app.ID, Key: app.Key, Secret: app.Secret}, pusher.WithBaseURL(listener.URL))
	if err != nil {
		t.Fatal(err)
	}

	ctx := context.Background()
	all := []pusher.Attribute{pusher.UserCount, pusher.SubscriptionCount}
	calls := []struct {
		name   string
		call   func() error
		status int
	}{
		{"trigger", func() error {
			_, err := client.Trigger(ctx, "prices", "changed", map[string]int{"cents": 349})
			return err
		}, 200},
		{"trigger with info and an excluded socket", func() error {
			_, err := client.TriggerMulti(ctx, []string{"prices", "presence-lobby"}, "e", "d", pusher.WithInfo(all...), pusher.ExcludeSocket("1.2"))
			return err
		}, 200},
		{"send to a user", func() error { return client.SendToUser(ctx, "7", "e", "d") }, 200},
		{"batch", func() error {
			_, err := client.TriggerBatch(ctx, []pusher.Event{{Channel: "prices", Name: "e"}, {Channel: "presence-lobby", Name: "e", Info: all}})
			return err
		}, 200},
		{"channels", func() error { _, err := client.Channels(ctx, pusher.ChannelsParams{}); return err }, 200},
		{"presence channels", func() error {
			_, err := client.Channels(ctx, pusher.ChannelsParams{FilterByPrefix: "presence-", Info: all[:1]})
			return err
		}, 200},
		{"a channel", func() error { _, err := client.ChannelInfo(ctx, "presence-lobby", all...); return err }, 200},
		{"a vacant channel", func() error { _, err := client.ChannelInfo(ctx, "foo-bar_1234@=,.;"); return err }, 200},
		{"an empty cache", func() error { _, err := client.ChannelInfo(ctx, "cache-x", pusher.Cache); return err }, 200},
		{"users", func() error { _, err := client.ChannelUsers(ctx, "presence-lobby"); return err }, 200},
		{"terminate connections", func() error { return client.TerminateUserConnections(ctx, "7") }, 200},
		{"an attribute of another kind of channel", func() error { _, err := client.ChannelInfo(ctx, "prices", pusher.UserCount); return err }, 400},
		{"users of a public channel", func() error { _, err := client.ChannelUsers(ctx, "prices"); return err }, 400},
	}
	for _, tt := range calls {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			var apiErr *pusher.Error
			if tt.status == http.StatusOK && err != nil || tt.status != http.StatusOK && (!errors.As(err, &apiErr) || apiErr.Status != tt.status) {
				t.Errorf("%s = %v, want status %d", tt.name, err, tt.status)
			}
			if err := proxy.violations(); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		})
	}
}

func newServer(t *testing.T) *pushertest.Server {
	t.Helper()
	server, err := pushertest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := server.SetChannel("presence-lobby", pushertest.ChannelState{Users: []string{"ada", "grace"}}); err != nil {
		t.Fatal(err)
	}
	return server
}

// forbidOtherProperties sets additionalProperties to false in every object schema that
// does not say otherwise.
func forbidOtherProperties(t *testing.T, doc *openapi3.T) {
	t.Helper()
	err := doc.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		additional := &ref.Value.AdditionalProperties
		if ref.Value.Type.Is(openapi3.TypeObject) && ref.Value.OneOf == nil && additional.Has == nil && additional.Schema == nil {
			additional.Has = new(bool)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A validatingProxy forwards requests to a server and validates them and their
// responses against the document.
type validatingProxy struct {
	next  *pushertest.Server
	match func(*http.Request) (*openapi3filter.RequestValidationInput, error)

	// The headers in the document's table, by "GET", "POST" and "response".
	headers map[string][]string

	mu       sync.Mutex
	err      error
	requests int
}

func newValidatingProxy(t *testing.T, next *pushertest.Server) *validatingProxy {
	t.Helper()
	document := load(t)
	document.Servers = openapi3.Servers{{URL: "/"}} // any address
	forbidOtherProperties(t, document)
	router, err := legacy.NewRouter(document, openapi3.IsOpenAPI31OrLater())
	if err != nil {
		t.Fatal(err)
	}
	match := func(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
		route, parameters, err := router.FindRoute(r)
		if err != nil {
			return nil, err
		}
		return &openapi3filter.RequestValidationInput{
			Request: r, PathParams: parameters, Route: route,
			// The server verifies the signature; here it only has to be present.
			Options: &openapi3filter.Options{AuthenticationFunc: func(_ context.Context, input *openapi3filter.AuthenticationInput) error {
				if !r.URL.Query().Has(input.SecurityScheme.Name) {
					return errors.New("missing query parameter " + input.SecurityScheme.Name)
				}
				return nil
			}},
		}, nil
	}
	return &validatingProxy{next: next, match: match, headers: describedHeaders(t, document)}
}

func (p *validatingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.record(err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	input, err := p.match(r)
	if err == nil {
		err = openapi3filter.ValidateRequest(r.Context(), input)
	}
	p.record(err)
	p.record(otherHeaders(r.Header, p.headers[r.Method], "Accept-Encoding", "Content-Length", "User-Agent")) // of net/http

	r.Body = io.NopCloser(bytes.NewReader(body))
	response := httptest.NewRecorder()
	p.next.ServeHTTP(response, r)
	p.record(otherHeaders(response.Header(), p.headers["response"], "X-Content-Type-Options")) // of http.Error
	if input != nil {
		p.record(openapi3filter.ValidateResponse(r.Context(), (&openapi3filter.ResponseValidationInput{
			RequestValidationInput: input,
			Status:                 response.Code,
			Header:                 response.Header(),
			Options:                &openapi3filter.Options{IncludeResponseStatus: true},
		}).SetBodyBytes(response.Body.Bytes())))
	}
	for name, values := range response.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(response.Code)
	_, _ = w.Write(response.Body.Bytes())
}

func (p *validatingProxy) record(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	p.err = errors.Join(p.err, err)
}

// violations returns what violated the document since the last call. It is an error
// if there was no request.
func (p *validatingProxy) violations() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.err
	if p.requests == 0 {
		err = errors.New("no request was sent")
	}
	p.err, p.requests = nil, 0
	return err
}
