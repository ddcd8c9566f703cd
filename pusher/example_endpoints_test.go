package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

func ExampleChannel_AuthorizePrivate() {
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	authorization, err := client.Channel("private-my_channel").AuthorizePrivate("1234.1234")
	if err != nil {
		log.Fatal(err)
	}
	// As JSON it is what the browser waits for.
	fmt.Println(len(authorization.Auth), "characters")
	// Output: 85 characters
}

func ExampleChannel_AuthorizePresence() {
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}

	authorization, err := client.Channel("presence-my_channel").AuthorizePresence("1234.1234", auth.Member{
		UserID:   "user_id",
		UserInfo: map[string]string{"name": "Ada"}, // optional
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(authorization.ChannelData)
	// Output: {"user_id":"user_id","user_info":{"name":"Ada"}}
}

// The endpoint that browsers ask, complete with reading the request, limits and
// refusals.
func ExampleClient_Authorizer() {
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	currentUser := func(r *http.Request) string { return r.Header.Get("X-User") } // your session

	mux := http.NewServeMux()
	mux.Handle("/pusher/auth", client.Authorizer().ChannelHandler(
		func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			user := currentUser(r)
			if user == "" || request.Channel == "private-admins" {
				return nil, auth.ErrForbidden
			}
			return &auth.Member{UserID: user}, nil
		}))
	mux.Handle("/pusher/user-auth", client.Authorizer().UserHandler(
		func(r *http.Request) (*auth.User, error) {
			user := currentUser(r)
			if user == "" {
				return nil, auth.ErrForbidden
			}
			return &auth.User{ID: user}, nil
		}))

	fmt.Println(ask(mux, "ada", "presence-lobby"), ask(mux, "ada", "private-admins"), ask(mux, "", "presence-lobby"))
	// Output: 200 403 403
}

// ask posts what pusher-js does and returns the status.
func ask(handler http.Handler, user, channel string) int {
	form := url.Values{"socket_id": {"1234.1234"}, "channel_name": {channel}}
	r := httptest.NewRequest(http.MethodPost, "/pusher/auth", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-User", user)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// The gem's webhook example.
func ExampleClient_Webhook() {
	client, err := pusher.NewFromURL("https://key:secret@api-eu.pusher.com/apps/42")
	if err != nil {
		log.Fatal(err)
	}

	handle := func(w http.ResponseWriter, r *http.Request) {
		hook, err := client.Webhook(r)
		if err != nil {
			http.Error(w, "invalid", http.StatusUnauthorized)
			return
		}
		for _, event := range hook.Events {
			switch event := event.(type) {
			case webhook.ChannelOccupied:
				fmt.Println("Channel occupied:", event.Channel)
			case webhook.ChannelVacated:
				fmt.Println("Channel vacated:", event.Channel)
			}
		}
		fmt.Fprint(w, "ok")
	}

	w := httptest.NewRecorder()
	handle(w, delivery("key", "secret", `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"news"},{"name":"channel_vacated","channel":"lobby"}]}`))
	fmt.Println(w.Code, w.Body)
	w = httptest.NewRecorder()
	handle(w, delivery("key", "forged", `{}`))
	fmt.Println(w.Code)
	// Output:
	// Channel occupied: news
	// Channel vacated: lobby
	// 200 ok
	// 401
}

// delivery is a request as Pusher makes it.
func delivery(key, secret, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/pusher/webhook", strings.NewReader(body))
	r.Header = webhook.SignedHeader(webhook.Token{Key: key, Secret: secret}, []byte(body))
	return r
}

func ExampleWithEncryptionMasterKey() {
	client, err := pusher.NewFromEnv(
		pusher.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="), // yours: openssl rand -base64 32
	)
	if err != nil {
		log.Fatal(err)
	}

	authorization, err := client.Channel("private-encrypted-bla").AuthorizePrivate("123.456")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("for subscribers:", authorization.SharedSecret)

	_, err = client.Trigger(context.Background(), "private-encrypted-bla", "secret", "nobody in between can read this")
	fmt.Println(err)
	// Output:
	// for subscribers: nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=
	// <nil>
}

// A key is replaced in three steps. First the new token is added to what receives
// webhooks, then the new credentials are deployed, then the old token goes.
func ExampleClient_Webhooks_rotation() {
	webhooks, err := webhook.NewVerifier(
		webhook.Token{Key: "new-key", Secret: "new-secret"},
		webhook.WithToken(webhook.Token{Key: "old-key", Secret: "old-secret"}),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range []*http.Request{
		delivery("old-key", "old-secret", `{"time_ms":1327078148132,"events":[]}`),
		delivery("new-key", "new-secret", `{"time_ms":1327078148132,"events":[]}`),
		delivery("new-key", "old-secret", `{"time_ms":1327078148132,"events":[]}`),
	} {
		_, err := webhooks.Parse(r)
		fmt.Println(err == nil, errors.Is(err, webhook.ErrSignature))
	}
	// Output:
	// true false
	// true false
	// false true
}

// The whole endpoint: it reads, verifies and answers, and Pusher sends again what
// the function fails on.
func ExampleClient_Webhooks() {
	client, err := pusher.NewFromURL("https://key:secret@api-eu.pusher.com/apps/42")
	if err != nil {
		log.Fatal(err)
	}

	endpoint := client.Webhooks().Handler(func(_ context.Context, hook *webhook.Webhook) error {
		fmt.Println(len(hook.Events), "events")
		return nil
	})

	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, delivery("key", "secret", `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"news"}]}`))
	fmt.Println(w.Code)
	// Output:
	// 1 events
	// 200
}
