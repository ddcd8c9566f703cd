package auth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/openchannels/pusher-go/auth"
)

func Example() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /pusher/auth", authorizer.ChannelHandler(authorizeChannel))
	mux.Handle("POST /pusher/user-auth", authorizer.UserHandler(authenticateUser))

	post(mux, "/pusher/auth", "ann", url.Values{"socket_id": {"1234.1234"}, "channel_name": {"private-foobar"}})
	post(mux, "/pusher/auth", "", url.Values{"socket_id": {"1234.1234"}, "channel_name": {"private-foobar"}})
	post(mux, "/pusher/user-auth", "12345", url.Values{"socket_id": {"1234.1234"}})
	// Output:
	// 200 {"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}
	// 403 Forbidden
	// 200 {"auth":"278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba","user_data":"{\"id\":\"12345\"}"}
}

// authorizeChannel lets everybody who is logged in subscribe to every channel.
func authorizeChannel(r *http.Request, _ auth.ChannelRequest) (*auth.Member, error) {
	name := session(r)
	if name == "" {
		return nil, auth.ErrForbidden
	}
	return &auth.Member{UserID: name}, nil
}

func authenticateUser(r *http.Request) (*auth.User, error) {
	name := session(r)
	if name == "" {
		return nil, auth.ErrForbidden
	}
	return &auth.User{ID: name}, nil
}

// session stands for the app's session management.
func session(r *http.Request) string { return r.Header.Get("X-Session") }

func post(handler http.Handler, path, session string, form url.Values) {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Session", session)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	fmt.Println(recorder.Code, strings.TrimSpace(recorder.Body.String()))
}

// Chi accepts an http.Handler. Echo, Gin and similar frameworks have a context with
// the writer and the request, and adapt a handler with echo.WrapHandler or gin.WrapH,
// as wrap does here.
func ExampleAuthorizer_ChannelHandler_frameworks() {
	type context struct {
		writer  http.ResponseWriter
		request *http.Request
	}
	wrap := func(handler http.Handler) func(context) {
		return func(c context) { handler.ServeHTTP(c.writer, c.request) }
	}

	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	routes := map[string]func(context){
		"/pusher/auth": wrap(authorizer.ChannelHandler(authorizeChannel)),
	}

	router := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes[r.URL.Path](context{w, r})
	})
	post(router, "/pusher/auth", "ann", url.Values{"socket_id": {"1234.1234"}, "channel_name": {"private-foobar"}})
	// Output:
	// 200 {"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}
}

func ExampleAuthorizer_ChannelHandler() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		name := session(r)
		switch request.Channel {
		case "private-" + name:
			return nil, nil // a private channel needs no member
		case "presence-lobby":
			return &auth.Member{UserID: name, UserInfo: map[string]string{"name": "Ann"}}, nil
		}
		return nil, auth.ErrForbidden
	})
	for _, channel := range []string{"private-ann", "presence-lobby", "private-bob", `presence-lobby:{"user_id":"admin"}`} {
		post(handler, "/pusher/auth", "ann", url.Values{"socket_id": {"1234.1234"}, "channel_name": {channel}})
	}
	// Output:
	// 200 {"auth":"278d425bdf160c739803:0dff9be98d1c01f786012d42d7da4db64dfa6e4ba5cb671141f0155107704bfd"}
	// 200 {"auth":"278d425bdf160c739803:e6f91ae9966f097a185651bc721d2ca37ab4c5a003fb810897f0228152f40d9b","channel_data":"{\"user_id\":\"ann\",\"user_info\":{\"name\":\"Ann\"}}"}
	// 403 Forbidden
	// 400 Bad Request
}

// The npm package pusher-js-auth authorizes all channels of a page with one request.
func ExampleAuthorizer_ChannelHandler_batch() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8",
		auth.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		if request.Channel != "private-"+session(r) {
			return nil, auth.ErrForbidden
		}
		return nil, nil
	})
	post(handler, "/pusher/auth", "ann", url.Values{
		"socket_id":       {"1234.1234"},
		"channel_name[0]": {"private-ann"},
		"channel_name[1]": {"private-bob"},
	})
	// Output:
	// 200 {"private-ann":{"status":200,"data":{"auth":"278d425bdf160c739803:0dff9be98d1c01f786012d42d7da4db64dfa6e4ba5cb671141f0155107704bfd"}},"private-bob":{"status":403}}
}

