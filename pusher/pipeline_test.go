package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestPipeline_Redirect(t *testing.T) {
	tests := []struct{ name, location, to string }{
		{"to another host", "http://elsewhere.example/apps/3/?auth_signature=0", "http://elsewhere.example/apps/3/"},
		{"no Location header", "", "an unknown address"},
		{"Location longer than the limit of a message", "http://elsewhere.example/" + strings.Repeat("x", 5000), "http://elsewhere.example/" + strings.Repeat("x", 950) + "…"},
	}
	for _, tt := range tests {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(status, " ", tt.name), func(t *testing.T) {
				header := []string{"Location", tt.location}
				if tt.location == "" {
					header = nil
				}
				client, server := serve(t, respond(status, "", header...))
				for _, op := range operations() {
					_, err := op.call(t.Context(), client)
					sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrServer, Status: status, Message: "redirects are not followed; this one leads to " + tt.to})
					if n := len(server.requests()); n != 1 {
						t.Errorf("%s sent %d requests, want 1", op.name, n)
					}
				}
			})
		}
	}
}

// TestPipeline_Timeout checks that the context of the caller, the timeout of the client
// and that of its http.Client end a call, and that errors.Is distinguishes them.
func TestPipeline_Timeout(t *testing.T) {
	const never = time.Hour
	limited := func(timeout time.Duration) pusher.Option {
		return pusher.WithHTTPClient(&http.Client{Transport: roundTrip(hang), Timeout: timeout})
	}
	tests := []struct {
		name             string
		opts             []pusher.Option
		deadline, cancel time.Duration // of the context
		after            time.Duration
		want             error
	}{
		{"timeout of the client", []pusher.Option{limited(0), pusher.WithTimeout(7 * time.Second)}, never, never, 7 * time.Second, context.DeadlineExceeded},
		{"deadline of the context", []pusher.Option{limited(0), pusher.WithTimeout(7 * time.Second)}, 3 * time.Second, never, 3 * time.Second, context.DeadlineExceeded},
		{"context canceled", []pusher.Option{limited(0), pusher.WithTimeout(7 * time.Second)}, never, 2 * time.Second, 2 * time.Second, context.Canceled},
		{"default", []pusher.Option{limited(0)}, never, never, 5 * time.Second, context.DeadlineExceeded},
		{"short timeout of http.Client", []pusher.Option{limited(3 * time.Second)}, never, never, 3 * time.Second, context.DeadlineExceeded},
		{"long timeout of http.Client", []pusher.Option{limited(time.Minute)}, never, never, time.Minute, context.DeadlineExceeded},
		{"WithTimeout and timeout of http.Client", []pusher.Option{limited(time.Minute), pusher.WithTimeout(7 * time.Second)}, never, never, 7 * time.Second, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		for _, op := range operations() {
			t.Run(tt.name+": "+op.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
					defer cancel()
					defer time.AfterFunc(tt.cancel, cancel).Stop()
					start := time.Now()
					_, err := op.call(ctx, newClient(t, tt.opts...))
					sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrTransport})
					if took := time.Since(start); !errors.Is(err, tt.want) || took != tt.after {
						t.Errorf("%s = %v after %v, want an error that is %v after %v", op.name, err, took, tt.want, tt.after)
					}
				})
			})
		}
	}
}

// TestPipeline_TimeoutOverTCP checks over a real connection that the server sees the
// request end when the call ends.
func TestPipeline_TimeoutOverTCP(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := newClient(t, pusher.WithBaseURL(url)).Trigger(ctx, "c", "e", "d")
	if !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, context.Canceled) {
		t.Errorf("Trigger = %v, want %v and %v", err, pusher.ErrTransport, context.Canceled)
	}
	_, err = newClient(t, pusher.WithBaseURL(url), pusher.WithTimeout(time.Millisecond)).Trigger(t.Context(), "c", "e", "d")
	var timeout net.Error
	if !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Trigger = %v, want %v, %v and a net.Error with Timeout", err, pusher.ErrTransport, context.DeadlineExceeded)
	}
}

// TestPipeline_EndedContext checks that the error of a call whose context has ended
// before anything was sent is the context's error.
func TestPipeline_EndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client, server := serve(t, respond(200, completeBody))
	for _, op := range operations() {
		_, err := op.call(ctx, client)
		sameError(t, op.name, err, wantError{Op: op.name, Kind: context.Canceled})
		if errors.Is(err, pusher.ErrTransport) || len(server.requests()) != 0 {
			t.Errorf("%s = %v, want an error that is not %v, and no request", op.name, err, pusher.ErrTransport)
		}
	}
}

// A reader that ends the context of its own request.
type cancelingReader struct {
	io.Reader
	cancel func()
}

func (r cancelingReader) Read(p []byte) (int, error) {
	r.cancel()
	return r.Reader.Read(p)
}

