// Command oapi-codegen queries a channel with the client that oapi-codegen generates in
// its default configuration.
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/openchannels/pusher-go/signing"

	"generated/api"
)

func main() {
	app, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	secret, _ := app.User.Password()
	signer, err := signing.New(app.User.Username(), secret)
	if err != nil {
		log.Fatal(err)
	}
	client, err := api.NewClientWithResponses("http://"+app.Host, api.WithRequestEditorFn(signer.Edit))
	if err != nil {
		log.Fatal(err)
	}
	info := "user_count,subscription_count"
	response, err := client.GetChannelWithResponse(context.Background(), strings.TrimPrefix(app.Path, "/apps/"), os.Args[2], &api.GetChannelParams{Info: &info})
	if err != nil {
		log.Fatal(err)
	}
	if response.JSON200 == nil {
		log.Fatalf("status %d: %s", response.StatusCode(), response.Body)
	}
	channel := response.JSON200
	fmt.Printf(`{"occupied":%t,"user_count":%d,"subscription_count":%d}`+"\n", channel.Occupied, *channel.UserCount, *channel.SubscriptionCount)
}
