package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

var quiet = auth.WithLogger(slog.New(slog.DiscardHandler))

// Source: Pusher docs, Authentication signatures.
const docsAnswer = `{"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}`

func serve(handler http.Handler, method, target, contentType, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func allowAll(*http.Request, auth.ChannelRequest) (*auth.Member, error) { return nil, nil }

func TestChannelHandlerAnswers(t *testing.T) {
	tests := []struct {
		name, contentType, body, want string
		member                        *auth.Member
	}{
		{
			"a form, as pusher-js sends it", formType, "socket_id=1234.1234&channel_name=private-foobar",
			docsAnswer, nil,
		},
		{
			"a form with a character set and fields of the app's own", formType + "; charset=UTF-8", "csrf=1&channel_name=private-foobar&socket_id=1234.1234",
			docsAnswer, nil,
		},
		{
			"JSON", jsonType, `{"socket_id":"1234.1234","channel_name":"private-foobar","extra":{"channel_name":"presence-x"}}`,
			docsAnswer, nil,
		},
		{
			"a member on a private channel says yes and no more", formType, "socket_id=1234.1234&channel_name=private-foobar",
			docsAnswer, &auth.Member{UserID: "ann"},
		},
		{
			"a presence channel: pusher-http-python's member, signature computed with openssl", formType, "socket_id=345.43245&channel_name=presence-channel",
			`{"auth":"278d425bdf160c739803:e302ca06ebdb48454cf1c4475de6807abd3ad425c3e409ffae4796648ebdb567","channel_data":"{\"user_id\":\"fred\",\"user_info\":{\"key\":\"value\"}}"}`,
			&auth.Member{UserID: "fred", UserInfo: map[string]string{"key": "value"}},
		},
		{
			"a presence channel for the signed-in user: computed with openssl", formType, "socket_id=1234.1234&channel_name=presence-foobar",
			`{"auth":"278d425bdf160c739803:71506e66e7fdca106571b8999a849ad34245bc653772e51e0026c1a2475b92ba"}`,
			&auth.Member{SignedIn: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
				return tt.member, nil
			})
			got := serve(handler, http.MethodPost, "/pusher/auth?lang=en", tt.contentType, tt.body)
			if got.Code != http.StatusOK || got.Body.String() != tt.want {
				t.Errorf("POST %s = %d %s, want 200 %s", tt.body, got.Code, got.Body, tt.want)
			}
			for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
				if value := got.Header().Get(name); value != want {
					t.Errorf("POST %s has %s: %q, want %q", tt.body, name, value, want)
				}
			}
		})
	}
}

