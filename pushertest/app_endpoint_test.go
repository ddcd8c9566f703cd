package pushertest_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pushertest"
)

// newApp returns an app like those of the users of package auth. A request with the
// cookie session=ada is ada's. She may subscribe to every channel except
// private-secret.
func newApp(t testing.TB, s *pushertest.Server) http.Handler {
	t.Helper()
	authorizer, err := auth.New(s.App().Key, s.App().Secret, auth.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="),
		auth.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	isAda := func(r *http.Request) bool {
		session, err := r.Cookie("session")
		return err == nil && session.Value == "ada"
	}
	mux := http.NewServeMux()
	mux.Handle("POST /pusher/auth", authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		if !isAda(r) || request.Channel == "private-secret" {
			return nil, auth.ErrForbidden
		}
		return &auth.Member{UserID: "ada"}, nil
	}))
	mux.Handle("POST /pusher/user-auth", authorizer.UserHandler(func(r *http.Request) (*auth.User, error) {
		if !isAda(r) {
			return nil, auth.ErrForbidden
		}
		return &auth.User{ID: "ada"}, nil
	}))
	return mux
}

// asAda returns the header of ada's requests.
func asAda() pushertest.SubscribeOption {
	return pushertest.WithRequestHeader(http.Header{"Cookie": {"session=ada"}})
}

func TestWithAuthorizer(t *testing.T) {
	s := newListeningServer(t)
	app := newApp(t, s)
	listening := httptest.NewServer(app)
	defer listening.Close()
	for name, opt := range map[string]pushertest.SubscribeOption{
		"handler": pushertest.WithAuthorizer(app),
		"URL":     pushertest.WithAuthEndpoint(listening.URL + "/pusher/auth"),
	} {
		for _, channel := range []string{"public", "private-x"} {
			t.Run(name+"/"+channel, func(t *testing.T) {
				sub := join(t, s, channel, opt, asAda())
				trigger(t, s, `{"name":"n","channel":"`+channel+`","data":"d"}`)
				checkDeliveries(t, sub, pushertest.Delivery{Channel: channel, Name: "n", Data: "d"})
			})
		}
		t.Run(name+"/presence-x", func(t *testing.T) {
			sub := join(t, s, "presence-x", opt, asAda())
			defer sub.Close()
			checkGet(t, s, channels+"/presence-x/users", `{"users":[{"id":"ada"}]}`)
		})
		t.Run(name+"/rejected", func(t *testing.T) {
			_, err := s.Subscribe(t.Context(), "private-secret", opt, asAda())
			checkRejected(t, err, http.StatusForbidden, "Forbidden\n", "authorization rejected by the app: status 403: Forbidden")
		})
	}
}

// The data is encrypted as in TestDecrypt.
func TestWithAuthorizer_EncryptedChannel(t *testing.T) {
	s := newListeningServer(t)
	sub := join(t, s, "private-encrypted-bla", pushertest.WithAuthorizer(newApp(t, s)), asAda())
	trigger(t, s, `{"name":"n","channel":"private-encrypted-bla","data":`+quote(encryptedForBla())+`}`)
	checkDeliveries(t, sub, pushertest.Delivery{Channel: "private-encrypted-bla", Name: "n", Data: `{"hello":"world"}`})
}

func TestWithAuthenticator(t *testing.T) {
	s := newListeningServer(t)
	app := newApp(t, s)
	listening := httptest.NewServer(app)
	defer listening.Close()
	for name, opt := range map[string]pushertest.SubscribeOption{
		"handler": pushertest.WithAuthenticator(app),
		"URL":     pushertest.WithUserAuthEndpoint(listening.URL + "/pusher/user-auth"),
	} {
		t.Run(name, func(t *testing.T) {
			sub := join(t, s, "#server-to-user-ada", opt, asAda())
			trigger(t, s, `{"name":"n","channel":"#server-to-user-ada","data":"d"}`)
			checkDeliveries(t, sub, pushertest.Delivery{Channel: "#server-to-user-ada", Name: "n", Data: "d"})
			_, err := s.Subscribe(t.Context(), "public", opt)
			checkRejected(t, err, http.StatusForbidden, "Forbidden\n", "authorization rejected by the app: status 403: Forbidden")
		})
	}
}

