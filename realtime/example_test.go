package realtime_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

// A price is the payload of the examples' event.
type price struct {
	EUR float64 `json:"eur"`
}

var priceChanged = pusher.DefineEvent[price]("price-changed")

// example runs a server until the returned function is called. Its URL stands for
// realtime.Cluster("eu", key).
func example() (ctx context.Context, appURL string, client *pusher.Client, server *pushertest.Server, stop func()) {
	server = pushertest.NewServer()
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	return ctx, server.URL + "/app/" + server.App().Key, client, server, func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	}
}

// open connects to the server of an example.
func open(ctx context.Context, appURL string, client *pusher.Client) *realtime.Conn {
	conn, err := realtime.Connect(ctx, appURL, realtime.WithAuthorizer(client.Authorizer()), realtime.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

func publish(ctx context.Context, client *pusher.Client, channel string, eur float64) {
	if _, err := priceChanged.Trigger(ctx, client, channel, price{eur}); err != nil {
		log.Fatal(err)
	}
}

func Example() {
	ctx, appURL, client, _, stop := example() // appURL is realtime.Cluster("eu", key)
	defer stop()

	conn, err := realtime.Connect(ctx, appURL)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	channel, err := conn.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}
	publish(ctx, client, "prices", 9.5)
	for event, err := range channel.Events(ctx) {
		if err != nil {
			log.Fatal(err) // the subscription has failed for good
		}
		switch event.Kind {
		case realtime.KindMessage:
			price, err := priceChanged.Decode(event.Data)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(event.Name, price.EUR)
			channel.Unsubscribe() // ends the loop
		case realtime.KindGap:
			fmt.Println("events between", event.From, "and", event.To, "are lost")
		}
	}
	// Output: price-changed 9.5
}

func ExampleConnect() {
	ctx, appURL, _, _, stop := example()
	defer stop()

	conn, err := realtime.Connect(ctx, appURL,
		realtime.WithTimeout(5*time.Second),
		realtime.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.State())

	_, err = realtime.Connect(ctx, strings.Replace(appURL, "/app/", "/app/other-", 1))
	fmt.Println(err)
	// Output:
	// connected
	// realtime: Connect: rejected by the server: code 4001: App key other-278d425bdf160c739803 not in this cluster. Did you forget to specify the cluster?
}

func ExampleCluster() {
	fmt.Println(realtime.Cluster("eu", "278d425bdf160c739803"))
	// Output: wss://ws-eu.pusher.com/app/278d425bdf160c739803
}

func ExampleHost() {
	fmt.Println(realtime.Host("ws.example.com:6001", "app-key"))
	// Output: wss://ws.example.com:6001/app/app-key
}

func ExampleWithAuthorizer() {
	ctx, appURL, client, _, stop := example()
	defer stop()

	conn, err := realtime.Connect(ctx, appURL, realtime.WithAuthorizer(client.Authorizer()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	orders, err := conn.Subscribe(ctx, "private-orders")
	if err != nil {
		log.Fatal(err)
	}
	lobby, err := conn.Subscribe(ctx, "presence-lobby", realtime.WithMember(auth.Member{UserID: "bot-7"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(orders.Name(), lobby.Name(), lobby.Members())
	// Output: private-orders presence-lobby [{bot-7 }]
}

// A vault is an Authorizer that asks another service for signatures.
type vault struct{ *auth.Authorizer }

func (v vault) AuthorizePrivate(socketID, channel string) (*auth.ChannelAuthorization, error) {
	if channel == "private-admins" {
		return nil, auth.ErrForbidden
	}
	return v.Authorizer.AuthorizePrivate(socketID, channel)
}

func ExampleAuthorizer() {
	ctx, appURL, client, _, stop := example()
	defer stop()

	conn, err := realtime.Connect(ctx, appURL, realtime.WithAuthorizer(vault{client.Authorizer()}), quiet)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Subscribe(ctx, "private-admins")
	fmt.Println(err)
	// Output: realtime: Subscribe: private-admins: forbidden by the app: auth: forbidden
}

// appEndpoints returns the endpoints of an app, as browsers use them.
func appEndpoints(client *pusher.Client) *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("POST /pusher/auth", client.Authorizer().ChannelHandler(
		func(r *http.Request, _ auth.ChannelRequest) (*auth.Member, error) {
			if r.Header.Get("Authorization") != "Bearer token-of-the-bot" {
				return nil, auth.ErrForbidden
			}
			return &auth.Member{UserID: "bot-7"}, nil
		}))
	mux.Handle("POST /pusher/user-auth", client.Authorizer().UserHandler(
		func(*http.Request) (*auth.User, error) { return &auth.User{ID: "bot-7"}, nil }))
	return httptest.NewServer(mux)
}

func ExampleWithAuthEndpoint() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	app := appEndpoints(client)
	defer app.Close()

	conn, err := realtime.Connect(ctx, appURL,
		realtime.WithAuthEndpoint(app.URL+"/pusher/auth", http.Header{"Authorization": {"Bearer token-of-the-bot"}}),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	lobby, err := conn.Subscribe(ctx, "presence-lobby")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(lobby.Members())
	// Output: [{bot-7 }]
}

func ExampleWithUserAuthEndpoint() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	app := appEndpoints(client)
	defer app.Close()

	conn, err := realtime.Connect(ctx, appURL, realtime.WithUserAuthEndpoint(app.URL+"/pusher/user-auth", nil))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	user, err := conn.SignIn(ctx, auth.User{}) // the endpoint knows who it is
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name())
	// Output: #server-to-user-bot-7
}

func ExampleWithHTTPClient() {
	ctx, appURL, _, _, stop := example()
	defer stop()
	proxy, err := url.Parse("http://proxy.example.com:3128")
	if err != nil {
		log.Fatal(err)
	}

	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13}
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if r.URL.Hostname() == "127.0.0.1" {
			return nil, nil // no proxy for this server
		}
		return proxy, nil
	}
	conn, err := realtime.Connect(ctx, appURL, realtime.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(conn.State())
	_ = conn.Close()
	// Output: connected
}

func ExampleWithLogger() {
	ctx, appURL, _, _, stop := example()
	defer stop()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "socket_id" {
				return slog.Attr{}
			}
			return a
		},
	}))
	conn, err := realtime.Connect(ctx, appURL, realtime.WithLogger(logger))
	if err != nil {
		log.Fatal(err)
	}
	_ = conn.Close()
	// Output: level=INFO msg="realtime: connected"
}

