package pusher_test

// The snippets of README.md and docs/. internal/test/architecture compares them.

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

// startServer starts a server that stands in for Pusher, and returns a client for it.
func startServer(opts ...pusher.Option) (*pushertest.Server, *pusher.Client) {
	server := pushertest.NewServer()
	opts = append([]pusher.Option{pusher.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	client, err := pusher.NewFromURL(server.PusherURL(), opts...)
	if err != nil {
		log.Fatal(err)
	}
	if err := server.SetChannel("presence-lobby", pushertest.ChannelState{Users: []string{"ada", "grace"}}); err != nil {
		log.Fatal(err)
	}
	return server, client
}

// currentUser stands for the session of an app.
func currentUser(r *http.Request) string { return r.Header.Get("X-User") }

// authorize sends the request of pusher-js and returns the status code.
func authorize(handler http.Handler, user, channel string) int {
	form := url.Values{"socket_id": {"1234.1234"}, "channel_name": {channel}}
	r := httptest.NewRequest(http.MethodPost, "/pusher/auth", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-User", user)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// postWebhook sends a webhook in the way of Pusher and returns the status code.
func postWebhook(handler http.Handler, key, secret, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/pusher/webhook", strings.NewReader(body))
	r.Header = webhook.SignedHeader(key, secret, []byte(body))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// Publish an event to everybody except the connection that caused it, and learn how
// many users are on the channel.
func Example_publish() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	result, err := client.Trigger(ctx, "presence-lobby", "greeting", map[string]string{"text": "hello"},
		pusher.ExcludeSocket("1234.5678"),
		pusher.WithInfo(pusher.UserCount),
	)
	if err != nil {
		log.Fatal(err)
	}
	if n, ok := result.Channels["presence-lobby"].Users(); ok {
		fmt.Println(n, "users")
	}
	// Output: 2 users
}

func Example_publishToSeveralChannels() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	_, err := client.TriggerMulti(ctx, []string{"channel-1", "channel-2"}, "my-event", map[string]string{"some": "data"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.Events()))
	// Output: 2
}

func Example_publishBatch() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	result, err := client.TriggerBatch(ctx, []pusher.Event{
		{Channel: "presence-lobby", Name: "greeting", Data: "hello", Info: []pusher.Attribute{pusher.UserCount}},
		{Channel: "prices", Name: "price-changed", Data: map[string]int{"cents": 349}, SocketID: "1234.5678"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for i, counts := range result.Batch {
		if n, ok := counts.Users(); ok {
			fmt.Println("event", i, "reached", n, "users")
		}
	}
	// Output: event 0 reached 2 users
}

func Example_publishToUser() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	if err := client.SendToUser(ctx, "user-7", "invoice-ready", map[string]int{"invoice": 42}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Events()[0].Channel)
	// Output: #server-to-user-user-7
}

// Exclude the sender of a request that came from Laravel Echo, which sends its
// socket ID in a header.
func Example_excludeSender() {
	server, client := startServer()
	defer server.Close()

	handler := func(w http.ResponseWriter, r *http.Request) {
		_, err := client.Trigger(r.Context(), "chat", "message", r.FormValue("text"),
			pusher.ExcludeSocket(auth.SocketID(r)))
		if err != nil {
			http.Error(w, "message not sent", http.StatusBadGateway)
		}
	}

	r := httptest.NewRequest(http.MethodPost, "/messages?text=hello", nil)
	r.Header.Set("X-Socket-ID", "1234.5678")
	handler(httptest.NewRecorder(), r)
	fmt.Println(server.Events()[0].SocketID)
	// Output: 1234.5678
}

// Publish many events, in batches and in order.
func Example_publishMany() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	publisher, err := client.NewPublisher(pusher.PublisherConfig{
		OnResult: func(_ context.Context, r pusher.PublishResult) {
			if r.Err != nil {
				log.Println(r.Event.Channel, r.Err)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 1000 {
		event := pusher.Event{Channel: fmt.Sprint("device-", i%50), Name: "moved", Data: map[string]int{"position": i}}
		if err := publisher.Publish(ctx, event); err != nil {
			log.Fatal(err)
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := publisher.Close(closing); err != nil { // sends the queued events
		log.Fatal(err)
	}
	fmt.Println(len(server.Events()), "events")
	// Output: 1000 events
}

func Example_publisherConfig() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	var failed atomic.Int64
	publisher, err := client.NewPublisher(pusher.PublisherConfig{
		Concurrency: 16,
		QueueSize:   50_000,
		Linger:      20 * time.Millisecond,
		Delivery:    pusher.AtMostOnce,
		Overflow:    pusher.Reject,
		Timeout:     time.Minute,
		OnResult: func(_ context.Context, r pusher.PublishResult) {
			if r.Err != nil {
				failed.Add(1)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = publisher.Publish(ctx, pusher.Event{Channel: "prices", Name: "price-changed", Data: "tea"})
	switch {
	case errors.Is(err, pusher.ErrQueueFull):
		log.Println("the server does not keep up")
	case err != nil:
		log.Fatal(err)
	}
	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(failed.Load(), "failed")
	// Output: 0 failed
}

func Example_publishToManyChannels() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		log.Fatal(err)
	}
	channels := make([]string, 250)
	for i := range channels {
		channels[i] = fmt.Sprint("shop-", i)
	}

	if err := publisher.PublishMulti(ctx, channels, pusher.Event{Name: "closing-time", Data: "18:00"}); err != nil {
		log.Fatal(err)
	}
	if err := publisher.Flush(ctx); err != nil {
		log.Fatal(err)
	}

	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.Events()))
	// Output: 250
}

func Example_publisherStats() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		log.Fatal(err)
	}

	expvar.Publish("publisher", expvar.Func(func() any { return publisher.Stats() }))

	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(expvar.Get("publisher").String(), "{"))
	// Output: true
}

// Stop a server that publishes events without losing any.
func Example_stop() {
	pusherServer, client := startServer()
	defer pusherServer.Close()
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "127.0.0.1:0"}
	if err := publisher.Publish(context.Background(), pusher.Event{Channel: "prices", Name: "price-changed", Data: "tea"}); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond) // stands for the signal
	defer cancel()

	stopped, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	<-stopped.Done()
	stop() // A second signal ends the program at once.

	// The signal has ended its context, so each step gets another one.
	within := func(d time.Duration, step func(context.Context) error) {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		if err := step(ctx); err != nil {
			log.Println(err)
		}
	}
	within(10*time.Second, server.Shutdown) // Requests end, and publish their last events.
	within(10*time.Second, publisher.Close) // Queued events are sent; an error has the number of lost events.
	within(5*time.Second, client.Close)     // Asynchronous calls end.

	fmt.Println(len(pusherServer.Events()), "event")
	// Output: 1 event
}

func Example_async() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	client.TriggerAsync(ctx, "prices", "price-changed", map[string]int{"cents": 349}).
		Then(func(_ *pusher.TriggerResult, err error) { fmt.Println("published:", err == nil) })

	// At the end of the program, wait for calls in flight:
	if err := client.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: published: true
}

func Example_asyncWait() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	future := client.GetAsync(ctx, "/channels", url.Values{"filter_by_prefix": {"presence-"}})
	// Do something else, then:
	response, err := future.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response))
	// Output: {"channels":{"presence-lobby":{}}}
}