// Source of the requests: pusher-js 8.6.0, src/runtimes/web/auth/xhr_auth.ts,
// src/core/auth/channel_authorizer.ts and user_authenticator.ts.
func TestWithAuthorizer_Requests(t *testing.T) {
	s := newServer(t)
	var requests []string
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		requests = append(requests, strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), string(body)}, " "))
		if err != nil || r.ContentLength != int64(len(body)) {
			t.Errorf("a body of %d bytes and Content-Length %d, %v", len(body), r.ContentLength, err)
		}
		r.Header.Set("Cookie", "session=ada")
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		newApp(t, s).ServeHTTP(w, r)
	})
	sub := join(t, s, "presence-a@b", pushertest.WithAuthorizer(app), pushertest.WithAuthenticator(app),
		pushertest.WithRequestHeader(http.Header{"authorization": {"Bearer 1"}}))
	const form = " application/x-www-form-urlencoded Bearer 1 "
	want := []string{
		"POST /pusher/user-auth" + form + "socket_id=" + sub.SocketID(),
		"POST /pusher/auth" + form + "channel_name=presence-a%40b&socket_id=" + sub.SocketID(),
	}
	if strings.Join(requests, "\n") != strings.Join(want, "\n") {
		t.Errorf("requests\n%s\nwant\n%s", strings.Join(requests, "\n"), strings.Join(want, "\n"))
	}
}

// Source of the requirements: pusher-js 8.6.0, xhr_auth.ts and encrypted_channel.ts.
func TestWithAuthorizer_InvalidResponses(t *testing.T) {
	tests := []struct {
		name, channel string
		status        int
		body          string
		want          string // "" if the error is not an AuthorizationError
	}{
		{"status 201", "private-x", 201, `{"auth":"a:b"}`, `status 201: {"auth":"a:b"}`},
		{"redirect to the login", "private-x", 302, "", "status 302"},
		{"not JSON", "private-x", 200, "ok", "status 200, the body is not a JSON object of strings: ok"},
		{"channel_data is not a string", "presence-x", 200, `{"auth":"a:b","channel_data":{}}`, "not a JSON object of strings"},
		{"long text", "private-x", 500, strings.Repeat("x", 100_000), "status 500: xxx"},
		{"no shared_secret", "private-encrypted-x", 200, `{"auth":"a:b"}`, "shared_secret has 0 bytes, 32 are required"},
		{"no auth", "private-x", 200, `{}`, ""},
		{"another secret", "private-x", 200, `{"auth":"278d425bdf160c739803:00"}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			_, err := s.Subscribe(t.Context(), test.channel, pushertest.WithAuthorizer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})))
			if test.want == "" {
				if err == nil || !strings.Contains(err.Error(), "nvalid ") {
					t.Errorf("Subscribe() = %v, want the reason of the server", err)
				}
				return
			}
			checkRejected(t, err, test.status, test.body[:min(len(test.body), 64<<10)], test.want)
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes, want it truncated", len(err.Error()))
			}
			checkGet(t, s, channels, `{"channels":{}}`)
		})
	}
}

// Port 1 is reserved: no test listens on it.
func TestWithAuthEndpoint_Unreachable(t *testing.T) {
	_, err := newServer(t).Subscribe(t.Context(), "private-x", pushertest.WithAuthEndpoint("http://user:s3cr3t@127.0.0.1:1/"))
	if err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "requesting the authorization from the app: ") {
		t.Errorf("Subscribe() = %v, want an error without the password", err)
	}
}

func checkRejected(t *testing.T, err error, status int, body, text string) {
	t.Helper()
	var rejected *pushertest.AuthorizationError
	if !errors.As(err, &rejected) || rejected.Status != status || rejected.Body != body || !strings.Contains(err.Error(), text) {
		t.Errorf("Subscribe() = %.500v, want an AuthorizationError with status %d, body %.100q and text %q", err, status, body, text)
	}
}