func ExampleWithTimeout() {
	ctx, appURL, _, server, stop := example()
	defer stop()
	server.Delay(time.Minute)

	_, err := realtime.Connect(ctx, appURL, realtime.WithTimeout(50*time.Millisecond))
	fmt.Println(errors.Is(err, realtime.ErrDisconnected), errors.Is(err, context.DeadlineExceeded))
	// Output: true true
}

func ExampleWithActivityTimeout() {
	ctx, appURL, _, _, stop := example()
	defer stop()

	// A lost connection is noticed within 20 seconds instead of 150.
	conn, err := realtime.Connect(ctx, appURL,
		realtime.WithActivityTimeout(15*time.Second),
		realtime.WithPongTimeout(5*time.Second),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(conn.State())
	_ = conn.Close()
	// Output: connected
}

func ExampleWithPongTimeout() {
	_, err := realtime.Connect(context.Background(), realtime.Cluster("eu", "key"), realtime.WithPongTimeout(0))
	fmt.Println(err)
	// Output: realtime: Connect: invalid configuration: WithPongTimeout(0s): the duration is not positive
}

func ExampleWithBackoff() {
	ctx, appURL, _, server, stop := example()
	defer stop()

	conn, err := realtime.Connect(ctx, appURL, realtime.WithBackoff(10*time.Millisecond, 100*time.Millisecond), quiet)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	server.DropConnections()
	for event, err := range conn.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Kind)
		if event.Kind == realtime.KindDisconnected {
			break
		}
	}
	// Output:
	// connected
	// disconnected
}

func ExampleWithMaxMessageBytes() {
	ctx, appURL, _, _, stop := example()
	defer stop()

	// A self-hosted server may have presence channels with thousands of members.
	conn, err := realtime.Connect(ctx, appURL, realtime.WithMaxMessageBytes(8<<20))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(conn.State())
	_ = conn.Close()
	// Output: connected
}

func ExampleWithMember() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()

	lobby, err := conn.Subscribe(ctx, "presence-lobby", realtime.WithMember(auth.Member{
		UserID:   "bot-7",
		UserInfo: map[string]string{"name": "Bot"},
	}))
	if err != nil {
		log.Fatal(err)
	}
	for _, member := range lobby.Members() {
		fmt.Println(member.ID, member.Info)
	}
	// Output: bot-7 {"name":"Bot"}
}

func ExampleConn_Subscribe() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()

	_, err := conn.Subscribe(ctx, "private-encrypted-orders")
	fmt.Println(err)
	_, err = conn.Subscribe(ctx, "presence-lobby")
	fmt.Println(err)
	// Output:
	// <nil>
	// realtime: Subscribe: presence-lobby: invalid configuration: presence channels need WithMember
}

func ExampleConn_SignIn() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()

	user, err := conn.SignIn(ctx, auth.User{ID: "bot-7", Watchlist: []string{"alice"}})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.SendToUser(ctx, "bot-7", "greeting", "hello"); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		event, err := user.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		switch event.Kind {
		case realtime.KindWatchlist:
			fmt.Println(event.UserIDs, event.Name)
		case realtime.KindMessage:
			fmt.Println(event.Name, event.Data)
		}
	}
	// Output:
	// [alice] offline
	// greeting hello
}

func ExampleConn_Events() {
	ctx, appURL, client, server, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()

	if err := server.CloseConnections(4004, "Account over quota"); err != nil {
		log.Fatal(err)
	}
	for event, err := range conn.Events(ctx) {
		if err != nil {
			fmt.Println("failed for good:", err)
			break
		}
		fmt.Println(event.Kind)
	}
	// Output:
	// connected
	// disconnected
	// failed for good: realtime: Next: rejected by the server: code 4004: Account over quota
}

