package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestTransport_Redirect(t *testing.T) {
	var visits atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		respond(200, jsonType, `{"channels":{},"occupied":true,"users":[]}`)(w, r)
	}))
	defer target.Close()

	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target.URL+r.RequestURI, status)
			})
			for _, op := range operations() {
				_, err := op.call(context.Background(), client)
				var e *pusher.Error
				if !errors.As(err, &e) || !errors.Is(e, pusher.ErrServer) || e.Status != status || !strings.Contains(e.Message, "leads to "+target.URL+"/apps/3/") {
					t.Errorf("%s = %v, want %v with status %d and the target", op.name, err, pusher.ErrServer, status)
				}
			}
		})
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("the target of the redirects received %d requests, want none", n)
	}
}

func TestTransport_RedirectLocation(t *testing.T) {
	tests := []struct{ name, location, want string }{
		{"no Location header", "", "redirects are not followed; this one leads to an unknown address"},
		{"Location longer than the limit of a message", "http://elsewhere.example/" + strings.Repeat("x", 5000),
			"redirects are not followed; this one leads to http://elsewhere.example/" + strings.Repeat("x", 950) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(302)
			})
			_, err := client.Channels(context.Background(), pusher.ChannelsParams{})
			sameError(t, "Channels", err, wantError{Op: "Channels", Kind: pusher.ErrServer, Status: 302, Message: tt.want})
		})
	}
}

// TestTransport_TruncatedResponse checks that a query with a truncated response fails.
// For a publish, and for an error response, the status line is enough.
func TestTransport_TruncatedResponse(t *testing.T) {
	const withLength, chunked = "Content-Length: 99\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct {
		name, raw       string
		query           wantError
		cause           error
		publishAccepted bool
		publish         wantError
	}{
		{name: "200, shorter than Content-Length", raw: "HTTP/1.1 200 OK\r\n" + withLength + `{"channels":{}`,
			query: wantError{Kind: pusher.ErrTransport, Status: 200}, cause: io.ErrUnexpectedEOF, publishAccepted: true},
		{name: "200, last chunk missing", raw: "HTTP/1.1 200 OK\r\n" + chunked + "2\r\n{}\r\n",
			query: wantError{Kind: pusher.ErrTransport, Status: 200}, cause: io.ErrUnexpectedEOF, publishAccepted: true},
		{name: "202, no body", raw: "HTTP/1.1 202 OK\r\n" + withLength,
			query: wantError{Kind: pusher.ErrTransport, Status: 202}, cause: io.ErrUnexpectedEOF, publishAccepted: true},
		{name: "truncated HTML page", raw: "HTTP/1.1 200 OK\r\n" + withLength + "<html>",
			query:   wantError{Kind: pusher.ErrServer, Status: 200, Message: unexpectedResponse},
			publish: wantError{Kind: pusher.ErrServer, Status: 200, Message: unexpectedResponse}},
		{name: "truncated error response", raw: "HTTP/1.1 403 Forbidden\r\n" + withLength + "over qu",
			query:   wantError{Kind: pusher.ErrForbidden, Status: 403, Message: "over qu"},
			publish: wantError{Kind: pusher.ErrForbidden, Status: 403, Message: "over qu"}},
		{name: "closed without response", raw: "",
			query: wantError{Kind: pusher.ErrTransport}, cause: io.EOF, publish: wantError{Kind: pusher.ErrTransport}},
		{name: "truncated status line", raw: "HTTP/1.1 20",
			query: wantError{Kind: pusher.ErrTransport}, publish: wantError{Kind: pusher.ErrTransport}},
		{name: "another protocol", raw: "SSH-2.0-OpenSSH_9.6\r\n",
			query: wantError{Kind: pusher.ErrTransport}, publish: wantError{Kind: pusher.ErrTransport}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := serveRaw(t, tt.raw)
			for _, op := range operations() {
				_, err := op.call(context.Background(), client)
				want := tt.query
				if op.publishes {
					want = tt.publish
				}
				want.Op = op.name
				switch {
				case op.publishes && tt.publishAccepted:
					if err != nil {
						t.Errorf("%s = %v, want no error", op.name, err)
					}
				default:
					sameError(t, op.name, err, want)
				}
				if !op.publishes && tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("%s = %v, want an error that is %v", op.name, err, tt.cause)
				}
			}
		})
	}
}

