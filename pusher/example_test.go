package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// exampleServer replaces Pusher, so that the examples run anywhere. In a real program,
// PUSHER_URL is the URL of the app.
var exampleServer = func() *pushertest.Server {
	server := pushertest.NewServer()
	if err := errors.Join(
		server.SetChannel("prices", pushertest.ChannelState{Subscriptions: 3}),
		server.SetChannel("presence-lobby", pushertest.ChannelState{Users: []string{"ada", "grace"}}),
		os.Setenv("PUSHER_URL", server.PusherURL()),
	); err != nil {
		panic(err)
	}
	return server
}()

func Example() {
	ctx := context.Background()

	client, err := pusher.NewFromEnv() // PUSHER_URL=https://KEY:SECRET@api-CLUSTER.pusher.com/apps/APP_ID
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(ctx, "my-channel", "my-event", map[string]string{"message": "hello world"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("triggered")
	// Output: triggered
}

func ExampleNew() {
	client, err := pusher.New(
		pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"},
		pusher.WithCluster("eu"),
		pusher.WithTimeout(2*time.Second),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pusher.Client(https://api-eu.pusher.com/apps/3)
}

func ExampleNew_badOptions() {
	_, err := pusher.New(
		pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"},
		pusher.WithCluster("Europe!"),
		pusher.WithTimeout(-1),
	)
	fmt.Println(err)
	// Output:
	// pusher: New: invalid configuration: WithCluster("Europe!"): cluster names consist of lower-case letters, digits and hyphens; WithTimeout(-1ns): want more than 0
}

func ExampleNewFromURL() {
	client, err := pusher.NewFromURL("http://app-key:app-secret@localhost:6001/apps/app-id")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pusher.Client(http://localhost:6001/apps/app-id)
}

func ExampleDefault() {
	ctx := context.Background()

	// The process-wide client, made from the environment on first use.
	_, err := pusher.Default().Trigger(ctx, "my-channel", "my-event", "hello")
	fmt.Println(err)
	// Output: <nil>
}

func ExampleSetDefault() {
	client, err := pusher.NewFromURL("https://app-key:app-secret@api-eu.pusher.com/apps/7")
	if err != nil {
		log.Fatal(err)
	}
	pusher.SetDefault(client)
	defer pusher.SetDefault(nil)

	fmt.Println(pusher.Default())
	// Output: pusher.Client(https://api-eu.pusher.com/apps/7)
}

func ExampleWithHTTPProxy() {
	client, err := pusher.NewFromEnv(
		pusher.WithHTTPProxy("http://user:password@proxy.example:3128"),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client != nil)
	// Output: true
}

func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))

	client, err := pusher.NewFromEnv(pusher.WithLogger(logger))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client != nil)
	// Output: true
}

func ExampleWithRetry() {
	client, err := pusher.NewFromEnv(pusher.WithRetry(pusher.Retry{
		Attempts:  5,
		BaseDelay: 50 * time.Millisecond,
		MaxDelay:  5 * time.Second,
		Publishes: true, // prefer duplicates over lost events
	}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client != nil)
	// Output: true
}

func ExampleClient_Trigger() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	result, err := client.Trigger(ctx, "presence-lobby", "greeting", "hello",
		pusher.ExcludeSocket("1234.5678"),
		pusher.WithInfo(pusher.UserCount),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*result.Channels["presence-lobby"].UserCount, "users")
	// Output: 2 users
}

func ExampleClient_TriggerMulti() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.TriggerMulti(ctx, []string{"channel-1", "channel-2"}, "my-event", map[string]string{"some": "data"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_TriggerBatch() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	result, err := client.TriggerBatch(ctx, []pusher.Event{
		{Channel: "prices", Name: "changed", Data: map[string]int{"cents": 349}, Info: []pusher.Attribute{pusher.SubscriptionCount}},
		{Channel: "stock", Name: "arrived", Data: `{"bags":12}`, SocketID: "1234.5678"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*result.Batch[0].SubscriptionCount, "subscriptions")
	// Output: 3 subscriptions
}

func ExampleClient_SendToUser() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	err = client.SendToUser(ctx, "user-7", "invoice-ready", map[string]int{"invoice": 42})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_TerminateUserConnections() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	err = client.TerminateUserConnections(ctx, "user-7")
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_Channels() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	list, err := client.Channels(ctx, pusher.ChannelsParams{
		FilterByPrefix: "presence-",
		Info:           []pusher.Attribute{pusher.UserCount},
	})
	if err != nil {
		log.Fatal(err)
	}
	for name, channel := range list.Channels {
		fmt.Println(name, *channel.UserCount)
	}
	// Output: presence-lobby 2
}

func ExampleClient_ChannelInfo() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	info, err := client.ChannelInfo(ctx, "presence-lobby", pusher.UserCount)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Occupied, *info.UserCount)
	// Output: true 2
}

func ExampleClient_ChannelUsers() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	list, err := client.ChannelUsers(ctx, "presence-lobby")
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range list.Users {
		fmt.Println(user.ID)
	}
	// Output:
	// ada
	// grace
}

