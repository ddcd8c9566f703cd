package pushertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

var testApp = pushertest.App{ID: "app-1", Key: "key@1", Secret: "s3cr3t/s3cr3t"}

func TestServer_PusherURL(t *testing.T) {
	s := pushertest.NewServer(pushertest.WithApp(testApp))
	defer s.Close()
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
		t.Errorf("URL = %q, want one on loopback", s.URL)
	}
	want := "http://key%401:s3cr3t%2Fs3cr3t@" + strings.TrimPrefix(s.URL, "http://") + "/apps/app-1"
	if got := s.PusherURL(); got != want {
		t.Errorf("PusherURL() = %q, want %q", got, want)
	}
	if got := s.App(); got != testApp {
		t.Errorf("App() = %v, want %v", got, testApp)
	}
	if got := newServer(t).PusherURL(); got != "" {
		t.Errorf("PusherURL() without a listener = %q, want \"\"", got)
	}
}

func TestServer_PusherURLAt(t *testing.T) {
	s := newServer(t, pushertest.WithApp(testApp))
	for base, want := range map[string]string{
		"http://example.test":             "http://key%401:s3cr3t%2Fs3cr3t@example.test/apps/app-1",
		"https://example.test:8443/":      "https://key%401:s3cr3t%2Fs3cr3t@example.test:8443/apps/app-1",
		"http://127.0.0.1:80/pusher":      "http://key%401:s3cr3t%2Fs3cr3t@127.0.0.1:80/pusher/apps/app-1",
		"http://[::1]:8080/a/b/":          "http://key%401:s3cr3t%2Fs3cr3t@[::1]:8080/a/b/apps/app-1",
		"http://example.test/pusher%20x/": "http://key%401:s3cr3t%2Fs3cr3t@example.test/pusher%20x/apps/app-1",
	} {
		if got, err := s.PusherURLAt(base); err != nil || got != want {
			t.Errorf("PusherURLAt(%q) = %q, %v, want %q", base, got, err, want)
		}
	}
	for _, base := range []string{"", "/pusher", "example.test", "ftp://example.test", "http://", "http://user@example.test", "http://example.test?a=b", "http://example.test#a", "http://[::1", "http://a b/"} {
		got, err := s.PusherURLAt(base)
		if err == nil || got != "" || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("PusherURLAt(%q) = %q, %v, want an error", base, got, err)
		}
	}
}

func TestServer_PusherURLAt_Mounted(t *testing.T) {
	s := newServer(t)
	outer := httptest.NewServer(http.StripPrefix("/pusher", s))
	defer outer.Close()
	u := must(url.Parse(must(s.PusherURLAt(outer.URL + "/pusher"))))
	secret, _ := u.User.Password()
	base, id, _ := strings.Cut(u.Path, "/apps/")
	app := pushertest.App{ID: id, Key: u.User.Username(), Secret: secret}
	res, err := newClient(u.Scheme+"://"+u.Host+base, app).ListChannelsWithResponse(t.Context(), app.ID, nil)
	if err != nil || res.StatusCode() != 200 {
		t.Errorf("GET %s = %v, %v, want 200", u.Redacted(), res, err)
	}
}

func TestServer_Mounted(t *testing.T) {
	s := newServer(t)
	mounted := http.StripPrefix("/pusher", s)
	r := sign(t, s, newRequest(http.MethodPost, "/pusher"+events, docsBody), time.Time{})
	w := httptest.NewRecorder()
	mounted.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("POST /pusher%s = %d %q, want 200", events, w.Code, w.Body)
	}
	r = sign(t, s, newRequest(http.MethodPost, "/pusher"+events, docsBody), time.Time{})
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "auth_signature=", "auth_signature=0", 1)
	r.RequestURI = r.URL.RequestURI()
	w = httptest.NewRecorder()
	mounted.ServeHTTP(w, r)
	if want := `HmacSHA256Hex("POST\n/pusher/apps/3/events\n`; w.Code != 401 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("POST with another signature = %d %q, want 401 and a text with %q", w.Code, w.Body, want)
	}
}