// TestTransport_Timeout checks that the context of the caller and the timeout of the
// client both end a call, and that errors.Is distinguishes them.
func TestTransport_Timeout(t *testing.T) {
	noResponse := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	tests := []struct {
		name    string
		context func() (context.Context, context.CancelFunc)
		after   time.Duration
		want    error
	}{
		{"timeout of the client", func() (context.Context, context.CancelFunc) {
			return context.WithCancel(context.Background())
		}, 7 * time.Second, context.DeadlineExceeded},
		{"deadline of the context", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 3*time.Second)
		}, 3 * time.Second, context.DeadlineExceeded},
		{"context canceled", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(2*time.Second, cancel)
			return ctx, cancel
		}, 2 * time.Second, context.Canceled},
	}
	for _, tt := range tests {
		for _, op := range operations() {
			t.Run(tt.name+": "+op.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := newClient(t, over(noResponse), pusher.WithTimeout(7*time.Second))
					ctx, cancel := tt.context()
					defer cancel()
					start := time.Now()
					_, err := op.call(ctx, client)
					sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrTransport})
					if took := time.Since(start); !errors.Is(err, tt.want) || took != tt.after {
						t.Errorf("%s = %v after %v, want an error that is %v after %v", op.name, err, took, tt.want, tt.after)
					}
				})
			})
		}
	}
}

// TestTransport_StalledBody checks a response whose body stops after status 200.
func TestTransport_StalledBody(t *testing.T) {
	stall := func(req *http.Request) (*http.Response, error) {
		resp := response(200, "", nil)
		resp.Body = stalledBody{req.Context()}
		return resp, nil
	}
	for _, op := range operations() {
		synctest.Test(t, func(t *testing.T) {
			_, err := op.call(context.Background(), newClient(t, over(stall)))
			switch {
			case op.publishes && err != nil:
				t.Errorf("%s = %v, want no error: the server accepted it", op.name, err)
			case !op.publishes:
				sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrTransport, Status: 200})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s = %v, want an error that is %v", op.name, err, context.DeadlineExceeded)
				}
			}
		})
	}
}

type stalledBody struct{ ctx context.Context }

func (s stalledBody) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (stalledBody) Close() error { return nil }

// TestTransport_TimeoutOverTCP checks over a real connection that the server sees the
// request end when the call ends.
func TestTransport_TimeoutOverTCP(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := client.Trigger(ctx, "c", "e", "d")
	if !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, context.Canceled) {
		t.Errorf("Trigger = %v, want %v and %v", err, pusher.ErrTransport, context.Canceled)
	}

	client = serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pusher.WithTimeout(time.Millisecond))
	_, err = client.Trigger(context.Background(), "c", "e", "d")
	var timeout net.Error
	if !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Trigger = %v, want %v, %v and a net.Error with Timeout", err, pusher.ErrTransport, context.DeadlineExceeded)
	}
}

// TestTransport_UnsignableRequest checks that a request that cannot be signed is neither
// sent nor retried.
func TestTransport_UnsignableRequest(t *testing.T) {
	sent := 0
	client := newClient(t, pusher.WithRetry(pusher.Retry{Attempts: 5}), over(func(*http.Request) (*http.Response, error) {
		sent++
		return response(200, `{"channels":{}}`, nil), nil
	}))
	badEscape := func(_ context.Context, req *http.Request) error {
		req.URL.RawQuery = "filter_by_prefix=%zz"
		return nil
	}
	_, err := client.API().ListChannelsWithResponse(context.Background(), client.AppID(), nil, badEscape)
	sameError(t, "ListChannels with an invalid escape", err, wantError{Op: "GET /apps/3/channels", Kind: pusher.ErrInvalid})

	broken := errReader{io.ErrClosedPipe}
	_, err = client.API().TriggerEventWithBodyWithResponse(context.Background(), client.AppID(), jsonType, broken)
	sameError(t, "TriggerEvent with a body that cannot be read", err, wantError{Op: "POST /apps/3/events", Kind: pusher.ErrInvalid})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("TriggerEvent with a body that cannot be read = %v, want an error that is %v", err, io.ErrClosedPipe)
	}
	if sent != 0 {
		t.Errorf("%d requests were sent, want none", sent)
	}
}

