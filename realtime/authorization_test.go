package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

// A fakeApp is the app's server with an endpoint, which responds as the test says.
type fakeApp struct {
	*network
	requests chan *http.Request // with parsed forms
	respond  atomic.Pointer[http.HandlerFunc]
}

func (a *fakeApp) set(respond http.HandlerFunc) { a.respond.Store(&respond) }

// newApp returns an app and options to use its endpoints, on the same network as server.
func newApp(t testing.TB, server *rawServer) (*fakeApp, []realtime.Option) {
	app := &fakeApp{requests: make(chan *http.Request, 1000)}
	app.network = newNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Errorf("parse form: %v", err)
		}
		app.requests <- r
		(*app.respond.Load())(w, r)
	}))
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "app:") {
			return app.dial(ctx, network, address)
		}
		return server.dial(ctx, network, address)
	}
	header := http.Header{"X-Token": {"secret-token"}}
	return app, []realtime.Option{
		realtime.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}),
		realtime.WithAuthEndpoint("http://app/pusher/auth?user=1", header),
		realtime.WithUserAuthEndpoint("http://app/pusher/user-auth", header),
	}
}

func respond(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Source: Pusher Channels docs, "Implementing authorization endpoints".
func TestWithAuthEndpoint(t *testing.T) {
	tests := []struct{ channel, response, want string }{
		{"private-x", `{"auth":"key:signature"}`, `{"channel":"private-x","auth":"key:signature"}`},
		{"private-x", `{"auth":"key:signature","channel_data":"{\"plan\":\"pro\"}"}`, `{"channel":"private-x","auth":"key:signature","channel_data":"{\"plan\":\"pro\"}"}`},
		{"presence-x", `{"auth":"key:signature","channel_data":"{\"user_id\":\"1\"}","more":1}`, `{"channel":"presence-x","auth":"key:signature","channel_data":"{\"user_id\":\"1\"}"}`},
		{"private-encrypted-x", `{"auth":"key:signature","shared_secret":"nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ="}`, `{"channel":"private-encrypted-x","auth":"key:signature"}`},
	}
	for _, tt := range tests {
		t.Run(tt.channel, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				app, opts := newApp(t, server)
				app.set(respond(200, tt.response))
				conn, raw := server.connect(opts...)
				c := startSubscribe(t.Context(), conn, tt.channel)
				if got := raw.expect("pusher:subscribe"); got != tt.want {
					t.Errorf("sent %s, want %s", got, tt.want)
				}
				raw.send(succeeded(tt.channel))
				c.mustSucceed(t)

				request := <-app.requests
				want := url.Values{"socket_id": {raw.id}, "channel_name": {tt.channel}}
				if request.Method != http.MethodPost || request.URL.String() != "/pusher/auth?user=1" || request.PostForm.Encode() != want.Encode() ||
					request.Header.Get("X-Token") != "secret-token" || request.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
					t.Errorf("got %s %s with %v and %v", request.Method, request.URL, request.PostForm, request.Header)
				}
			})
		})
	}
}

// The handlers of package auth and the endpoints' client fit together.
func TestWithAuthEndpoint_Handlers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		app, opts := newApp(t, server)
		authorizer, err := auth.New("278d425bdf160c739803", "7ad3773142a6692b25b8", auth.WithEncryptionMasterKey(masterKey), auth.WithLogger(slog.New(slog.DiscardHandler)))
		noError(t, "auth.New", err)
		mux := http.NewServeMux()
		mux.Handle("/pusher/auth", authorizer.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			if request.Channel == "private-secret" {
				return nil, auth.ErrForbidden
			}
			return &auth.Member{UserID: "bot-7"}, nil
		}))
		mux.Handle("/pusher/user-auth", authorizer.UserHandler(func(*http.Request) (*auth.User, error) { return &auth.User{ID: "bot-7"}, nil }))
		app.set(func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(r.PostForm.Encode()))
			r.Form, r.PostForm = nil, nil
			mux.ServeHTTP(w, r)
		})
		conn, raw := server.connect(opts...)
		for _, name := range []string{"private-x", "presence-x", "private-encrypted-x"} {
			subscribed(t, conn, raw, name)
		}
		_, err = conn.Subscribe(t.Context(), "private-secret")
		if e := wantError(t, err, realtime.ErrForbidden); e.Status != 403 {
			t.Errorf("got %+v", e)
		}
		c := start(func() (*realtime.Channel, error) { return conn.SignIn(t.Context(), auth.User{}) })
		raw.expect("pusher:signin")
		raw.send(`{"event":"pusher:signin_success","data":{"user_data":"{\"id\":\"bot-7\"}"}}`)
		raw.confirm("#server-to-user-bot-7")
		c.mustSucceed(t)
	})
}

