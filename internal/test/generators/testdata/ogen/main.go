// Command ogen queries a channel with the client that ogen generates.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/openchannels/pusher-go/signing"

	"generated/api"
)

// A signedClient signs every request that it sends.
type signedClient struct{ signer *signing.Signer }

func (c signedClient) Do(r *http.Request) (*http.Response, error) {
	if err := c.signer.Edit(r.Context(), r); err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

// unsigned provides no values: a signature depends on the whole request, so signedClient
// replaces them.
type unsigned struct{}

func (unsigned) AuthKey(context.Context, api.OperationName) (api.AuthKey, error) {
	return api.AuthKey{}, nil
}

func (unsigned) AuthTimestamp(context.Context, api.OperationName) (api.AuthTimestamp, error) {
	return api.AuthTimestamp{}, nil
}

func (unsigned) AuthVersion(context.Context, api.OperationName) (api.AuthVersion, error) {
	return api.AuthVersion{}, nil
}

func (unsigned) AuthSignature(context.Context, api.OperationName) (api.AuthSignature, error) {
	return api.AuthSignature{}, nil
}

func (unsigned) BodyMD5(context.Context, api.OperationName) (api.BodyMD5, error) {
	return api.BodyMD5{}, nil
}

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
	client, err := api.NewClient("http://"+app.Host, unsigned{}, api.WithClient(signedClient{signer}))
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.GetChannel(context.Background(), api.GetChannelParams{
		AppID: strings.TrimPrefix(app.Path, "/apps/"), ChannelName: os.Args[2], Info: api.NewOptString("user_count,subscription_count"),
	})
	if err != nil {
		log.Fatal(err)
	}
	channel, ok := response.(*api.ChannelInfo)
	if !ok {
		log.Fatalf("the response is %+v", response)
	}
	fmt.Printf(`{"occupied":%t,"user_count":%d,"subscription_count":%d}`+"\n", channel.Occupied, channel.UserCount.Value, channel.SubscriptionCount.Value)
}