func TestTransport_ProxyCredentials(t *testing.T) {
	var authorization, host string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization, host = r.Header.Get("Proxy-Authorization"), r.URL.Host
		_, _ = w.Write([]byte("{}"))
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}

	client, err := pusher.New(app, pusher.WithBaseURL("http://pusher.example"), pusher.WithHTTPProxy("http://user:password@"+address.Host))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "c", "e", ""); err != nil {
		t.Fatalf("Trigger through a proxy: %v", err)
	}
	// Base64 of user:password (RFC 7617).
	if want := "Basic dXNlcjpwYXNzd29yZA=="; authorization != want || host != "pusher.example" {
		t.Errorf("the proxy received %q for host %q, want %q for pusher.example", authorization, host, want)
	}
}

func TestTransport_HTTPClient(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	hc := server.Client()
	hc.Timeout = 30 * time.Second

	client, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithHTTPClient(hc), pusher.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "c", "e", ""); err != nil {
		t.Errorf("Trigger with a client that trusts the certificate = %v, want no error", err)
	}
	if hc.Timeout != 30*time.Second || hc.CheckRedirect != nil {
		t.Errorf("the HTTP client was changed: timeout %v, redirects %v", hc.Timeout, hc.CheckRedirect != nil)
	}

	strict, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithRetry(pusher.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Trigger(context.Background(), "c", "e", ""); !errors.Is(err, pusher.ErrTransport) {
		t.Errorf("Trigger with an untrusted certificate = %v, want %v", err, pusher.ErrTransport)
	}
}

func TestTransport_Cookies(t *testing.T) {
	var cookies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "7"})
		if len(cookies) > 1 {
			http.Redirect(w, r, "/other", http.StatusMovedPermanently)
		}
	}))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithHTTPClient(&http.Client{Jar: jar}))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := client.Trigger(ctx, "c", "e", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(ctx, "c", "e", ""); !errors.Is(err, pusher.ErrServer) {
		t.Errorf("redirected Trigger = %v, want %v", err, pusher.ErrServer)
	}
	if want := []string{"", "session=7"}; !slices.Equal(cookies, want) {
		t.Errorf("the server received the cookies %q, want %q: the one it set, and no third request", cookies, want)
	}
}

// A context that has ended before anything was sent is the error of the call.
func TestTransport_EndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, op := range operations() {
		client := newClient(t, over(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s sent a request", op.name)
			return nil, io.EOF
		}))
		_, err := op.call(ctx, client)
		sameError(t, op.name, err, wantError{Op: op.name, Kind: context.Canceled})
		if errors.Is(err, pusher.ErrTransport) {
			t.Errorf("%s = %v, want an error that is not %v", op.name, err, pusher.ErrTransport)
		}
	}
}

// TestTransport_CustomRoundTripper checks a transport that, unlike net/http's, leaves
// the header and the body of its response nil.
func TestTransport_CustomRoundTripper(t *testing.T) {
	sent := 0
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Request: r}, nil
	})
	client, err := pusher.New(app, pusher.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "c", "e", ""); err != nil || sent != 1 {
		t.Errorf("Trigger = %v after %d requests, want no error after one", err, sent)
	}
}

// TestTransport_HTTPClientTimeout checks that the timeout of the client given to
// WithHTTPClient limits an attempt.
func TestTransport_HTTPClientTimeout(t *testing.T) {
	noResponse := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for _, timeout := range []time.Duration{3 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			hc := &http.Client{Transport: noResponse, Timeout: timeout}
			client := newClient(t, pusher.WithHTTPClient(hc))
			start := time.Now()
			_, err := client.Trigger(context.Background(), "c", "e", "d")
			if took := time.Since(start); !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, context.DeadlineExceeded) || took != timeout {
				t.Errorf("Trigger with http.Client.Timeout %v = %v after %v, want %v and %v after %v",
					timeout, err, took, pusher.ErrTransport, context.DeadlineExceeded, timeout)
			}
		})
	}
}