func TestServer_Reset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, pushertest.WithSubscriptionCounting(false))
		sub := join(t, s, "presence-x", pushertest.AsMember("ada", nil))
		setChannel(t, s, "presence-x", pushertest.ChannelState{Users: []string{"grace"}})
		setChannel(t, s, "lobby", pushertest.ChannelState{Subscriptions: 1})
		trigger(t, s, `{"name":"before","channels":["cache-x","presence-x"],"data":"d"}`)
		call(t, s, http.MethodPost, "/apps/3/users/1/terminate_connections", "{}")
		fail(t, s, pushertest.Failure{Status: 503})
		s.Delay(time.Hour)
		next := make(chan pushertest.Event)
		go func() {
			event, err := s.WaitForEvent(t.Context(), named("after"))
			if err != nil {
				t.Error(err)
			}
			next <- event
		}()
		synctest.Wait()

		s.Reset()
		start := time.Now()
		checkGet(t, s, channels, `{"channels":{"presence-x":{}}}`)
		checkGet(t, s, channels+"/presence-x/users", `{"users":[{"id":"ada"}]}`)
		checkGet(t, s, channels+"/cache-x?info=cache", `{"occupied":false,"cache":null}`)
		if took := time.Since(start); took != 0 || len(s.Terminated()) != 0 {
			t.Errorf("after Reset requests take %v and Terminated() = %q, want no delay and none", took, s.Terminated())
		}
		checkEvents(t, s)

		trigger(t, s, `{"name":"after","channel":"presence-x","data":"d"}`)
		checkEvents(t, s, pushertest.Event{Channel: "presence-x", Name: "after", Data: "d", Connections: 1})
		if got := <-next; got.Name != "after" {
			t.Errorf("WaitForEvent(...) = %+v, want the event after Reset", got)
		}
		checkDeliveries(t, sub, // is still subscribed
			pushertest.Delivery{Channel: "presence-x", Name: "before", Data: "d"},
			pushertest.Delivery{Channel: "presence-x", Name: "after", Data: "d"})
	})
}

// The bubble fails the test if a goroutine is left behind.
func TestServer_Close_Goroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pushertest.NewServer()
		transport := &http.Transport{}
		for range 2 {
			r, err := http.NewRequest(http.MethodPost, s.URL+events, strings.NewReader(docsBody))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			res, err := transport.RoundTrip(sign(t, s, r, time.Time{}))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("POST %s = %d %q, want 200", events, res.StatusCode, text)
			}
		}
		transport.CloseIdleConnections()
		s.Close()
		s.Close()
	})
}

// A client that does not read or does not reply to the close frame delays Close by
// closeTimeout, 250 milliseconds.
func TestServer_Close_UnresponsiveClient(t *testing.T) {
	for name, respond := range map[string]func(*testing.T, *pushertest.Server, *rawConn){
		"not reading": func(t *testing.T, s *pushertest.Server, c *rawConn) {
			c.send(t, subscribe("c"))
			c.expect(t, textOpcode, subscribed("c"))
			for range 2 {
				trigger(t, s, `{"name":"n","channel":"c","data":"d"}`)
			}
		},
		"not closing": func(t *testing.T, _ *pushertest.Server, c *rawConn) {
			go c.expect(t, closing, "\x03\xe9The server is closed")
		},
	} {
		t.Run(name, func(t *testing.T) {
			testInBubble(t, func(t *testing.T, s *pushertest.Server, dial func() *rawConn) {
				respond(t, s, dial())
				start := time.Now()
				s.Close()
				if got := time.Since(start); got != 250*time.Millisecond {
					t.Errorf("Close() took %v, want 250ms", got)
				}
			})
		})
	}
}

func TestServer_ConcurrentRequests(t *testing.T) {
	s := newServer(t)
	const each = 10
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range each {
				call(t, s, http.MethodPost, events, `{"name":"n","channels":["cache-a","presence-b"],"data":"d","info":"user_count"}`)
				call(t, s, http.MethodGet, channels+"/cache-a?info=cache", "")
				setChannel(t, s, "presence-b", pushertest.ChannelState{Users: []string{"1"}})
				call(t, s, http.MethodGet, channels+"/presence-b/users", "")
				s.Events()
			}
		})
	}
	group.Wait()
	if got, want := len(s.Events()), 4*each*2; got != want {
		t.Errorf("len(Events()) = %d, want %d", got, want)
	}
}
