// A program that uses the packages of the root module.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
	"github.com/openchannels/pusher-go/webhook"
)

func main() {
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Trigger(context.Background(), "prices", "changed", map[string]int{"cents": 349}); err != nil {
		log.Fatal(err)
	}
	for _, event := range server.Events() {
		fmt.Println(event.Channel, event.Name, event.Data)
	}

	app := server.App()
	authorizer, err := auth.New(app.Key, app.Secret)
	if err != nil {
		log.Fatal(err)
	}
	response, err := authorizer.AuthorizePrivate("1234.5678", "private-prices")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(response.Auth, app.Key+":"))
	verifier, err := webhook.New(app.Key, app.Secret)
	if err != nil {
		log.Fatal(err)
	}
	body := []byte(`{"time_ms":1353088179000,"events":[{"name":"channel_occupied","channel":"prices"}]}`)
	hook, err := verifier.ParseBytes(webhook.SignedHeader(app.Key, app.Secret, body), body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", hook.Events)

	signer, err := signing.New(app.Key, app.Secret)
	if err != nil {
		log.Fatal(err)
	}
	api, err := gen.NewClientWithResponses(server.URL, gen.WithRequestEditorFn(signer.Edit))
	if err != nil {
		log.Fatal(err)
	}
	channels, err := api.ListChannelsWithResponse(context.Background(), app.ID, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(channels.StatusCode())
}