func TestAllowSeesTheRequest(t *testing.T) {
	want := auth.ChannelRequest{SocketID: "1.1", Channel: "private-x"}
	for _, tt := range []struct{ name, contentType, body string }{
		{"a form", formType, "socket_id=1.1&channel_name=private-x&token=t"},
		{"JSON", jsonType, `{"socket_id":"1.1","channel_name":"private-x","token":"t"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(func(r *http.Request, asked auth.ChannelRequest) (*auth.Member, error) {
				if asked != want {
					t.Errorf("allow is asked about %+v, want %+v", asked, want)
				}
				token := r.PostFormValue("token")
				if tt.contentType == jsonType {
					var body struct{ Token string }
					if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
						t.Errorf("the body cannot be read again: %v", err)
					}
					token = body.Token
				}
				if token != "t" {
					t.Errorf("allow sees the token %q, want %q", token, "t")
				}
				return nil, nil
			})
			if got := serve(handler, http.MethodPost, "/", tt.contentType, tt.body); got.Code != http.StatusOK {
				t.Errorf("POST %s = %d, want 200", tt.body, got.Code)
			}
		})
	}
}

func TestChannelHandlerRefuses(t *testing.T) {
	const ok = "socket_id=1.1&channel_name=private-x"
	no := func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return &auth.Member{UserID: "1"}, errors.New("banned since Tuesday")
	}
	member := func(m auth.Member) func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return func(*http.Request, auth.ChannelRequest) (*auth.Member, error) { return &m, nil }
	}
	tests := []struct {
		name, method, contentType, body string
		allow                           func(*http.Request, auth.ChannelRequest) (*auth.Member, error)
		want                            int
		logged                          string
	}{
		{"allow says no", http.MethodPost, formType, ok, no, 403, "banned since Tuesday"},
		{"no member on a presence channel", http.MethodPost, formType, "socket_id=1.1&channel_name=presence-x", allowAll, 403, "no member and no error"},
		{"a member that breaks a rule", http.MethodPost, formType, "socket_id=1.1&channel_name=presence-x", member(auth.Member{}), 500, "user ID is empty"},
		{"no master key", http.MethodPost, formType, "socket_id=1.1&channel_name=private-encrypted-x", allowAll, 500, "WithEncryptionMasterKey"},
		{"a bad name", http.MethodPost, formType, "socket_id=1.1&channel_name=private-x:", allowAll, 400, "channel name"},
		{"a public channel", http.MethodPost, formType, "socket_id=1.1&channel_name=x", allowAll, 400, "needs no authorization"},
		{"GET", http.MethodGet, formType, ok, allowAll, 405, "method GET"},
		{"HEAD", http.MethodHead, "", "", allowAll, 405, "method HEAD"},
		{"OPTIONS", http.MethodOptions, "", "", allowAll, 405, "method OPTIONS"},
		{"PUT", http.MethodPut, formType, ok, allowAll, 405, "method PUT"},
		{"no content type", http.MethodPost, "", ok, allowAll, 415, "content type"},
		{"plain text", http.MethodPost, "text/plain", ok, allowAll, 415, "text/plain"},
		{"a multipart form", http.MethodPost, "multipart/form-data; boundary=x", ok, allowAll, 415, "multipart/form-data"},
		{"a form above 16 KiB", http.MethodPost, formType, ok + "&pad=" + strings.Repeat("x", 16<<10), allowAll, 413, "too large"},
		{"JSON above 16 KiB", http.MethodPost, jsonType, `{"pad":"` + strings.Repeat("x", 16<<10), allowAll, 413, "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			a := newAuthorizer(t, docsKey, docsSecret, auth.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			got := serve(a.ChannelHandler(tt.allow), tt.method, "/pusher/auth", tt.contentType, tt.body)
			if got.Code != tt.want || got.Body.String() != http.StatusText(tt.want)+"\n" {
				t.Errorf("%s %.60s = %d %q, want %d and its text", tt.method, tt.body, got.Code, got.Body, tt.want)
			}
			if allowed := got.Header().Get("Allow"); (tt.want == 405) != (allowed == "POST") {
				t.Errorf("%s has Allow: %q", tt.method, allowed)
			}
			if value := got.Header().Get("Cache-Control"); value != "no-store" {
				t.Errorf("%s %.60s has Cache-Control: %q, want no-store", tt.method, tt.body, value)
			}
			if !strings.Contains(log.String(), tt.logged) || strings.Contains(log.String(), docsKey+":") {
				t.Errorf("the log says %s, want %q and no signature", log.String(), tt.logged)
			}
			if loud := strings.Contains(log.String(), "level=ERROR"); loud != (tt.want == 500) {
				t.Errorf("the log says %s, want an error for this side's faults and else a warning", log.String())
			}
		})
	}
}

// The server of net/http logs a panic and drops the connection. A handler that
// wrote before would leave half an answer.
func TestPanicOfAllowSignsNothing(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret, quiet)
	for _, handler := range []http.Handler{
		a.ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) { panic("allow") }),
		a.UserHandler(func(*http.Request) (*auth.User, error) { panic("allow") }),
	} {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("socket_id=1.1&channel_name=private-x"))
		request.Header.Set("Content-Type", formType)
		recorder := httptest.NewRecorder()
		func() {
			defer func() {
				if got := recover(); got != "allow" {
					t.Errorf("ServeHTTP panics with %v, want allow's own panic", got)
				}
			}()
			handler.ServeHTTP(recorder, request)
		}()
		if recorder.Body.Len() != 0 || len(recorder.Header()) != 0 {
			t.Errorf("a panicking allow left %v %q", recorder.Header(), recorder.Body)
		}
	}
}

