package pushertest_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

func TestNew_InvalidOptions(t *testing.T) {
	tests := map[string]pushertest.Option{
		"an option is nil":                             nil,
		"WithApp: the key is empty":                    pushertest.WithApp(pushertest.App{ID: "1", Key: "", Secret: "s3cr3t"}),
		`WithApp: app ID is not a URL path segment: "`: pushertest.WithApp(pushertest.App{ID: "a/b", Key: "key", Secret: "s3cr3t"}),
		"WithClock: ":                                  pushertest.WithClock(nil),
		"WithLogger: ":                                 pushertest.WithLogger(nil),
		"WithTestLog: ":                                pushertest.WithTestLog(nil),
		"WithMaxEventBytes: 0":                         pushertest.WithMaxEventBytes(0),
		"WithMaxEvents: 0":                             pushertest.WithMaxEvents(0),
		"WithWebhook: not an http or https URL":        pushertest.WithWebhook("/relative"),
		"WithWebhook: not an http ":                    pushertest.WithWebhook("ftp://user:s3cr3t@host/"),
		"WithWebhook: not an ":                         pushertest.WithWebhook("http://user:s3cr3t@host:port/"),
		"WithWebhookDelay: -1ns":                       pushertest.WithWebhookDelay(-1),
		"WithActivityTimeout: 1.5s":                    pushertest.WithActivityTimeout(1500 * time.Millisecond),
		"WithAuthorizationTimeout: 0s":                 pushertest.WithAuthorizationTimeout(0),
	}
	check := func(t *testing.T, err error, want string) {
		t.Helper()
		if !errors.Is(err, pushertest.ErrConfiguration) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("New(...) = %v, want ErrConfiguration with %q", err, want)
		}
	}
	var all []pushertest.Option
	for want, opt := range tests {
		all = append(all, opt)
		t.Run(want, func(t *testing.T) {
			_, err := pushertest.New(opt)
			check(t, err, want)
		})
	}
	_, err := pushertest.New(all...)
	for want := range tests {
		check(t, err, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("NewServer(WithMaxEventBytes(0)) returned, want a panic")
		}
	}()
	pushertest.NewServer(pushertest.WithMaxEventBytes(0))
}

// The client under test corrects its clock by the Date header, as with Pusher.
func TestWithClock_DateHeader(t *testing.T) {
	s := newListeningServer(t, pushertest.WithClock(func() time.Time { return time.Unix(docsTimestamp, 0) }))
	client, err := pusher.NewFromURL(s.PusherURL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "c", "n", "d"); err != nil {
		t.Errorf("Trigger() = %v, want nil after the correction", err)
	}
	fail(t, s, pushertest.Failure{Status: 503})
	for _, want := range []int{503, 401} {
		res, err := http.Get(s.URL + channels)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := res.Header.Get("Date"); res.StatusCode != want || got != "Fri, 16 Nov 2012 17:49:39 GMT" {
			t.Errorf("GET = %d with Date %q, want %d and the time of the clock", res.StatusCode, got, want)
		}
	}
}

func TestWithLogger_Debug(t *testing.T) {
	var log logBuffer
	s := newListeningServer(t, pushertest.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	to, hooks := newWebhookReceiver(t, s)
	setWebhook(t, s, to)
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
	// The webhook is logged when the server has read the response to it.
	log.wait(t, `level=DEBUG msg="pushertest: webhook delivered" webhook=`+to+` events=`)
	s.Close() // waits for everything else that is logged
	for _, want := range []string{
		`level=DEBUG msg="pushertest: connection opened" socket_id=` + c.socketID + " client=js remote=127.0.0.1:",
		`level=DEBUG msg="pushertest: message received" socket_id=` + c.socketID + " event=pusher:subscribe channel=private-x",
		`level=DEBUG msg="pushertest: message received" socket_id=` + c.socketID + " event=client-a channel=private-x",
		`level=DEBUG msg="pushertest: event triggered" event=n channel=private-x bytes=6 connections=1`,
		`level=DEBUG msg="pushertest: user terminated" user_id=1`,
		`level=DEBUG msg="pushertest: connection closed" socket_id=` + c.socketID,
		`level=INFO msg="pushertest: server closed while in use" connections=1 subscribers=0 webhook_events_lost=`,
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
