package gen_test

import (
	"context"
	"fmt"
	"log"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

// The generated client and a signer are all that a signed request needs.
func Example() {
	ctx := context.Background()
	server := pushertest.NewServer()
	defer server.Close()
	app := server.App()

	signer, err := signing.New(app.Key, app.Secret)
	if err != nil {
		log.Fatal(err)
	}
	client, err := gen.NewClientWithResponses(server.URL, gen.WithRequestEditorFn(signer.Edit))
	if err != nil {
		log.Fatal(err)
	}
	triggered, err := client.TriggerEventWithResponse(ctx, app.ID, gen.TriggerRequest{
		Name: "price-changed", Channels: []string{"prices"}, Data: `{"cents":349}`,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(triggered.StatusCode())

	// A response with an error status is not an error of the method.
	users, err := client.ListChannelUsersWithResponse(ctx, app.ID, "prices")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(users.StatusCode(), ": ", string(users.Body))
	// Output:
	// 200
	// 400: Users can only be retrieved for presence channels
}