func TestHandlersNeedAllow(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret)
	for name, mount := range map[string]func(){
		"ChannelHandler": func() { a.ChannelHandler(nil) },
		"UserHandler":    func() { a.UserHandler(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s(nil) does not panic, and would do so on each request", name)
				}
			}()
			mount()
		}()
	}
}

func TestUserHandler(t *testing.T) {
	signedIn := func(*http.Request) (*auth.User, error) { return &auth.User{ID: "12345"}, nil }
	tests := []struct {
		name, body string
		allow      func(*http.Request) (*auth.User, error)
		want       int
		answer     string
	}{
		{
			"Pusher docs, Authentication signatures", "socket_id=1234.1234", signedIn,
			200, `{"auth":"278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba","user_data":"{\"id\":\"12345\"}"}`,
		},
		{"allow says no", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return &auth.User{ID: "1"}, auth.ErrForbidden }, 403, "Forbidden\n"},
		{"nobody", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return nil, nil }, 403, "Forbidden\n"},
		{"a user that breaks a rule", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return &auth.User{}, nil }, 500, "Internal Server Error\n"},
		{"no socket", "", signedIn, 400, "Bad Request\n"},
		{"two sockets", "socket_id=1.1&socket_id=1.1", signedIn, 400, "Bad Request\n"},
		{"a socket that is a user", `socket_id=1.1::user::{"id":"admin"}`, signedIn, 400, "Bad Request\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := newAuthorizer(t, docsKey, docsSecret, quiet).UserHandler(tt.allow)
			got := serve(handler, http.MethodPost, "/pusher/user-auth", formType, tt.body)
			if got.Code != tt.want || got.Body.String() != tt.answer {
				t.Errorf("POST %s = %d %s, want %d %s", tt.body, got.Code, got.Body, tt.want, tt.answer)
			}
		})
	}
}

func TestJSONP(t *testing.T) {
	const fields = "&socket_id=1234.1234&channel_name=private-foobar"
	tests := []struct {
		name, query string
		want        int
		callback    string
	}{
		{"a name", "callback=done" + fields, 200, "done"},
		{"a path of names", "callback=$app.on_auth" + fields, 200, "$app.on_auth"},
		{"pusher-js, jsonp_auth.ts", "callback=Pusher.auth_callbacks%5B%271%27%5D" + fields, 200, "Pusher.auth_callbacks['1']"},
		{"128 characters", "callback=" + strings.Repeat("x", 128) + fields, 200, strings.Repeat("x", 128)},
		{"129 characters", "callback=" + strings.Repeat("x", 129) + fields, 400, ""},
		{"no callback", fields, 400, ""},
		{"an empty callback", "callback=" + fields, 400, ""},
		{"two callbacks", "callback=a&callback=b" + fields, 400, ""},
		{"a call", "callback=alert(1)" + fields, 400, ""},
		{"two statements", "callback=a%3Bb" + fields, 400, ""},
		{"markup", "callback=%3Cscript%3E" + fields, 400, ""},
		{"a line end", "callback=a%0A" + fields, 400, ""},
		{"a string for an index", "callback=a%5B%27b%27%5D" + fields, 400, ""},
		{"a digit first", "callback=1a" + fields, 400, ""},
		{"two dots", "callback=a..b" + fields, 400, ""},
		{"letters outside ASCII", "callback=%C3%A9" + fields, 400, ""},
		{"two channels", "callback=done&channel_name=presence-x" + fields, 400, ""},
		{"a channel that is a member", "callback=done&socket_id=1.1&channel_name=presence-x:%7B%22user_id%22:%22admin%22%7D", 400, ""},
	}
	handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(allowAll, auth.WithJSONP())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(handler, http.MethodGet, "/pusher/auth?"+tt.query, "", "")
			answer := "Bad Request\n"
			if tt.want == http.StatusOK {
				answer = "/**/" + tt.callback + "(" + docsAnswer + ");"
			}
			if got.Code != tt.want || got.Body.String() != answer {
				t.Errorf("GET %s = %d %s, want %d %s", tt.query, got.Code, got.Body, tt.want, answer)
			}
			if kind := got.Header().Get("Content-Type"); tt.want == http.StatusOK && kind != "application/javascript; charset=utf-8" {
				t.Errorf("GET %s has Content-Type: %q", tt.query, kind)
			}
			if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("GET %s has headers %v, want nosniff and no-store", tt.query, got.Header())
			}
		})
	}

	if got := serve(handler, http.MethodPost, "/?callback=done", formType, "socket_id=1234.1234&channel_name=private-foobar"); got.Body.String() != docsAnswer {
		t.Errorf("POST with a callback = %d %s, want plain JSON %s", got.Code, got.Body, docsAnswer)
	}
	if got := serve(handler, http.MethodDelete, "/", "", ""); got.Header().Get("Allow") != "GET, POST" {
		t.Errorf("DELETE has Allow: %q, want GET, POST", got.Header().Get("Allow"))
	}
}

