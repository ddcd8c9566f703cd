package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// An HTTP/2 connection may still be reading the request of an attempt that timed out
// when the next attempt is signed. The race detector reports it if both share a URL
// or headers.
func TestTransport_RetryHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // never responds in time
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithHTTPClient(server.Client()), pusher.WithTimeout(200*time.Microsecond), pusher.WithLogger(slog.New(slog.DiscardHandler)),
		pusher.WithRetry(pusher.Retry{Attempts: 20, BaseDelay: time.Nanosecond, Publishes: true}))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 5 {
				if _, err := client.Trigger(context.Background(), "c", "e", fmt.Sprint(i)); !errors.Is(err, pusher.ErrTransport) {
					t.Errorf("Trigger = %v, want %v", err, pusher.ErrTransport)
				}
			}
		})
	}
	all.Wait()
}

// Each attempt is a clone of the request, so that a cookie is sent once.
func TestTransport_RetryCookies(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if requests > 1 && len(r.Cookies()) != 1 {
			t.Errorf("request %d has the cookies %v, want one", requests, r.Cookies())
		}
		http.SetCookie(w, &http.Cookie{Name: "route", Value: "a"})
		if requests < 4 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	hc := server.Client()
	hc.Jar = jar
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL), pusher.WithHTTPClient(hc),
		pusher.WithRetry(pusher.Retry{Attempts: 5, BaseDelay: time.Microsecond}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil || requests != 4 {
		t.Errorf("Trigger = %v after %d requests, want no error after 4", err, requests)
	}
}
