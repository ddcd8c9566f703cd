package pushertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// A client talks to a server over a WebSocket, in the words of the protocol.
type client struct {
	t        testing.TB
	server   *pushertest.Server
	ws       *websocket.Conn
	socketID string
}

// patience is how long a client waits for what has to come.
const patience = 20 * time.Second

func dial(t testing.TB, base, path string) (*websocket.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, base+path, nil)
	if err != nil {
		return nil, err
	}
	_ = res.Body // it is the connection's
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws, nil
}

// connect opens a connection to the app.
func connect(t testing.TB, s *pushertest.Server) *client {
	t.Helper()
	ws, err := dial(t, s.URL, "/app/"+s.App().Key+"?protocol=7&client=js&version=8.6.0&flash=false")
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, server: s, ws: ws}
	var greeting struct {
		Event, Data string
	}
	var data struct {
		SocketID string `json:"socket_id"`
	}
	if err := errors.Join(json.Unmarshal([]byte(c.next()), &greeting), json.Unmarshal([]byte(greeting.Data), &data)); err != nil {
		t.Fatal(err)
	}
	c.socketID = data.SocketID
	return c
}

// next returns the next message as it came.
func (c *client) next() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, text, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatalf("no further message: %v", err)
	}
	return string(text)
}

// auth finds AUTH<text>, which stands for an auth over the socket ID and text.
var auth = regexp.MustCompile(`AUTH<(.*?)>`)

// filled replaces SOCKET and AUTH<text>.
func (c *client) filled(text string) string {
	app := c.server.App()
	text = auth.ReplaceAllStringFunc(text, func(match string) string {
		signed := c.socketID + auth.FindStringSubmatch(match)[1]
		return app.Key + ":" + signing.NewSecret(app.Secret).Sign([]byte(signed))
	})
	return strings.ReplaceAll(text, "SOCKET", c.socketID)
}

func (c *client) say(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if err := c.ws.Write(c.t.Context(), websocket.MessageText, []byte(c.filled(text))); err != nil {
			c.t.Fatalf("Write(%s) = %v, want nil", text, err)
		}
	}
}

// hear checks the next messages, in order.
func (c *client) hear(want ...string) {
	c.t.Helper()
	for _, want := range want {
		if got := c.next(); got != c.filled(want) {
			c.t.Errorf("the server said\n%s\nwant\n%s", got, c.filled(want))
		}
	}
}

// hearNothing checks that nothing is under way but the answer to a ping.
func (c *client) hearNothing() {
	c.t.Helper()
	c.say(`{"event":"pusher:ping","data":{}}`)
	c.hear(`{"event":"pusher:pong","data":{}}`)
}

// closed checks with what the server closes.
func (c *client) closed(code int, reason string) {
	c.t.Helper()
	checkClosed(c.t, c.ws, code, reason)
}

func checkClosed(t testing.TB, ws *websocket.Conn, code int, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, text, err := ws.Read(ctx)
	want := websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
	var got websocket.CloseError
	if !errors.As(err, &got) || got != want {
		t.Errorf("Read() = %q, %v, want %v", text, err, want)
	}
}

func subscribe(channel string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `","auth":""}}`
}

func subscribePrivate(channel string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `","auth":"AUTH<:` + channel + `>"}}`
}

func subscribePresence(channel, data string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `","auth":"AUTH<:` + channel + `:` + data +
		`>","channel_data":` + jsonOf(data) + `}}`
}

func unsubscribe(channel string) string {
	return `{"event":"pusher:unsubscribe","data":{"channel":"` + channel + `"}}`
}

func signIn(data string) string {
	return `{"event":"pusher:signin","data":{"auth":"AUTH<::user::` + data + `>","user_data":` + jsonOf(data) + `}}`
}

func succeeded(channel string) string {
	return `{"event":"pusher_internal:subscription_succeeded","channel":"` + channel + `","data":"{}"}`
}

func signedIn(data string) string {
	return `{"event":"pusher:signin_success","data":` + jsonOf(`{"user_data":`+jsonOf(data)+`}`) + `}`
}

func watchlist(events string) string {
	return `{"event":"pusher_internal:watchlist_events","data":` + jsonOf(`{"events":[`+events+`]}`) + `}`
}

func failed(code, message string) string {
	return `{"event":"pusher:error","data":{"code":` + code + `,"message":` + jsonOf(message) + `}}`
}

// jsonOf returns text as a JSON string.
func jsonOf(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(encoded))
}

// listen starts a server on loopback that does not count subscriptions, so that a
// test hears nothing else than what it is about.
func listen(t testing.TB, opts ...pushertest.Option) *pushertest.Server {
	t.Helper()
	s := pushertest.NewServer(slices.Concat([]pushertest.Option{pushertest.WithSubscriptionCounting(false), pushertest.WithTestLog(t)}, opts)...)
	t.Cleanup(s.Close)
	return s
}

// trigger triggers the event of the body.
func trigger(t testing.TB, s *pushertest.Server, body string) string {
	t.Helper()
	status, text := call(t, s, http.MethodPost, events, body)
	if status != http.StatusOK {
		t.Fatalf("POST %s %s = %d %q, want 200", events, body, status, text)
	}
	return text
}

// checkGet checks the answer to a query.
func checkGet(t testing.TB, s *pushertest.Server, target, want string) {
	t.Helper()
	if status, text := call(t, s, http.MethodGet, target, ""); status != http.StatusOK || text != want+"\n" {
		t.Errorf("GET %s = %d %q, want 200 %q", target, status, text, want)
	}
}