func Example_query() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	list, err := client.Channels(ctx, pusher.ChannelsParams{
		FilterByPrefix: "presence-",
		Info:           []pusher.Attribute{pusher.UserCount},
	})
	if err != nil {
		log.Fatal(err)
	}
	for name, counts := range list.Channels {
		if n, ok := counts.Users(); ok {
			fmt.Println(name, n)
		}
	}
	// Output: presence-lobby 2
}

func Example_queryChannel() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	lobby := client.Channel("presence-lobby")
	info, err := lobby.Info(ctx, pusher.UserCount)
	if err != nil {
		log.Fatal(err)
	}
	if n, ok := info.Users(); ok && info.Occupied {
		fmt.Println(n, "users on", lobby.Name())
	}
	list, err := lobby.Users(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range list.Users {
		fmt.Println(user.ID)
	}
	// Output:
	// 2 users on presence-lobby
	// ada
	// grace
}

func Example_queryAnything() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	response, err := client.Get(ctx, "/channels", url.Values{"filter_by_prefix": {"presence-"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response))
	// Output: {"channels":{"presence-lobby":{}}}
}

func Example_queryGenerated() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	prefix := "presence-"
	response, err := client.API().ListChannelsWithResponse(ctx, client.AppID(), &gen.ListChannelsParams{FilterByPrefix: &prefix})
	if err != nil {
		log.Fatal(err)
	}
	for name := range response.JSON200.Channels {
		fmt.Println(name)
	}
	// Output: presence-lobby
}

