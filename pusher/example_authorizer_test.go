package pusher_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
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
	// Encoded as JSON, it is the response that pusher-js expects.
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

// A complete authorization endpoint, which reads and limits the request and rejects
// users.
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

	fmt.Println(postAuth(mux, "ada", "presence-lobby"), postAuth(mux, "ada", "private-admins"), postAuth(mux, "", "presence-lobby"))
	// Output: 200 403 403
}

// postAuth sends the request of pusher-js and returns the status code.
func postAuth(handler http.Handler, user, channel string) int {
	form := url.Values{"socket_id": {"1234.1234"}, "channel_name": {channel}}
	r := httptest.NewRequest(http.MethodPost, "/pusher/auth", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-User", user)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

func ExampleWithEncryptionMasterKey() {
	client, err := pusher.NewFromEnv(
		pusher.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="), // create your own: openssl rand -base64 32
	)
	if err != nil {
		log.Fatal(err)
	}

	authorization, err := client.Channel("private-encrypted-bla").AuthorizePrivate("123.456")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("for subscribers:", authorization.SharedSecret)

	_, err = client.Trigger(context.Background(), "private-encrypted-bla", "secret", "only subscribers can read this")
	fmt.Println(err)
	// Output:
	// for subscribers: nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=
	// <nil>
}
