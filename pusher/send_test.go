package pusher_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestAProxyGetsUserAndPassword(t *testing.T) {
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
	// Base64 of user:password, as RFC 7617 has it.
	if want := "Basic dXNlcjpwYXNzd29yZA=="; authorization != want || host != "pusher.example" {
		t.Errorf("the proxy got %q for host %q, want %q for pusher.example", authorization, host, want)
	}
}

func TestAnHTTPClientIsUsedAsItIs(t *testing.T) {
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
		t.Errorf("Trigger with the client that trusts the server = %v, want no error", err)
	}
	if hc.Timeout != 30*time.Second || hc.CheckRedirect != nil {
		t.Errorf("the HTTP client was changed: timeout %v, redirects %v", hc.Timeout, hc.CheckRedirect != nil)
	}

	strict, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithRetry(pusher.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Trigger(context.Background(), "c", "e", ""); !errors.Is(err, pusher.ErrHTTP) {
		t.Errorf("Trigger to a certificate that nobody trusts = %v, want %v", err, pusher.ErrHTTP)
	}
}

func TestTheCookiesOfAnHTTPClientAreSent(t *testing.T) {
	var cookies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "lane", Value: "7"})
		if len(cookies) > 1 {
			http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
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
		t.Errorf("Trigger that is redirected = %v, want %v", err, pusher.ErrServer)
	}
	if want := []string{"", "lane=7"}; !slices.Equal(cookies, want) {
		t.Errorf("the server got the cookies %q, want %q: what it set, and no third request", cookies, want)
	}
}

func TestCloseLeavesNoConnection(t *testing.T) {
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{}"))
	}))
	closed := make(chan struct{}, 1)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := client.Trigger(ctx, "c", "e", ""); err != nil {
		t.Fatal(err)
	}
	if open.Load() != 1 {
		t.Fatalf("%d connections after a call, want the one that is kept", open.Load())
	}
	if err := client.Close(ctx); err != nil {
		t.Fatal(err)
	}
	<-closed
	if _, err := client.Trigger(ctx, "c", "e", ""); err != nil {
		t.Errorf("Trigger after Close = %v, want no error", err)
	}
}

// A transport made by hand need not look at the context.
func TestNothingIsSentAfterTheContextHasEnded(t *testing.T) {
	sent := 0
	careless := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Request: r}, nil
	})
	client, err := pusher.New(app, pusher.WithHTTPClient(&http.Client{Transport: careless}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = client.Trigger(ctx, "c", "e", "")
	if !errors.Is(err, pusher.ErrHTTP) || !errors.Is(err, context.Canceled) || sent != 0 {
		t.Errorf("Trigger with an ended context = %v after %d requests, want %v, %v and none", err, sent, pusher.ErrHTTP, context.Canceled)
	}
	if _, err := client.Trigger(context.Background(), "c", "e", ""); err != nil || sent != 1 {
		t.Errorf("Trigger through that transport = %v after %d requests, want no error and one", err, sent)
	}
}