func Example_authorize() {
	server, client := startServer()
	defer server.Close()

	mux := http.NewServeMux()
	mux.Handle("POST /pusher/auth", client.Authorizer().ChannelHandler(
		func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			user := currentUser(r) // your session
			if user == "" || request.Channel == "private-admins" {
				return nil, auth.ErrForbidden
			}
			return &auth.Member{UserID: user}, nil
		}))
	mux.Handle("POST /pusher/user-auth", client.Authorizer().UserHandler(
		func(r *http.Request) (*auth.User, error) {
			user := currentUser(r)
			if user == "" {
				return nil, auth.ErrForbidden
			}
			return &auth.User{ID: user}, nil
		}))

	fmt.Println(authorize(mux, "ada", "presence-lobby"), authorize(mux, "ada", "private-admins"), authorize(mux, "", "presence-lobby"))
	// Output: 200 403 403
}

// allowOrigin lets pages of one other origin send requests with the header Authorization.
func allowOrigin(origin string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if r.Header.Get("Origin") == origin {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		}
		if r.Method == http.MethodOptions { // the browser asks before it sends the request
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func Example_authorizeOtherOrigin() {
	server, client := startServer()
	defer server.Close()
	mux := http.NewServeMux()
	mux.Handle("POST /pusher/auth", client.Authorizer().ChannelHandler(
		func(r *http.Request, _ auth.ChannelRequest) (*auth.Member, error) {
			if r.Header.Get("Authorization") != "Bearer token of ada" {
				return nil, auth.ErrForbidden
			}
			return &auth.Member{UserID: "ada"}, nil
		}))

	handler := allowOrigin("https://www.example.com", mux)

	send := func(method, origin, body string) *http.Response {
		r := httptest.NewRequest(method, "/pusher/auth", strings.NewReader(body))
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if method != http.MethodOptions {
			r.Header.Set("Authorization", "Bearer token of ada")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result()
	}
	for _, origin := range []string{"https://www.example.com", "https://evil.example"} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			resp := send(method, origin, "socket_id=1234.1234&channel_name=presence-lobby")
			fmt.Printf("%s %d %q\n", method, resp.StatusCode, resp.Header.Get("Access-Control-Allow-Origin"))
		}
	}
	// Output:
	// OPTIONS 204 "https://www.example.com"
	// POST 200 "https://www.example.com"
	// OPTIONS 204 ""
	// POST 200 ""
}

func Example_authorizeWithoutHandler() {
	server, client := startServer()
	defer server.Close()

	authorization, err := client.Channel("presence-lobby").AuthorizePresence("1234.1234", auth.Member{
		UserID:   "ada",
		UserInfo: map[string]string{"name": "Ada"}, // optional
	})
	if err != nil {
		log.Fatal(err)
	}
	// The JSON of authorization is the response that pusher-js expects.
	fmt.Println(authorization.ChannelData)
	// Output: {"user_id":"ada","user_info":{"name":"Ada"}}
}

// Authorize with the bytes of the form, as pusher-http-go does.
func Example_authorizeForm() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	params := []byte("socket_id=1234.1234&channel_name=private-orders")

	form, err := url.ParseQuery(string(params)) // the argument of AuthorizePrivateChannel
	if err != nil {
		log.Fatal(err)
	}
	authorization, err := client.Channel(form.Get("channel_name")).AuthorizePrivate(form.Get("socket_id"))
	if err != nil {
		log.Fatal(err)
	}
	response, err := json.Marshal(authorization)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(string(response), `{"auth":"key:`))
	// Output: true
}

func Example_receiveWebhooks() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"},
		pusher.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()

	mux.Handle("POST /pusher/webhook", client.WebhookVerifier().Handler(
		func(ctx context.Context, hook *webhook.Webhook) error {
			for _, event := range hook.Events {
				switch event := event.(type) {
				case webhook.ChannelOccupied:
					fmt.Println("occupied:", event.Channel)
				case webhook.ClientEvent:
					fmt.Println("client event:", event.Channel, event.Event, event.Data)
				}
			}
			return nil // an error makes Pusher send the webhook again
		}))

	body := `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"news"}]}`
	fmt.Println(postWebhook(mux, "key", "secret", body), postWebhook(mux, "key", "forged", body))
	// Output:
	// occupied: news
	// 200 401
}