func ExampleConn_Next() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()

	event, err := conn.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Kind, event.Data == conn.SocketID())
	// Output: connected true
}

func ExampleConn_State() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()

	health := func(w http.ResponseWriter, _ *http.Request) {
		if state := conn.State(); state != realtime.StateConnected {
			http.Error(w, state.String(), http.StatusServiceUnavailable)
		}
	}
	recorder := httptest.NewRecorder()
	health(recorder, nil)
	fmt.Println(recorder.Code)
	// Output: 200
}

func ExampleConn_SocketID() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	channel, err := conn.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}

	// Everybody but this connection gets the event.
	_, err = client.Trigger(ctx, "prices", "own", "1", pusher.ExcludeSocket(conn.SocketID()))
	if err != nil {
		log.Fatal(err)
	}
	publish(ctx, client, "prices", 2)
	for event := range channel.Events(ctx) {
		if event.Kind == realtime.KindMessage {
			fmt.Println(event.Name)
			break
		}
	}
	// Output: price-changed
}

func ExampleConn_Close() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	_ = conn.Close()
	_, err := conn.Subscribe(ctx, "prices")
	fmt.Println(errors.Is(err, realtime.ErrClosed), conn.State())
	// Output: true closed
}

func ExampleChannel_Next() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	channel, err := conn.Subscribe(ctx, "cache-prices")
	if err != nil {
		log.Fatal(err)
	}

	event, err := channel.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Kind)
	// Output: cache_miss
}

func ExampleChannel_Events() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	channel, err := conn.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}
	publish(ctx, client, "prices", 1)

	for event, err := range channel.Events(ctx) {
		switch {
		case err != nil:
			log.Fatal(err) // the subscription has failed for good
		case event.Dropped > 0:
			fmt.Println("too slow:", event.Dropped, "events are lost")
		case event.Kind == realtime.KindGap:
			fmt.Println("disconnected: fetch the current prices")
		case event.Kind == realtime.KindMessage:
			fmt.Println(event.Data)
			channel.Unsubscribe()
		}
	}
	// Output: {"eur":1}
}

func ExampleChannel_Members() {
	ctx, appURL, client, server, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	lobby, err := conn.Subscribe(ctx, "presence-lobby", realtime.WithMember(auth.Member{UserID: "bot-7"}))
	if err != nil {
		log.Fatal(err)
	}
	alice, err := server.Subscribe(ctx, "presence-lobby", pushertest.AsMember("alice", nil))
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()

	event, err := lobby.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Kind, event.UserID)
	fmt.Println(lobby.Members())
	// Output:
	// member_added alice
	// [{alice } {bot-7 }]
}

func ExampleChannel_Trigger() {
	ctx, appURL, client, server, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	channel, err := conn.Subscribe(ctx, "private-chat")
	if err != nil {
		log.Fatal(err)
	}
	browser, err := server.Subscribe(ctx, "private-chat")
	if err != nil {
		log.Fatal(err)
	}
	defer browser.Close()

	if err := channel.Trigger(ctx, "client-typing", map[string]bool{"active": true}); err != nil {
		log.Fatal(err)
	}
	received, err := browser.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(received.Name, received.Data)
	// Output: client-typing {"active":true}
}

func ExampleChannel_Name() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	channel, err := conn.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(channel.Name())
	// Output: prices
}

func ExampleChannel_Unsubscribe() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	conn := open(ctx, appURL, client)
	defer conn.Close()
	channel, err := conn.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}
	channel.Unsubscribe()
	_, err = channel.Next(ctx)
	fmt.Println(err)
	// Output: realtime: Next: prices: closed
}

func ExampleError() {
	ctx, appURL, client, _, stop := example()
	defer stop()
	app := appEndpoints(client)
	defer app.Close()
	conn, err := realtime.Connect(ctx, appURL, realtime.WithAuthEndpoint(app.URL+"/pusher/auth", nil), quiet)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	_, err = conn.Subscribe(ctx, "private-orders")
	var e *realtime.Error
	if errors.Is(err, realtime.ErrForbidden) && errors.As(err, &e) {
		fmt.Println(e.Channel, e.Status, e.Message)
	}
	// Output: private-orders 403 Forbidden
}

func ExampleEvent() {
	text, err := json.Marshal(realtime.Event{Kind: realtime.KindMessage, Channel: "prices", Name: "price-changed", Data: `{"eur":1}`})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output: {"kind":"message","channel":"prices","name":"price-changed","data":"{\"eur\":1}"}
}

func ExampleKind() {
	fmt.Println(realtime.KindMemberAdded, realtime.KindGap)
	// Output: member_added gap
}

func ExampleMember() {
	fmt.Printf("%+v\n", realtime.Member{ID: "alice", Info: `{"name":"Alice"}`})
	// Output: {ID:alice Info:{"name":"Alice"}}
}

func ExampleState() {
	fmt.Println(realtime.StateConnected, realtime.StateConnecting, realtime.StateClosed)
	// Output: connected connecting closed
}
