package pushertest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pushertest"
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
	if _, err := greet(s); err != nil { // not received
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
