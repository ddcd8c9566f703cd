// A program that receives events.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

func main() {
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	conn, err := realtime.Connect(ctx, server.URL+"/app/"+server.App().Key,
		realtime.WithAuthorizer(client.Authorizer()),
		realtime.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	channel, err := conn.Subscribe(ctx, "private-prices")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Trigger(ctx, "private-prices", "changed", map[string]int{"cents": 349}); err != nil {
		log.Fatal(err)
	}
	for event, err := range channel.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Kind == realtime.KindMessage {
			fmt.Println(event.Channel, event.Name, event.Data)
			channel.Unsubscribe()
		}
	}
}
