package pushertest_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
	"github.com/openchannels/pusher-go/webhook"
)

func TestNew_invalidOptions(t *testing.T) {
	_, err := pushertest.New(
		pushertest.WithApp(pushertest.App{ID: "1", Key: "", Secret: "s3cr3t"}),
		pushertest.WithApp(pushertest.App{ID: "a/b", Key: "key", Secret: "s3cr3t"}),
		pushertest.WithClock(nil),
		pushertest.WithLogger(nil),
		pushertest.WithMaxEventBytes(0),
		pushertest.WithMaxEvents(0),
	)
	if !errors.Is(err, signing.ErrConfiguration) {
		t.Errorf("New(...) = %v, want signing.ErrConfiguration", err)
	}
	for _, want := range []string{`app ID is not a URL path segment: "a/b"`, "WithClock", "WithLogger", "WithMaxEventBytes: 0", "WithMaxEvents: 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(...) = %v, want an error with %q", err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("NewServer(WithMaxEventBytes(0)) returned, want a panic")
		}
	}()
	pushertest.NewServer(pushertest.WithMaxEventBytes(0))
}

func TestNew_invalidRealtimeOptions(t *testing.T) {
	_, err := pushertest.New(
		pushertest.WithWebhook("/relative"),
		pushertest.WithWebhook("ftp://user:s3cr3t@host/"),
		pushertest.WithWebhook("http://user:s3cr3t@host:port/"),
		pushertest.WithWebhookDelay(-1),
		pushertest.WithActivityTimeout(1500*time.Millisecond),
		pushertest.WithAuthorizationTimeout(0),
		pushertest.WithTestLog(nil),
	)
	for _, want := range []string{"WithWebhook: ", "WithWebhookDelay: -1ns", "WithActivityTimeout: 1.5s", "WithAuthorizationTimeout: 0s", "WithTestLog"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(...) = %v, want an error with %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("New(...) = %v, which contains a password", err)
	}
}

func TestWithLogger_debug(t *testing.T) {
	var log logBuffer
	hooks := make(chan *webhook.Webhook, 100)
	var s *pushertest.Server
	to := newWebhookReceiver(t, func() *pushertest.Server { return s }, hooks)
	s = newListeningServer(t, pushertest.WithWebhook(to.URL),
		pushertest.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	c := connect(t, s)
	c.send(subscribePrivate("private-x"), `{"event":"client-a","channel":"private-x","data":"secret"}`)
	c.expect(subscribed("private-x"))
	c.expectNothing()
	trigger(t, s, `{"name":"n","channel":"private-x","data":"secret"}`)
	call(t, s, http.MethodPost, "/apps/3/users/1/terminate_connections", "{}")
	expectWebhooks(t, hooks,
		webhook.ChannelOccupied{Channel: "private-x"},
		webhook.ClientEvent{Channel: "private-x", Event: "client-a", Data: "secret", SocketID: c.socketID},
	)
	for range 1000 { // the webhook is logged when the server has read the response to it
		if strings.Contains(log.String(), "webhook delivered") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Close() // waits for all that is logged
	for _, want := range []string{
		`level=DEBUG msg="pushertest: connection opened" socket_id=` + c.socketID + " client=js remote=127.0.0.1:",
		`level=DEBUG msg="pushertest: message received" socket_id=` + c.socketID + " event=pusher:subscribe channel=private-x",
		`level=DEBUG msg="pushertest: message received" socket_id=` + c.socketID + " event=client-a channel=private-x",
		`level=DEBUG msg="pushertest: event triggered" event=n channel=private-x bytes=6`,
		`level=DEBUG msg="pushertest: user terminated" user_id=1`,
		`level=DEBUG msg="pushertest: webhook delivered" webhook=` + to.URL + ` events=`,
		`level=DEBUG msg="pushertest: connection closed" socket_id=` + c.socketID,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no\n%s\nbut\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "ping") {
		t.Errorf("the log has pings:\n%s", log.String())
	}
}

func TestWithSubscriptionCounting(t *testing.T) {
	s := newServer(t, pushertest.WithSubscriptionCounting(false))
	setChannel(t, s, "presence-c", pushertest.ChannelState{Users: []string{"1"}})
	for _, test := range []struct {
		name, method, target, body string
		status                     int
		want                       string
	}{
		// pusher-http-ruby#193.
		{"channel", "GET", channels + "/presence-c?info=subscription_count", "", 400, "Cannot retrieve the subscription count because subscription counting is not enabled\n"},
		{"trigger", "POST", events, `{"name":"n","channel":"presence-c","data":"d","info":"subscription_count,user_count"}`, 200, `{"channels":{"presence-c":{"user_count":1}}}` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if status, text := call(t, s, test.method, test.target, test.body); status != test.status || text != test.want {
				t.Errorf("%s %s = %d %q, want %d %q", test.method, test.target, status, text, test.status, test.want)
			}
		})
	}
}

func TestWithMaxEventBytes(t *testing.T) {
	s := newServer(t, pushertest.WithMaxEventBytes(20000))
	if status, text := call(t, s, http.MethodPost, events, `{"name":"n","channel":"c","data":"`+strings.Repeat("x", 20000)+`"}`); status != 200 {
		t.Errorf("POST with 20,000 bytes of data = %d %q, want 200", status, text)
	}
	status, text := call(t, s, http.MethodPost, events, `{"name":"n","channel":"c","data":"`+strings.Repeat("x", 20001)+`"}`)
	if status != 413 || !strings.Contains(text, "(20000 bytes)") {
		t.Errorf("POST with 20,001 bytes of data = %d %q, want 413 and a text with %q", status, text, "(20000 bytes)")
	}
}