// What the endpoint responds decides whether an existing subscription is retried.
func TestWithAuthEndpoint_Errors(t *testing.T) {
	tests := []struct {
		name    string
		respond func(http.ResponseWriter, *http.Request)
		kind    error
		status  int
		message string
	}{
		{"forbidden", respond(403, "Forbidden\n"), realtime.ErrForbidden, 403, "Forbidden"},
		{"not signed in", respond(401, `{"error":"token secret"}`), realtime.ErrForbidden, 401, `{"error":"token secret"}`},
		{"not found", respond(404, ""), realtime.ErrForbidden, 404, ""},
		{"signature in the text", respond(403, "no: key:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"), realtime.ErrForbidden, 403, "no: key:[REDACTED]"},
		{"created", respond(201, `{"auth":"key:signature"}`), realtime.ErrAuthorization, 201, `{"auth":"key:signature"}`},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, realtime.ErrAuthorization, 302, ""},
		{"too many requests", respond(429, "slow down"), realtime.ErrAuthorization, 429, "slow down"},
		{"outage", respond(503, "unavailable"), realtime.ErrAuthorization, 503, "unavailable"},
		{"not JSON", respond(200, "<html>"), realtime.ErrAuthorization, 200, ""},
		{"no auth", respond(200, "{}"), realtime.ErrAuthorization, 0, ""},
		{"too large", respond(200, `{"auth":"`+strings.Repeat("x", 70_000)+`"}`), realtime.ErrAuthorization, 200, ""},
		{"no response", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, realtime.ErrAuthorization, 0, ""},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, realtime.ErrAuthorization, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				server := newRawServer(t)
				app, opts := newApp(t, server)
				app.set(respond(200, `{"auth":"key:signature"}`))
				conn, raw := server.connect(opts...)
				channel := subscribed(t, conn, raw, "private-x")

				app.set(tt.respond)
				began := time.Now()
				_, err := conn.Subscribe(t.Context(), "private-new")
				e := wantError(t, err, tt.kind)
				if e.Status != tt.status || tt.message != "" && e.Message != tt.message || time.Since(began) > 15*time.Second {
					t.Errorf("got %+v after %v", e, time.Since(began))
				}
				if strings.Contains(err.Error(), "user=1") || strings.Contains(err.Error(), "secret-token") {
					t.Errorf("the error has the URL or the header: %v", err)
				}
				server.cut()
				raw = server.accept()
				if tt.kind == realtime.ErrForbidden {
					wantError(t, nextError(t, channel), tt.kind)
					return
				}
				next(t, conn, realtime.KindError)
				app.set(respond(200, `{"auth":"key:signature"}`))
				raw.confirm("private-x")
				next(t, channel, realtime.KindGap)
			})
		})
	}
	t.Run("encrypted channel without key", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			app, opts := newApp(t, server)
			app.set(respond(200, `{"auth":"key:signature"}`))
			conn, _ := server.connect(opts...)
			_, err := conn.Subscribe(t.Context(), "private-encrypted-x")
			wantError(t, err, realtime.ErrAuthorization)
		})
	})
}

// A request that ends with the connection is no response of the endpoint.
func TestWithAuthEndpoint_ConnectionLost(t *testing.T) {
	for range 50 {
		inBubble(t, func(t *testing.T) {
			server := newRawServer(t)
			app, opts := newApp(t, server)
			app.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			conn, _ := server.connect(opts...)
			c := startSubscribe(t.Context(), conn, "private-x")
			<-app.requests
			app.set(respond(200, `{"auth":"key:signature"}`))
			server.cut()
			server.accept().confirm("private-x")
			c.mustSucceed(t)
		})
	}
}

// Reconnecting does not flood the app.
func TestWithAuthEndpoint_Concurrency(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		server := newRawServer(t)
		app, opts := newApp(t, server)
		app.set(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, `{"auth":"key:signature"}`)
		})
		conn, raw := server.connect(opts...)
		began := time.Now()
		var calls []*call
		for n := range 48 {
			calls = append(calls, startSubscribe(t.Context(), conn, fmt.Sprint("private-", n)))
		}
		for range calls {
			raw.send(succeeded(channelOf(t, raw.expect("pusher:subscribe"))))
		}
		for _, c := range calls {
			c.mustSucceed(t)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("48 authorizations of 1s took %v, want 3s with 16 at a time", d)
		}
	})
}

func TestError(t *testing.T) {
	err := &realtime.Error{Kind: realtime.ErrRejected, Op: "Subscribe", Channel: "private-x", Code: 4009, Status: 403, Message: "no", Err: errors.New("cause")}
	const want = "realtime: Subscribe: private-x: rejected by the server: code 4009: status 403: no: cause"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	text, jsonErr := json.Marshal(realtime.Event{Kind: realtime.KindError, Err: err})
	if jsonErr != nil || string(text) != `{"kind":"error","error":"`+want+`"}` {
		t.Errorf("got %s, %v", text, jsonErr)
	}
	if !errors.Is(err, realtime.ErrRejected) || errors.Is(err, realtime.ErrForbidden) || errors.Is(&realtime.Error{}, nil) {
		t.Error("errors.Is does not compare the kind")
	}
}
