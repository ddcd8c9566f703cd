package pushertest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

func TestWebSocket_Established(t *testing.T) {
	s := newListeningServer(t)
	// The URLs of pusher-js and of clients with older protocol versions.
	for _, query := range []string{"?protocol=7&client=js&version=8.6.0&flash=false", "?client=java-client&protocol=5&version=2.4.4", "?protocol=4"} {
		ws, err := dial(t, s.URL, "/app/"+s.App().Key+query)
		if err != nil {
			t.Fatal(err)
		}
		_, text, err := ws.Read(t.Context())
		var message struct{ Event, Data string }
		if err != nil || json.Unmarshal(text, &message) != nil {
			t.Fatalf("Read() = %q, %v, want a message whose data is a string", text, err)
		}
		want := regexp.MustCompile(`^\{"socket_id":"\d+\.\d+","activity_timeout":120\}$`)
		if message.Event != "pusher:connection_established" || !want.MatchString(message.Data) {
			t.Errorf("%s: received %s, want connection_established with %v", query, text, want)
		}
	}
}

// Source of the codes: Pusher Channels docs, WebSocket protocol; of the text of
// 4001: reports of pusher-js users. The others' texts are the docs' descriptions.
// Source of the pusher:error before the close frame: captures of production.
func TestWebSocket_Rejected(t *testing.T) {
	s := newListeningServer(t)
	key := "/app/" + s.App().Key
	tests := []struct {
		name, path string
		code       int
		reason     string
	}{
		{"unknown key", "/app/nobody?protocol=7", 4001, "App key nobody not in this cluster. Did you forget to specify the cluster?"},
		{"long key", "/app/" + strings.Repeat("é", 100) + "?protocol=7", 4001, "App key " + strings.Repeat("é", 17) + " not in this cluster. Did you forget to specify the cluster?"},
		{"root", "/", 4005, "Path not found"},
		{"no key", "/app/?protocol=7", 4005, "Path not found"},
		{"path below the key", key + "/x?protocol=7", 4005, "Path not found"},
		{"HTTP API", channels, 4005, "Path not found"},
		{"version is not a number", key + "?protocol=seven", 4006, "Invalid version string format"},
		{"version 3", key + "?protocol=3", 4007, "Unsupported protocol version"},
		{"version 8", key + "?protocol=8", 4007, "Unsupported protocol version"},
		{"no version", key, 4008, "No protocol version supplied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ws, err := dial(t, s.URL, test.path)
			if err != nil {
				t.Fatalf("Dial(%q) = %v, want a connection that is closed", test.path, err)
			}
			expectRejection(t, ws, test.code, test.reason)
		})
	}
}

func TestWebSocket_InvalidHandshake(t *testing.T) {
	s := newListeningServer(t)
	newHandshake := func() *http.Request {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/app/"+s.App().Key+"?protocol=7", nil))
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AQIDBAUGBwgJCgsMDQ4PEA=="}}
		return r
	}
	for _, test := range []struct {
		name   string
		header string // missing in the request
		want   int
	}{
		{"no upgrade", "Upgrade", 404},
		{"no version", "Sec-Websocket-Version", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newHandshake()
			r.Header.Del(test.header)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != test.want {
				t.Errorf("GET = %s, want %d", res.Status, test.want)
			}
		})
	}
	w := httptest.NewRecorder()
	r := newHandshake()
	r.Body = http.NoBody
	s.ServeHTTP(w, r)
	if w.Code != http.StatusNotImplemented {
		t.Errorf("GET where the connection cannot be hijacked = %d %q, want 501", w.Code, w.Body)
	}
}

func TestWebSocket_Mounted(t *testing.T) {
	s := newServer(t, pushertest.WithTestLog(t))
	outer := httptest.NewServer(http.StripPrefix("/pusher", s))
	defer outer.Close()
	ws, err := dial(t, outer.URL, "/pusher/app/"+s.App().Key+"?protocol=7")
	if err != nil {
		t.Fatal(err)
	}
	if _, text, err := ws.Read(t.Context()); err != nil || !strings.Contains(string(text), "connection_established") {
		t.Errorf("Read() = %q, %v, want connection_established", text, err)
	}
	s.Close()
	expectClose(t, ws, 1001, "The server is closed")
	if _, err := dial(t, outer.URL, "/pusher/app/"+s.App().Key+"?protocol=7"); err == nil {
		t.Error("Dial() after Close = nil, want an error")
	}
}

func TestWebSocket_EarlyMessage(t *testing.T) {
	s := newListeningServer(t)
	c := dialRawWith(t, s.URL, s.App().Key, string(masked(textFrame, `{"event":"pusher:ping","data":{}}`)))
	if _, got := c.read(t); string(got) != `{"event":"pusher:pong","data":"{}"}` {
		t.Errorf("received %s, want a pong", got)
	}
}