func Example_parseWebhook() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"})
	if err != nil {
		log.Fatal(err)
	}

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hook, err := client.ParseWebhook(r)
		if err != nil {
			http.Error(w, "invalid webhook", http.StatusUnauthorized)
			return
		}
		fmt.Println(len(hook.Events), "events of", hook.Time)
	})

	fmt.Println(postWebhook(handler, "key", "secret", `{"time_ms":1327078148132,"events":[]}`))
	// Output:
	// 0 events of 2012-01-20 16:49:08.132 +0000 UTC
	// 200
}

func Example_webhookOptions() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"},
		pusher.WithWebhookOptions(
			webhook.WithDuplicateFilter(5*time.Minute, 10_000),
			webhook.WithMaxAge(10*time.Minute),
			webhook.WithMaxBytes(256<<10),
		),
	)
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(client)
	// Output: pusher.Client(https://api-mt1.pusher.com/apps/42)
}

// Sign a webhook in a test of your handler.
func Example_testWebhook() {
	handler := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

	body := `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"news"}]}`
	r := httptest.NewRequest(http.MethodPost, "/pusher/webhook", strings.NewReader(body))
	r.Header = webhook.SignedHeader("key", "secret", []byte(body))
	w := httptest.NewRecorder()
	handler(w, r)

	fmt.Println(w.Code)
	// Output: 200
}

func Example_encrypt() {
	ctx := context.Background()
	server := pushertest.NewServer()
	defer server.Close()
	defer setPusherURL(server.PusherURL())()

	client, err := pusher.NewFromEnv(
		pusher.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="), // yours: openssl rand -base64 32
	)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(ctx, "private-encrypted-orders", "order-placed", map[string]int{"order": 42})
	if err != nil {
		log.Fatal(err)
	}
	data := server.Events()[0].Data
	fmt.Println(strings.Contains(data, `"order"`), strings.Contains(data, `"ciphertext"`))
	// Output: false true
}

// setPusherURL sets PUSHER_URL and returns a function that restores it.
func setPusherURL(value string) (restore func()) {
	previous, ok := os.LookupEnv("PUSHER_URL")
	if err := os.Setenv("PUSHER_URL", value); err != nil {
		log.Fatal(err)
	}
	return func() {
		if ok {
			_ = os.Setenv("PUSHER_URL", previous)
		} else {
			_ = os.Unsetenv("PUSHER_URL")
		}
	}
}

func Example_rotateKeys() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "new-key", Secret: "new-secret"},
		pusher.WithWebhookOptions(webhook.WithKey("old-key", "old-secret")),
	)
	if err != nil {
		log.Fatal(err)
	}
	handler := client.WebhookVerifier().Handler(func(context.Context, *webhook.Webhook) error { return nil })
	body := `{"time_ms":1327078148132,"events":[]}`
	fmt.Println(postWebhook(handler, "old-key", "old-secret", body), postWebhook(handler, "new-key", "new-secret", body))
	// Output: 200 200
}

func Example_rotateMasterKey() {
	const newMasterKey, oldMasterKey = "tYDKk1TmVDxXgwLlNXKPWXmzSYjWaCfaKrxw3DNjBJ8=", "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"},
		pusher.WithEncryptionMasterKey(newMasterKey, oldMasterKey),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.AppID())
	// Output: 42
}

func Example_errors() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	_, err := client.ChannelUsers(ctx, "prices") // not a presence channel
	var apiErr *pusher.Error
	switch {
	case errors.Is(err, pusher.ErrAuthentication):
		fmt.Println("check the key, the secret, the cluster and the clock")
	case errors.Is(err, pusher.ErrRateLimited) && errors.As(err, &apiErr):
		fmt.Println("try again in", apiErr.RetryAfter)
	case errors.Is(err, pusher.ErrTransport):
		fmt.Println("no response: the event may or may not have been published")
	case errors.As(err, &apiErr):
		fmt.Println(apiErr.Status, apiErr.Message)
	}
	// Output: 400 Users can only be retrieved for presence channels
}

func Example_retry() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"},
		pusher.WithRetry(pusher.Retry{
			Attempts:  5,
			BaseDelay: 50 * time.Millisecond,
			MaxDelay:  5 * time.Second,
			Publishes: true, // an event may arrive twice
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.AppID())
	// Output: 42
}

func Example_healthCheck() {
	server, client := startServer()
	defer server.Close()
	mux := http.NewServeMux()

	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := client.Ping(r.Context()); err != nil {
			log.Println(err)
			http.Error(w, "Pusher is not reachable", http.StatusServiceUnavailable)
		}
	})

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	fmt.Println(w.Code)
	// Output: 200
}

