package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// setUp starts the chat and a pushertest server that delivers webhooks to it.
func setUp(t *testing.T) (chat *httptest.Server, server *pushertest.Server) {
	t.Helper()
	server = pushertest.NewServer()
	t.Cleanup(server.Close)
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithEncryptionMasterKey(newMasterKey()), pusher.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	chat = httptest.NewServer(newChat(client, settings{Key: server.App().Key}, "no such file"))
	t.Cleanup(chat.Close)
	if err := server.SetWebhook(chat.URL + "/webhook"); err != nil {
		t.Fatal(err)
	}
	return chat, server
}

// A browser keeps the session cookie.
type browser struct {
	t *testing.T
	http.Client
	base string
}

func newBrowser(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, http.Client{Jar: jar}, base}
}

// post returns the status and the body of the response.
func (b *browser) post(path string, body any) (int, string) {
	b.t.Helper()
	contentType, text := "application/json", ""
	switch body := body.(type) {
	case url.Values:
		contentType, text = "application/x-www-form-urlencoded", body.Encode()
	case string:
		text = body
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		text = string(encoded)
	}
	response, err := b.Post(b.base+path, contentType, strings.NewReader(text))
	if err != nil {
		b.t.Fatalf("POST %s: %v", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatalf("POST %s: %v", path, err)
	}
	return response.StatusCode, string(received)
}

func (b *browser) join(name string) user {
	b.t.Helper()
	status, body := b.post("/session", map[string]string{"name": name})
	var u user
	if err := json.Unmarshal([]byte(body), &u); err != nil || status != http.StatusOK || u.Name != strings.TrimSpace(name) || u.ID == "" {
		b.t.Fatalf("join as %q: got %d %s, %v", name, status, body, err)
	}
	return u
}

// subscribe subscribes with the authorization of the chat, and signs in.
func (b *browser) subscribe(server *pushertest.Server, channel string) *pushertest.Subscriber {
	b.t.Helper()
	base, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	session := http.Header{}
	for _, cookie := range b.Jar.Cookies(base) {
		session.Add("Cookie", cookie.String())
	}
	subscriber, err := server.Subscribe(b.t.Context(), channel,
		pushertest.WithAuthEndpoint(b.base+"/pusher/auth"),
		pushertest.WithUserAuthEndpoint(b.base+"/pusher/user-auth"),
		pushertest.WithRequestHeader(session))
	if err != nil {
		b.t.Fatalf("Subscribe(%q): %v", channel, err)
	}
	return subscriber
}

func TestMessages(t *testing.T) {
	chat, server := setUp(t)
	alice := newBrowser(t, chat.URL)
	from := alice.join(" Alice ")
	for _, room := range rooms {
		mine, others := alice.subscribe(server, room), alice.subscribe(server, room)
		status, body := alice.post("/messages", map[string]string{"room": room, "text": "hello", "socket_id": mine.SocketID()})
		delivery, err := others.Next(t.Context())
		want := message{From: from, Text: "hello"}
		for what, text := range map[string]string{"response": body, "event": delivery.Data} {
			var got message
			if json.Unmarshal([]byte(text), &got) != nil || got != want || status != http.StatusOK || err != nil {
				t.Errorf("a message in %s: %s is %q, status %d, %v, want %+v", room, what, text, status, err, want)
			}
		}
		if received := mine.Events(); len(received) != 0 {
			t.Errorf("a message in %s: its sender received %+v", room, received)
		}
	}
}

func TestWaves(t *testing.T) {
	chat, server := setUp(t)
	alice, bob := newBrowser(t, chat.URL), newBrowser(t, chat.URL)
	from, to := alice.join("Alice"), bob.join("Bob")
	received := bob.subscribe(server, "#server-to-user-"+to.ID)
	if status, body := alice.post("/waves", map[string]string{"to": to.ID}); status != http.StatusOK {
		t.Fatalf("wave: got %d %s", status, body)
	}
	event, err := received.Next(t.Context())
	if err != nil || event.Name != "wave" || !strings.Contains(event.Data, from.ID) {
		t.Errorf("Bob received %+v, %v, want a wave of %s", event, err, from.ID)
	}
}

func TestWebhooks(t *testing.T) {
	chat, server := setUp(t)
	alice := newBrowser(t, chat.URL)
	alice.join("Alice")
	alice.subscribe(server, peopleChannel)
	_, err := server.WaitForEvent(t.Context(), func(e pushertest.Event) bool {
		return e.Channel == hooksChannel && strings.Contains(e.Data, "Alice joined "+peopleChannel)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRequests(t *testing.T) {
	chat, _ := setUp(t)
	alice, stranger := newBrowser(t, chat.URL), newBrowser(t, chat.URL)
	alice.join("Alice")
	subscribe := func(channel string) url.Values {
		return url.Values{"socket_id": {"1.2"}, "channel_name": {channel}}
	}
	tests := []struct {
		name    string
		browser *browser
		path    string
		body    any
		want    int
	}{
		{"user subscribes to a room", alice, "/pusher/auth", subscribe("private-team"), 200},
		{"user subscribes to the presence channel", alice, "/pusher/auth", subscribe(peopleChannel), 200},
		{"user signs in", alice, "/pusher/user-auth", url.Values{"socket_id": {"1.2"}}, 200},
		{"user subscribes to another channel", alice, "/pusher/auth", subscribe("private-other"), 403},
		{"subscription without a session", stranger, "/pusher/auth", subscribe("private-team"), 403},
		{"sign-in without a session", stranger, "/pusher/user-auth", url.Values{"socket_id": {"1.2"}}, 403},
		{"message without a session", stranger, "/messages", map[string]string{"room": "lobby", "text": "hi"}, 403},
		{"wave without a session", stranger, "/waves", map[string]string{"to": "x"}, 403},
		{"message without text", alice, "/messages", map[string]string{"room": "lobby"}, 400},
		{"message that is too long", alice, "/messages", map[string]string{"room": "lobby", "text": strings.Repeat("x", 1001)}, 400},
		{"message to another channel", alice, "/messages", map[string]string{"room": peopleChannel, "text": "hi"}, 400},
		{"message with an invalid socket ID", alice, "/messages", map[string]string{"room": "lobby", "text": "hi", "socket_id": "x"}, 400},
		{"message that is not JSON", alice, "/messages", "hi", 400},
		{"wave without a user", alice, "/waves", map[string]string{}, 400},
		{"wave that is not JSON", alice, "/waves", "hi", 400},
		{"blank name", stranger, "/session", map[string]string{"name": "  "}, 400},
		{"name that is too long", stranger, "/session", map[string]string{"name": strings.Repeat("ö", 41)}, 400},
		{"name that is not JSON", stranger, "/session", "hi", 400},
		{"webhook without a signature", stranger, "/webhook", `{"time_ms":1,"events":[]}`, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if status, body := test.browser.post(test.path, test.body); status != test.want {
				t.Errorf("POST %s: got %d %s, want %d", test.path, status, body, test.want)
			}
		})
	}
}

func TestCrossSiteRequest(t *testing.T) {
	chat, _ := setUp(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, chat.URL+"/messages", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("a POST from another site: got %d, want %d", response.StatusCode, http.StatusForbidden)
	}
}

func TestServerUnreachable(t *testing.T) {
	chat, server := setUp(t)
	alice := newBrowser(t, chat.URL)
	alice.join("Alice")
	if err := server.FailContext(t.Context(), pushertest.Failure{}); err != nil { // closes every connection
		t.Fatal(err)
	}
	if status, body := alice.post("/messages", map[string]string{"room": "lobby", "text": "hi"}); status != http.StatusBadGateway {
		t.Errorf("got %d %s, want %d", status, body, http.StatusBadGateway)
	}
}

func TestPage(t *testing.T) {
	chat, _ := setUp(t)
	alice := newBrowser(t, chat.URL)
	alice.join("</script><script>alert(1)")
	response, err := alice.Get(chat.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Contains(body, []byte(`"name":"\u003c/script\u003e`)) || bytes.Contains(body, []byte("alert(1)</")) {
		t.Errorf("the page is\n%s\n%v, want the name in it, escaped", body, err)
	}
}

func TestPusherJS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pusher.js")
	if err := os.WriteFile(file, []byte("a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	served, redirected := httptest.NewRecorder(), httptest.NewRecorder()
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/pusher.js", nil)
	servePusherJS(file)(served, request)
	servePusherJS(file+".gone")(redirected, request)
	if served.Body.String() != "a library" || !strings.Contains(served.Header().Get("Content-Type"), "javascript") {
		t.Errorf("with a file: got %q, %v", served.Body, served.Header())
	}
	if got := redirected.Header().Get("Location"); redirected.Code != http.StatusFound || got != pusherCDN {
		t.Errorf("without: got %d to %q, want %d to %q", redirected.Code, got, http.StatusFound, pusherCDN)
	}
}
