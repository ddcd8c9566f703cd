package pushertest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pushertest"
)

// newOrdersApp stands for the app under test: users may subscribe to the channel of
// their orders, and are identified by a token.
func newOrdersApp(server *pushertest.Server) http.Handler {
	authorizer, err := auth.New(server.App().Key, server.App().Secret, auth.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	users := map[string]string{"Bearer token-of-ada": "ada"}
	mux := http.NewServeMux()
	mux.Handle("/pusher/auth", authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		user, known := users[r.Header.Get("Authorization")]
		if !known || request.Channel != "private-orders-"+user {
			return nil, auth.ErrForbidden
		}
		return nil, nil
	}))
	mux.Handle("/pusher/user-auth", authorizer.UserHandler(func(r *http.Request) (*auth.User, error) {
		user, known := users[r.Header.Get("Authorization")]
		if !known {
			return nil, auth.ErrForbidden
		}
		return &auth.User{ID: user}, nil
	}))
	return mux
}

func ExampleWithAuthorizer() {
	ctx := context.Background()
	server := pushertest.NewServer()
	defer server.Close()
	app := newOrdersApp(server)

	ada := pushertest.WithRequestHeader(http.Header{"Authorization": {"Bearer token-of-ada"}})
	for _, channel := range []string{"private-orders-ada", "private-orders-grace"} {
		_, err := server.Subscribe(ctx, channel, pushertest.WithAuthorizer(app), ada)
		fmt.Println(channel, err)
	}
	// Output:
	// private-orders-ada <nil>
	// private-orders-grace pushertest: Subscribe: authorization rejected by the app: status 403: Forbidden
}

func ExampleWithAuthEndpoint() {
	server := pushertest.NewServer()
	defer server.Close()
	app := httptest.NewServer(newOrdersApp(server))
	defer app.Close()

	_, err := server.Subscribe(context.Background(), "private-orders-ada",
		pushertest.WithAuthEndpoint(app.URL+"/pusher/auth"),
		pushertest.WithRequestHeader(http.Header{"Authorization": {"Bearer token-of-ada"}}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithAuthenticator() {
	server := pushertest.NewServer()
	defer server.Close()

	_, err := server.Subscribe(context.Background(), "#server-to-user-ada",
		pushertest.WithAuthenticator(newOrdersApp(server)),
		pushertest.WithRequestHeader(http.Header{"Authorization": {"Bearer token-of-ada"}}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithUserAuthEndpoint() {
	server := pushertest.NewServer()
	defer server.Close()
	app := httptest.NewServer(newOrdersApp(server))
	defer app.Close()

	_, err := server.Subscribe(context.Background(), "lobby", pushertest.WithUserAuthEndpoint(app.URL+"/pusher/user-auth"))
	fmt.Println(err)
	// Output: pushertest: Subscribe: authorization rejected by the app: status 403: Forbidden
}

func ExampleWithRequestHeader() {
	server := pushertest.NewServer()
	defer server.Close()

	session := http.Cookie{Name: "session", Value: "1234"}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Cookie("session"))
		http.Error(w, "session has expired", http.StatusForbidden)
	})
	_, err := server.Subscribe(context.Background(), "private-orders-ada",
		pushertest.WithAuthorizer(app),
		pushertest.WithRequestHeader(http.Header{"Cookie": {session.String()}}))
	fmt.Println(err)
	// Output:
	// session=1234 <nil>
	// pushertest: Subscribe: authorization rejected by the app: status 403: session has expired
}

func ExampleAuthorizationError() {
	server := pushertest.NewServer()
	defer server.Close()

	_, err := server.Subscribe(context.Background(), "private-orders-ada", pushertest.WithAuthorizer(newOrdersApp(server)))
	var rejected *pushertest.AuthorizationError
	if errors.As(err, &rejected) {
		fmt.Printf("%d %q\n", rejected.Status, rejected.Body)
	}
	// Output: 403 "Forbidden\n"
}