// What a member is called must not end the script or the page around it.
func TestJSONPDataIsHarmless(t *testing.T) {
	handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return &auth.Member{UserID: "</script>\u2028"}, nil
	}, auth.WithJSONP())
	got := serve(handler, http.MethodGet, "/?callback=f&socket_id=1.1&channel_name=presence-x", "", "")
	if got.Code != http.StatusOK || strings.ContainsAny(got.Body.String(), "<>\u2028") {
		t.Errorf("GET = %d %s, want a script without <, > and U+2028", got.Code, got.Body)
	}
}

func FuzzChannelHandler(f *testing.F) {
	f.Add(http.MethodPost, "/", formType, []byte("socket_id=1.1&channel_name=private-x"))
	f.Add(http.MethodPost, "/", jsonType, []byte(`{"socket_id":"1.1","channel_name":"presence-x"}`))
	f.Add(http.MethodPost, "/", jsonType, []byte(`{"a":[{"b":null}],"a":1`))
	f.Add(http.MethodPost, "/?channel_name=private-x", "text/plain; =", []byte("%"))
	f.Add(http.MethodGet, "/?callback=a&socket_id=1.1&channel_name=private-x", "", []byte(nil))
	f.Add(http.MethodGet, "/?callback=%00", "", []byte(nil))
	handler := newAuthorizer(f, docsKey, docsSecret, quiet).ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return &auth.Member{UserID: "1"}, nil
	}, auth.WithJSONP())
	f.Fuzz(func(t *testing.T, method, target, contentType string, body []byte) {
		request, err := http.NewRequest(method, target, bytes.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", contentType)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		answer, err := io.ReadAll(recorder.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		if signed := bytes.Contains(answer, []byte(docsKey)); signed != (recorder.Code == http.StatusOK) {
			t.Errorf("%s %q %q %q = %d %s", method, target, contentType, body, recorder.Code, answer)
		}
		if recorder.Code == http.StatusOK && contentType == jsonType && method == http.MethodPost && !json.Valid(body) {
			t.Errorf("POST %q is no JSON and is answered %s", body, answer)
		}
		if recorder.Code == http.StatusInternalServerError && !bytes.Contains(body, []byte("encrypted")) && !strings.Contains(target, "ncrypted") {
			t.Errorf("%s %q %q %q = 500", method, target, contentType, body)
		}
	})
}
