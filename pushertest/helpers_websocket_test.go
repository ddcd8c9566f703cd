package pushertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// A wsClient is a client on a WebSocket.
type wsClient struct {
	t        testing.TB
	server   *pushertest.Server
	ws       *websocket.Conn
	socketID string
}

// timeout limits how long a test waits for something that has to happen.
const timeout = 20 * time.Second

func dial(t testing.TB, base, path string) (*websocket.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, base+path, nil)
	if err != nil {
		return nil, err
	}
	_ = res.Body // must not be closed, it is the connection
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws, nil
}

// connect opens a connection to the app.
func connect(t testing.TB, s *pushertest.Server) *wsClient {
	t.Helper()
	ws, err := dial(t, s.URL, "/app/"+s.App().Key+"?protocol=7&client=js&version=8.6.0&flash=false")
	if err != nil {
		t.Fatal(err)
	}
	c := &wsClient{t: t, server: s, ws: ws}
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

// next returns the next message.
func (c *wsClient) next() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), timeout)
	defer cancel()
	_, text, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatalf("no further message: %v", err)
	}
	return string(text)
}

// authPlaceholder matches AUTH<text>, a placeholder for the auth of the socket ID and text, and
// SIGNATURE<text>, a placeholder for its signature.
var authPlaceholder = regexp.MustCompile(`(AUTH|SIGNATURE)<(.*?)>`)

// fill replaces the placeholders SOCKET, AUTH<text> and SIGNATURE<text>.
func (c *wsClient) fill(text string) string {
	app := c.server.App()
	text = authPlaceholder.ReplaceAllStringFunc(text, func(match string) string {
		parts := authPlaceholder.FindStringSubmatch(match)
		signature := signing.NewSecret(app.Secret).Sign([]byte(c.socketID + parts[2]))
		if parts[1] == "SIGNATURE" {
			return signature
		}
		return app.Key + ":" + signature
	})
	return strings.ReplaceAll(text, "SOCKET", c.socketID)
}

func (c *wsClient) send(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if err := c.ws.Write(c.t.Context(), websocket.MessageText, []byte(c.fill(text))); err != nil {
			c.t.Fatalf("Write(%s) = %v, want nil", text, err)
		}
	}
}

// expect checks the next messages, in order.
func (c *wsClient) expect(want ...string) {
	c.t.Helper()
	for _, want := range want {
		if got := c.next(); got != c.fill(want) {
			c.t.Errorf("received\n%s\nwant\n%s", got, c.fill(want))
		}
	}
}

// expectNothing checks that the next message is the response to a ping.
func (c *wsClient) expectNothing() {
	c.t.Helper()
	c.send(`{"event":"pusher:ping","data":{}}`)
	c.expect(`{"event":"pusher:pong","data":"{}"}`)
}

// expectClose checks that the next frame is a close frame.
func (c *wsClient) expectClose(code int, reason string) {
	c.t.Helper()
	expectClose(c.t, c.ws, code, reason)
}

// expectRejection checks that the connection is rejected: with a pusher:error and a
// close frame.
func expectRejection(t testing.TB, ws *websocket.Conn, code int, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	_, text, err := ws.Read(ctx)
	if want := errorMessage(strconv.Itoa(code), reason); err != nil || string(text) != want {
		t.Errorf("Read() = %s, %v, want %s", text, err, want)
	}
	expectClose(t, ws, code, reason)
}

func expectClose(t testing.TB, ws *websocket.Conn, code int, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
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

// subscribePresence subscribes with channel_data.
func subscribePresence(channel, data string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `","auth":"AUTH<:` + channel + `:` + data +
		`>","channel_data":` + quote(data) + `}}`
}

func unsubscribe(channel string) string {
	return `{"event":"pusher:unsubscribe","data":{"channel":"` + channel + `"}}`
}

func signIn(data string) string {
	return `{"event":"pusher:signin","data":{"auth":"AUTH<::user::` + data + `>","user_data":` + quote(data) + `}}`
}

func subscribed(channel string) string {
	return `{"event":"pusher_internal:subscription_succeeded","channel":"` + channel + `","data":"{}"}`
}

func signedIn(data string) string {
	return `{"event":"pusher:signin_success","data":` + quote(`{"user_data":`+quote(data)+`}`) + `}`
}

func watchlist(events string) string {
	return `{"event":"pusher_internal:watchlist_events","data":` + quote(`{"events":[`+events+`]}`) + `}`
}

func errorMessage(code, message string) string {
	return `{"event":"pusher:error","data":{"code":` + code + `,"message":` + quote(message) + `}}`
}

// quote returns text as a JSON string, without escapes for HTML.
func quote(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(encoded))
}
