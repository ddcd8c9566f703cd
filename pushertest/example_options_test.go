package pushertest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

func ExampleWithWebhook() {
	received := make(chan webhook.Event)
	verifier, err := webhook.New("key", "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoint := httptest.NewServer(verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
		received <- hook.Events[0]
		return nil
	}))
	defer endpoint.Close()
	s := pushertest.NewServer(
		pushertest.WithApp(pushertest.App{ID: "1", Key: "key", Secret: "secret"}),
		pushertest.WithSubscriptionCounting(false),
		pushertest.WithWebhook(endpoint.URL))
	defer s.Close()

	if _, err := s.Subscribe(context.Background(), "lobby"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", <-received)
	// Output: {Channel:lobby}
}

func ExampleServer_SetWebhook() {
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	defer s.Close()

	// The app under test needs the server's credentials, and the server the app's URL.
	verifier, err := webhook.New(s.App().Key, s.App().Secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	received := make(chan webhook.Event)
	app := httptest.NewServer(verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
		received <- hook.Events[0]
		return nil
	}))
	defer app.Close()
	if err := s.SetWebhook(app.URL); err != nil {
		fmt.Println(err)
		return
	}

	if _, err := s.Subscribe(context.Background(), "lobby"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", <-received)
	// Output: {Channel:lobby}
}

func ExampleWithWebhookDelay() {
	_, err := pushertest.New(pushertest.WithWebhookDelay(3 * time.Second)) // as Pusher does
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithClientEvents() {
	s := pushertest.NewServer(pushertest.WithClientEvents(false))
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "private-room")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sub.Send("client-typing", "{}"))
	// Output: pushertest: Send("client-typing"): To send client events, you must enable this feature in the Settings page of your dashboard.
}

func ExampleWithActivityTimeout() {
	_, err := pushertest.New(pushertest.WithActivityTimeout(30 * time.Second)) // as Soketi and Reverb have it
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithAuthorizationTimeout() {
	s := pushertest.NewServer(pushertest.WithAuthorizationTimeout(time.Millisecond))
	defer s.Close()
	ws, err := dialApp(s)
	if err == nil { // or it was closed by now
		_, _, err = ws.Read(context.Background())
	}
	fmt.Println(websocket.CloseStatus(err))
	// Output: StatusCode(4009)
}

// printer stands for a *testing.T.
type printer struct{}

func (printer) Logf(format string, args ...any) { fmt.Println(len(fmt.Sprintf(format, args...)) > 0) }

func ExampleWithTestLog() {
	s := pushertest.NewServer(pushertest.WithTestLog(printer{}))
	defer s.Close()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/nothing", nil))
	// Output: true
}

func ExampleWithClock() {
	yesterday := time.Now().Add(-24 * time.Hour)
	s := pushertest.NewServer(pushertest.WithClock(func() time.Time { return yesterday }))
	defer s.Close()

	res, err := greet(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _, _ := strings.Cut(string(res.Body), ":")
	fmt.Println(res.Status(), text)
	// Output: 401 Unauthorized Timestamp expired
}

func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	s, err := pushertest.New(pushertest.WithLogger(logger))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/nothing", nil))
	// Output: level=WARN msg="pushertest: request rejected" method=GET path=/nothing status=404 reason="the HTTP API has no such method and path"
}

func ExampleWithMaxEventBytes() {
	s := pushertest.NewServer(pushertest.WithMaxEventBytes(10))
	defer s.Close()

	res, err := greet(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status())
	// Output: 413 Request Entity Too Large
}

func ExampleWithSubscriptionCounting() {
	s := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	defer s.Close()

	res, err := newClient(s.URL, s.App()).GetChannelWithResponse(context.Background(), s.App().ID, "lobby",
		&gen.GetChannelParams{Info: []gen.ChannelAttribute{gen.ChannelAttributeSubscriptionCount}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(res.Body))
	// Output: Cannot retrieve the subscription count because subscription counting is not enabled
}

func ExampleWithMaxEvents() {
	s := pushertest.NewServer(pushertest.WithMaxEvents(1))
	defer s.Close()
	for range 2 {
		if _, err := greet(s); err != nil {
			fmt.Println(err)
			return
		}
	}

	fmt.Println(len(s.Events()))
	// Output: 1
}

func ExampleWithIdempotencyKeys() {
	s := pushertest.NewServer(pushertest.WithIdempotencyKeys(true))
	defer s.Close()

	// The client sends the event again, because it has not received the response.
	withKey := func(_ context.Context, r *http.Request) error {
		r.Header.Set("X-Idempotency-Key", "order-7-paid")
		return nil
	}
	for range 2 {
		_, err := newClient(s.URL, s.App()).TriggerEventWithResponse(context.Background(), s.App().ID,
			gen.TriggerRequest{Name: "paid", Channels: []string{"orders"}, Data: "{}"}, withKey)
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(len(s.Events()))
	// Output: 1
}