func ExampleClient_Channel() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	lobby := client.Channel("presence-lobby")
	if _, err := lobby.Trigger(ctx, "greeting", "hello"); err != nil {
		log.Fatal(err)
	}
	users, err := lobby.Users(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(users.Users), "users in", lobby.Name())
	// Output: 2 users in presence-lobby
}

func ExampleClient_Get() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	response, err := client.Get(ctx, "/channels", url.Values{"filter_by_prefix": {"presence-"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response))
	// Output: {"channels":{"presence-lobby":{}}}
}

func ExampleClient_Post() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	response, err := client.Post(ctx, "/events", map[string]any{"name": "my-event", "channels": []string{"my-channel"}, "data": "hello"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response))
	// Output: {}
}

func ExampleClient_API() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	prefix := "presence-"
	response, err := client.API().ListChannelsWithResponse(ctx, client.AppID(), &gen.ListChannelsParams{FilterByPrefix: &prefix})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(response.JSON200.Channels), "channel")
	// Output: 1 channel
}

func ExampleError() {
	ctx := context.Background()
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.ChannelUsers(ctx, "prices")

	var apiErr *pusher.Error
	switch {
	case errors.Is(err, pusher.ErrAuthentication):
		fmt.Println("check the key, the secret, the cluster and the clock")
	case errors.Is(err, pusher.ErrRateLimited) && errors.As(err, &apiErr):
		fmt.Println("retry in", apiErr.RetryAfter)
	case errors.As(err, &apiErr):
		fmt.Println(apiErr.Status, apiErr.Message)
	}
	// Output: 400 Users can only be retrieved for presence channels
}

// Test an application without Pusher: publishPrice is a handler of the application, and
// a subscriber of the test server receives the events that browsers receive.
func Example_testing() {
	publishPrice := func(client *pusher.Client) http.HandlerFunc { // the application
		return func(w http.ResponseWriter, r *http.Request) {
			if _, err := client.Trigger(r.Context(), "prices", "changed", `{"cents":349}`); err != nil {
				http.Error(w, "not published", http.StatusBadGateway)
			}
		}
	}

	ctx := context.Background()
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		log.Fatal(err)
	}
	browser, err := server.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}

	publishPrice(client)(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/prices", nil))

	event, err := browser.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Channel, event.Name, event.Data)
	// Output: prices changed {"cents":349}
}

func ExampleWithHTTPClient() {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // open a new connection for every request

	client, err := pusher.NewFromEnv(pusher.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(context.Background(), "my-channel", "my-event", "hello")
	fmt.Println(err)
	// Output: <nil>
}

// A program that stores an event and publishes it later validates it first.
func ExampleClient_Encode() {
	client, err := pusher.New(pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"})
	if err != nil {
		log.Fatal(err)
	}
	text, err := client.Encode(pusher.Event{Channel: "prices", Name: "changed", Data: map[string]float64{"eur": 9.5}})
	fmt.Println(text, err)

	_, err = client.Encode(pusher.Event{Channel: "no spaces", Name: "changed"})
	fmt.Println(errors.Is(err, pusher.ErrInvalid))
	// Output:
	// {"eur":9.5} <nil>
	// true
}

// The asynchronous calls start at once and run concurrently.
func ExampleFuture() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	multi := client.TriggerMultiAsync(ctx, []string{"prices", "news"}, "changed", 349)
	batch := client.TriggerBatchAsync(ctx, []pusher.Event{{Channel: "prices", Name: "changed", Data: 350}})
	post := client.PostAsync(ctx, "/events", map[string]any{"name": "changed", "channels": []string{"news"}, "data": "351"})
	_, multiErr := multi.Wait(ctx)
	_, batchErr := batch.Wait(ctx)
	_, postErr := post.Wait(ctx)
	fmt.Println(errors.Join(multiErr, batchErr, postErr), len(server.Events()))
	// Output: <nil> 4
}
