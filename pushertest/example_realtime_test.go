package pushertest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

func ExampleServer_Subscribe() {
	s := pushertest.NewServer()
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sub, err := s.Subscribe(ctx, "lobby")
	if err != nil {
		fmt.Println(err)
		return
	}

	go func() { _, _ = greet(s) }() // the code under test works in the background

	event, err := sub.Next(ctx)
	fmt.Println(event.Name, event.Data, err)
	// Output: greeting {"text":"hello"} <nil>
}

func ExampleSubscriber_Events() {
	s := pushertest.NewServer()
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "lobby")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := greet(s); err != nil {
		fmt.Println(err)
	}
	sub.Close()
	if _, err := greet(s); err != nil { // nobody is there
		fmt.Println(err)
	}
	for _, event := range sub.Events() {
		fmt.Printf("%+v\n", event)
	}
	// Output: {Channel:lobby Name:greeting Data:{"text":"hello"} UserID:}
}

func ExampleSubscriber_Next() {
	s := pushertest.NewServer()
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "lobby", pushertest.AsUser("ada"))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := newClient(s.URL, s.App())
	if _, err := client.TerminateUserConnectionsWithResponse(context.Background(), s.App().ID, "ada", gen.TerminateRequest{}); err != nil {
		fmt.Println(err)
	}

	_, err = sub.Next(context.Background())
	var closed *pushertest.CloseError
	fmt.Println(errors.As(err, &closed), err)
	// Output: true pushertest: subscriber closed with code 4009: You got disconnected by the app.
}

func ExampleSubscriber_Close() {
	s := pushertest.NewServer()
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "lobby")
	if err != nil {
		fmt.Println(err)
		return
	}
	sub.Close()
	_, err = sub.Next(context.Background())
	fmt.Println(errors.Is(err, pushertest.ErrUnsubscribed))
	// Output: true
}

func ExampleSubscriber_Send() {
	s := pushertest.NewServer()
	defer s.Close()
	ada, err := s.Subscribe(context.Background(), "presence-room", pushertest.AsMember("ada", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	grace, err := s.Subscribe(context.Background(), "presence-room", pushertest.AsMember("grace", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ada.Send("client-typing", `{"on":true}`); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(ada.Events()), grace.Events())
	// Output: 0 [{presence-room client-typing {"on":true} ada}]
}

func ExampleSubscriber_SocketID() {
	s := pushertest.NewServer()
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "lobby")
	if err != nil {
		fmt.Println(err)
		return
	}
	id := sub.SocketID()
	_, err = newClient(s.URL, s.App()).TriggerEventWithResponse(context.Background(), s.App().ID,
		gen.TriggerRequest{Name: "greeting", Channels: []string{"lobby"}, Data: "{}", SocketID: &id})
	fmt.Println(len(sub.Events()), err)
	// Output: 0 <nil>
}

func ExampleAsMember() {
	s := pushertest.NewServer()
	defer s.Close()
	_, err := s.Subscribe(context.Background(), "presence-room", pushertest.AsMember("ada", map[string]string{"name": "Ada"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := newClient(s.URL, s.App()).ListChannelUsersWithResponse(context.Background(), s.App().ID, "presence-room")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.JSON200.Users)
	// Output: [{ada}]
}

func ExampleAsUser() {
	s := pushertest.NewServer()
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "#server-to-user-ada", pushertest.AsUser("ada"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = newClient(s.URL, s.App()).TriggerEventWithResponse(context.Background(), s.App().ID,
		gen.TriggerRequest{Name: "greeting", Channels: []string{"#server-to-user-ada"}, Data: "hello, Ada"})
	fmt.Println(sub.Events(), err)
	// Output: [{#server-to-user-ada greeting hello, Ada }] <nil>
}

func ExampleDecrypt() {
	s := pushertest.NewServer()
	defer s.Close()
	_, err := s.Subscribe(context.Background(), "private-encrypted-room", pushertest.Decrypt("too short"))
	fmt.Println(err != nil)
	// Output: true
}

func ExampleProtocolEvents() {
	s := pushertest.NewServer()
	defer s.Close()
	sub, err := s.Subscribe(context.Background(), "lobby", pushertest.ProtocolEvents())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range sub.Events() {
		fmt.Println(event.Name, event.Data)
	}
	// Output:
	// pusher_internal:subscription_succeeded {}
	// pusher_internal:subscription_count {"subscription_count":1}
}

// dialApp connects as pusher-js does.
func dialApp(s *pushertest.Server) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(context.Background(), s.URL+"/app/"+s.App().Key+"?protocol=7", nil)
	if err != nil {
		return nil, err
	}
	_, _, err = ws.Read(context.Background()) // the greeting
	return ws, err
}

func ExampleServer_CloseConnections() {
	s := pushertest.NewServer()
	defer s.Close()
	ws, err := dialApp(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.CloseConnections(4200, "Please reconnect"); err != nil {
		fmt.Println(err)
	}
	_, _, err = ws.Read(context.Background())
	fmt.Println(websocket.CloseStatus(err))
	// Output: StatusCode(4200)
}

func ExampleWithWebhook() {
	var s *pushertest.Server
	received := make(chan webhook.Event)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verifier, err := webhook.NewVerifier(webhook.Token{Key: s.App().Key, Secret: s.App().Secret})
		if err != nil {
			fmt.Println(err)
			return
		}
		hook, err := verifier.Parse(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		received <- hook.Events[0]
	}))
	defer endpoint.Close()
	s = pushertest.NewServer(pushertest.WithWebhook(endpoint.URL), pushertest.WithSubscriptionCounting(false))
	defer s.Close()

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