func ExampleAuthorizer_UserHandler() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := authorizer.UserHandler(func(r *http.Request) (*auth.User, error) {
		name := session(r)
		if name == "" {
			return nil, auth.ErrForbidden
		}
		return &auth.User{ID: name, Watchlist: []string{"bob"}}, nil
	})
	post(handler, "/pusher/user-auth", "ann", url.Values{"socket_id": {"1234.1234"}})
	post(handler, "/pusher/user-auth", "", url.Values{"socket_id": {"1234.1234"}})
	// Output:
	// 200 {"auth":"278d425bdf160c739803:20a58c8ae07b0d5f90f80dcb1e11ded8ae1470d09839f99d0676720783bbb254","user_data":"{\"id\":\"ann\",\"watchlist\":[\"bob\"]}"}
	// 403 Forbidden
}

func ExampleNew() {
	_, err := auth.New("", "secret", auth.WithMaxMemberBytes(0))
	fmt.Println(errors.Is(err, auth.ErrConfiguration))
	fmt.Println(err)
	// Output:
	// true
	// auth: invalid configuration: the key is empty; WithMaxMemberBytes(0): at least 1 is required
}

func ExampleAuthorizer_AuthorizePrivate() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	authorization, err := authorizer.AuthorizePrivate("1234.1234", "private-foobar")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(authorization.Auth)

	_, err = authorizer.AuthorizePrivate("1234.1234", `presence-foobar:{"user_id":"admin"}`)
	fmt.Println(errors.Is(err, auth.ErrInvalid))
	// Output:
	// 278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4
	// true
}

func ExampleAuthorizer_AuthorizePrivateData() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	data := map[string]any{"role": "<admin>", "level": 3}
	authorization, err := authorizer.AuthorizePrivateData("1234.1234", "private-foobar", data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(authorization.Auth)
	fmt.Println(authorization.ChannelData)
	// Output:
	// 278d425bdf160c739803:61b318f793d75e8552093eca4dd972b2e72b319b87619996297ddad49c12719d
	// {"level":3,"role":"<admin>"}
}

func ExampleAuthorizer_AuthorizePresence() {
	authorizer, err := auth.New("foo", "bar")
	if err != nil {
		fmt.Println(err)
		return
	}
	fred := auth.Member{UserID: "fred", UserInfo: map[string]string{"key": "value"}}
	authorization, err := authorizer.AuthorizePresence("345.43245", "presence-channel", fred)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(authorization.Auth)
	fmt.Println(authorization.ChannelData)
	// Output:
	// foo:e80ba6439492c2113022c39297a87a948de14061cc67b5788e045645a68b8ccd
	// {"user_id":"fred","user_info":{"key":"value"}}
}

func ExampleAuthorizer_AuthenticateUser() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	authentication, err := authorizer.AuthenticateUser("1234.1234", auth.User{ID: "12345"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(authentication.Auth)
	fmt.Println(authentication.UserData)
	// Output:
	// 278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba
	// {"id":"12345"}
}

func ExampleSocketID() {
	r := httptest.NewRequest(http.MethodPost, "/messages", nil)
	r.Header.Set("X-Socket-ID", "1234.5678")
	fmt.Println(auth.SocketID(r))
	// Output: 1234.5678
}

func ExampleWithEncryptionMasterKey() {
	authorizer, err := auth.New("f00d", "tofu",
		auth.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="))
	if err != nil {
		fmt.Println(err)
		return
	}
	authorization, err := authorizer.AuthorizePrivate("123.456", "private-encrypted-bla")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(authorization.SharedSecret)
	// Output: nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=
}

func ExampleWithJSONP() {
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := authorizer.ChannelHandler(func(r *http.Request, _ auth.ChannelRequest) (*auth.Member, error) {
		if r.FormValue("token") != "ann's token" {
			return nil, auth.ErrForbidden
		}
		return nil, nil
	}, auth.WithJSONP())

	query := url.Values{"callback": {"done"}, "token": {"ann's token"}, "socket_id": {"1234.1234"}, "channel_name": {"private-foobar"}}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/pusher/auth?"+query.Encode(), nil))
	fmt.Println(recorder.Body)
	// Output: /**/done({"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"});
}

func ExampleWithMaxMemberBytes() {
	// For a self-hosted server with a higher limit than Pusher.
	authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8", auth.WithMaxMemberBytes(2048))
	if err != nil {
		fmt.Println(err)
		return
	}
	member := auth.Member{UserID: "1", UserInfo: map[string]string{"about": strings.Repeat("x", 1500)}}
	_, err = authorizer.AuthorizePresence("1234.1234", "presence-foobar", member)
	fmt.Println(err)
	// Output: <nil>
}