func Example_configure() {
	client, err := pusher.New(
		pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"},
		pusher.WithCluster("eu"),
		pusher.WithTimeout(2*time.Second),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pusher.Client(https://api-eu.pusher.com/apps/42)
}

func Example_configureOwnServer() {
	client, err := pusher.New(
		pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"},
		pusher.WithBaseURL("http://localhost:6001"),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pusher.Client(http://localhost:6001/apps/app-id)
}

func Example_configureVacantOnNotFound() {
	client, err := pusher.New(
		pusher.Credentials{AppID: "app-id", Key: "app-key", Secret: "app-secret"},
		pusher.WithBaseURL("https://reverb.example.com"),
		pusher.WithVacantOnNotFound(),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pusher.Client(https://reverb.example.com/apps/app-id)
}

func Example_discard() {
	ctx := context.Background()

	client, err := pusher.NewFromURL("discard:")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Trigger(ctx, "prices", "price-changed", "tea") // sends nothing
	fmt.Println(err)
	_, err = client.Trigger(ctx, "not a channel", "price-changed", "tea")
	fmt.Println(errors.Is(err, pusher.ErrInvalid))
	// Output:
	// <nil>
	// true
}

// publishPrice is the code under test.
func publishPrice(client *pusher.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := client.Trigger(r.Context(), "prices", "price-changed", `{"cents":349}`); err != nil {
			http.Error(w, "price not published", http.StatusBadGateway)
		}
	}
}

func Example_test() {
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
	// Output: prices price-changed {"cents":349}
}

func Example_testFailure() {
	server, client := startServer(pusher.WithRetry(pusher.Retry{Attempts: 1}))
	defer server.Close()

	if err := server.Fail(pushertest.Failure{Status: http.StatusServiceUnavailable, Body: "Service unavailable\n"}); err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	publishPrice(client)(w, httptest.NewRequest(http.MethodPost, "/prices", nil))
	fmt.Println(w.Code)
	// Output: 502
}

type Price struct {
	Cents int `json:"cents"`
}

// PriceChanged is the definition of an event. An app keeps its definitions in one
// package that publishers, webhook handlers and tests import.
var PriceChanged = pusher.DefineEvent[Price]("price-changed")

func Example_typedEvents() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()

	_, err := PriceChanged.Trigger(ctx, client, "prices", Price{Cents: 349})
	if err != nil {
		log.Fatal(err)
	}
	price, err := PriceChanged.Decode(server.Events()[0].Data)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(price.Cents)
	// Output: 349
}

func Example_typedEventsMany() {
	ctx := context.Background()
	server, client := startServer()
	defer server.Close()
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		log.Fatal(err)
	}

	if err := publisher.Publish(ctx, PriceChanged.On("prices", Price{Cents: 349})); err != nil {
		log.Fatal(err)
	}

	if err := publisher.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Events()[0].Data)
	// Output: {"cents":349}
}

// Typing is an event that browsers send to each other.
type Typing struct {
	On bool `json:"on"`
}

var ClientTyping = pusher.DefineEvent[Typing]("client-typing")

func Example_typedEventsWebhook() {
	client, err := pusher.New(pusher.Credentials{AppID: "42", Key: "key", Secret: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	handler := client.WebhookVerifier().Handler(
		func(ctx context.Context, hook *webhook.Webhook) error {
			for _, event := range hook.Events {
				if event, ok := event.(webhook.ClientEvent); ok && event.Event == ClientTyping.Name() {
					typing, err := ClientTyping.Decode(event.Data)
					if err != nil {
						continue // a browser can send anything
					}
					fmt.Println(event.UserID, typing.On)
				}
			}
			return nil
		})

	body := `{"time_ms":1327078148132,"events":[{"name":"client_event","channel":"presence-lobby","event":"client-typing","data":"{\"on\":true}","socket_id":"1.2","user_id":"ada"}]}`
	fmt.Println(postWebhook(handler, "key", "secret", body))
	// Output:
	// ada true
	// 200
}

func Example_observe() {
	ctx := context.Background()

	observer := func(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		if start.Attempt > 0 {
			return ctx, func(pusher.OperationEnd) {} // count operations, not attempts
		}
		return ctx, func(end pusher.OperationEnd) {
			fmt.Println(start.Operation, end.Status, end.Attempts, end.Err)
		}
	}

	server, client := startServer(pusher.WithObserver(observer))
	defer server.Close()
	if _, err := client.Trigger(ctx, "prices", "price-changed", "tea"); err != nil {
		log.Fatal(err)
	}
	// Output: Trigger 200 1 <nil>
}