// TestTransport_ProxyFromEnvironment runs itself in another process, because net/http
// reads the environment once.
func TestTransport_ProxyFromEnvironment(t *testing.T) {
	if os.Getenv("PUSHER_TEST_PROXY") != "" {
		client := newClient(t, pusher.WithBaseURL("http://pusher.test"))
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
			t.Errorf("Trigger = %v, want no error", err)
		}
		if err := client.Close(t.Context()); err != nil {
			t.Error(err)
		}
		return
	}

	var host atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host.Store(r.URL.Host)
		respond(200, jsonType, "{}")(w, r)
	}))
	defer proxy.Close()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), executable, "-test.run=^TestTransport_ProxyFromEnvironment$")
	// An empty NO_PROXY, or the environment of the test could bypass the proxy. HTTP_PROXY
	// is last, because Windows does not distinguish it from http_proxy.
	command.Env = append(os.Environ(), "PUSHER_TEST_PROXY=1", "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=", "http_proxy=", "HTTP_PROXY="+proxy.URL)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("test in a process with HTTP_PROXY: %v\n%s", err, output)
	}
	if got := host.Load(); got != "pusher.test" {
		t.Errorf("the proxy received a request for host %v, want pusher.test", got)
	}
}

// TestTransport_ConnectionReuse checks that rejected responses are drained and closed, so
// that the next request uses the same connection.
func TestTransport_ConnectionReuse(t *testing.T) {
	tests := []struct {
		name   string
		status int
		size   int
	}{
		{"status 400", 400, 20},
		{"status 400 with 6 KiB", 400, 6 << 10},
		{"status 401", 401, 20},
		{"status 404 without a body", 404, 0},
		{"status 500 with 6 KiB", 500, 6 << 10},
		{"redirect with 6 KiB", 302, 6 << 10},
		{"HTML page under status 200", 200, 6 << 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var connections atomic.Int64
			body := "<" + strings.Repeat("x", tt.size)
			if tt.size == 0 {
				body = ""
			}
			server := httptest.NewUnstartedServer(respond(tt.status, plainText, body))
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			server.Start()
			defer server.Close()
			client := newClient(t, pusher.WithBaseURL(server.URL))
			for range 5 {
				if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); err == nil {
					t.Error("Channels = no error, want one")
				}
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("5 rejected requests used %d connections, want 1", n)
			}
			if err := client.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// closeRecorder is a body that counts how often it is closed.
type closeRecorder struct {
	io.Reader
	closed int
}

func (c *closeRecorder) Close() error {
	c.closed++
	return nil
}

// TestTransport_ClosesBody checks that the body of every response is closed, whether the
// call succeeds or not.
func TestTransport_ClosesBody(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   io.Reader
	}{
		{"success", 200, strings.NewReader(`{"channels":{},"occupied":true,"users":[]}`)},
		{"unexpected body", 200, strings.NewReader("null")},
		{"HTML page", 200, strings.NewReader("<html>")},
		{"read error", 200, errReader{io.ErrUnexpectedEOF}},
		{"error under status 200", 200, strings.NewReader(`{"error":"no","code":401}`)},
		{"redirect", 302, strings.NewReader("")},
		{"status 400", 400, strings.NewReader("bad request")},
		{"status 500 with a read error", 500, errReader{io.ErrUnexpectedEOF}},
		{"switching protocols", 101, strings.NewReader("")},
	}
	for _, tt := range tests {
		for _, op := range operations() {
			t.Run(tt.name+": "+op.name, func(t *testing.T) {
				if seeker, ok := tt.body.(io.Seeker); ok {
					if _, err := seeker.Seek(0, io.SeekStart); err != nil {
						t.Fatal(err)
					}
				}
				body := &closeRecorder{Reader: tt.body}
				client := newClient(t, over(func(*http.Request) (*http.Response, error) {
					resp := response(tt.status, "", http.Header{"Location": {"http://pusher.test/"}})
					resp.Body, resp.ContentLength = body, -1
					return resp, nil
				}))
				_, err := op.call(t.Context(), client)
				if body.closed == 0 {
					t.Errorf("%s = %v, but the body was not closed", op.name, err)
				}
			})
		}
	}
}