// TestPipeline_ContextEndsBeforeSending checks contexts that end after the call has begun
// and before a request is sent.
func TestPipeline_ContextEndsBeforeSending(t *testing.T) {
	client, server := serve(t, respond(200, completeBody))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := client.API().TriggerEventWithBodyWithResponse(ctx, "3", "application/json", cancelingReader{strings.NewReader("{}"), cancel})
	sameError(t, "TriggerEventWithBody", err, wantError{Op: "POST /apps/3/events", Kind: context.Canceled})
	if errors.Is(err, pusher.ErrTransport) || len(server.requests()) != 0 {
		t.Errorf("TriggerEventWithBody = %v, want an error that is not %v, and no request", err, pusher.ErrTransport)
	}

	synctest.Test(t, func(t *testing.T) {
		client, server := serve(t, after(time.Second, respond(200, "{}")))
		for range 100 {
			client.TriggerAsync(t.Context(), "c", "e", "d")
		}
		synctest.Wait()
		// The slots become free when the contexts of these calls end.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var waiting []*pusher.Future[*pusher.TriggerResult]
		for range 100 {
			waiting = append(waiting, client.TriggerAsync(ctx, "c", "e", "d"))
		}
		unanswered := 0
		for _, f := range waiting {
			_, err := f.Wait(t.Context())
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("TriggerAsync = %v, want %v", err, context.DeadlineExceeded)
			}
			if errors.Is(err, pusher.ErrTransport) {
				unanswered++
			}
		}
		if sent := len(server.requests()) - 100; unanswered != sent {
			t.Errorf("%d calls are %v, want %d, which sent a request", unanswered, pusher.ErrTransport, sent)
		}
	})
}

// TestPipeline_NilHeaderAndBody checks a RoundTripper that, unlike net/http's, leaves
// the header and the body of its response nil.
func TestPipeline_NilHeaderAndBody(t *testing.T) {
	client, server := serve(t, func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Request: req}, nil
	})
	if _, err := client.Trigger(t.Context(), "c", "e", ""); err != nil || len(server.requests()) != 1 {
		t.Errorf("Trigger = %v, want no error after one request", err)
	}
}

// closeRecorder is a body that records whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

// TestPipeline_ClosesBody checks that the body of every response is closed, whether the
// call succeeds or not.
func TestPipeline_ClosesBody(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		err        error // after the body
	}{
		{"success", completeBody, 200, io.EOF},
		{"unexpected body", "null", 200, io.EOF},
		{"HTML page", "<html>", 200, io.EOF},
		{"read error", "", 200, io.ErrUnexpectedEOF},
		{"error under status 200", `{"error":"no","code":401}`, 200, io.EOF},
		{"redirect", "", 302, io.EOF},
		{"status 400", "bad request", 400, io.EOF},
		{"status 500 with a read error", "", 500, io.ErrUnexpectedEOF},
		{"switching protocols", "", 101, io.EOF},
	}
	for _, tt := range tests {
		for _, op := range operations() {
			t.Run(tt.name+": "+op.name, func(t *testing.T) {
				body := &closeRecorder{Reader: io.MultiReader(strings.NewReader(tt.body), iotest.ErrReader(tt.err))}
				client := newClient(t, over(func(req *http.Request) (*http.Response, error) {
					resp, err := respondBody(body)(req)
					resp.StatusCode = tt.status
					return resp, err
				}))
				if _, err := op.call(t.Context(), client); !body.closed {
					t.Errorf("%s = %v, but the body was not closed", op.name, err)
				}
			})
		}
	}
}

// TestPipeline_Cookies checks that a cookie of the server is sent once with each
// attempt, and that no redirect is followed.
func TestPipeline_Cookies(t *testing.T) {
	cookie := []string{"Set-Cookie", "route=a", "Location", "/other"}
	var cookies []string
	steps := inOrder(respond(429, "", cookie...), respond(429, "", cookie...), respond(200, "{}", cookie...), respond(301, "", cookie...))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, pusher.WithRetry(pusher.Retry{BaseDelay: 1}), pusher.WithHTTPClient(&http.Client{
		Jar: jar,
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			cookies = append(cookies, req.Header.Get("Cookie"))
			return steps(req)
		}),
	}))
	if _, err := client.Trigger(t.Context(), "c", "e", ""); err != nil {
		t.Errorf("Trigger = %v, want no error", err)
	}
	if _, err := client.Trigger(t.Context(), "c", "e", ""); !errors.Is(err, pusher.ErrServer) {
		t.Errorf("redirected Trigger = %v, want %v", err, pusher.ErrServer)
	}
	if want := []string{"", "route=a", "route=a", "route=a"}; !slices.Equal(cookies, want) {
		t.Errorf("the server received the cookies %q, want %q", cookies, want)
	}
}

// An HTTP/2 connection may still be reading the request of an attempt that timed out
// when the next attempt is signed. The race detector reports it if both share a URL
// or headers.
func TestPipeline_RetryHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // never responds in time
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client := newClient(t, pusher.WithBaseURL(server.URL), pusher.WithHTTPClient(server.Client()), pusher.WithTimeout(200*time.Microsecond),
		pusher.WithRetry(pusher.Retry{Attempts: 20, BaseDelay: time.Nanosecond, Publishes: true}))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 5 {
				if _, err := client.Trigger(t.Context(), "c", "e", fmt.Sprint(i)); !errors.Is(err, pusher.ErrTransport) {
					t.Errorf("Trigger = %v, want %v", err, pusher.ErrTransport)
				}
			}
		})
	}
	all.Wait()
}

// net/http treats a negative timeout as none, so the default applies.
func TestPipeline_NegativeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, pusher.WithHTTPClient(&http.Client{Timeout: -1, Transport: after(4*time.Second, respond(200, "{}"))}))
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
			t.Errorf("Trigger with a response after 4s = %v, want no error", err)
		}
	})
}
