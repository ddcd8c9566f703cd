package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
const docsResponse = `{"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}`

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

func TestAuthorizer_ChannelHandler(t *testing.T) {
	tests := []struct {
		name, contentType, body, want string
		member                        *auth.Member
	}{
		{
			"form of pusher-js", formType, "socket_id=1234.1234&channel_name=private-foobar",
			docsResponse, nil,
		},
		{
			"form with a character set and other fields", formType + "; charset=UTF-8", "csrf=1&channel_name=private-foobar&socket_id=1234.1234",
			docsResponse, nil,
		},
		{
			"JSON", jsonType, `{"socket_id":"1234.1234","channel_name":"private-foobar","extra":{"channel_name":"presence-x"}}`,
			docsResponse, nil,
		},
		{
			"private channel, member", formType, "socket_id=1234.1234&channel_name=private-foobar",
			docsResponse, &auth.Member{UserID: "ann"},
		},
		{
			"private channel, data: signature computed with openssl", formType, "socket_id=1234.1234&channel_name=private-foobar",
			`{"auth":"278d425bdf160c739803:61b318f793d75e8552093eca4dd972b2e72b319b87619996297ddad49c12719d","channel_data":"{\"level\":3,\"role\":\"\u003cadmin\u003e\"}"}`,
			&auth.Member{PrivateData: map[string]any{"role": "<admin>", "level": 3}},
		},
		{
			"presence channel: member of pusher-http-python, signature computed with openssl", formType, "socket_id=345.43245&channel_name=presence-channel",
			`{"auth":"278d425bdf160c739803:e302ca06ebdb48454cf1c4475de6807abd3ad425c3e409ffae4796648ebdb567","channel_data":"{\"user_id\":\"fred\",\"user_info\":{\"key\":\"value\"}}"}`,
			&auth.Member{UserID: "fred", UserInfo: map[string]string{"key": "value"}},
		},
		{
			"presence channel, signed-in user: computed with openssl", formType, "socket_id=1234.1234&channel_name=presence-foobar",
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

func TestAuthorizer_ChannelHandler_Rejected(t *testing.T) {
	const private, presence = "socket_id=1.1&channel_name=private-x", "socket_id=1.1&channel_name=presence-x"
	returns := func(member *auth.Member, err error) func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
		return func(*http.Request, auth.ChannelRequest) (*auth.Member, error) { return member, err }
	}
	allow := returns(&auth.Member{UserID: "1"}, nil)
	tests := []struct {
		name, method, contentType, body string
		authorize                       func(*http.Request, auth.ChannelRequest) (*auth.Member, error)
		want                            int
		level, logged                   string
	}{
		{"permission denied", "POST", formType, private, returns(&auth.Member{UserID: "1"}, auth.ErrForbidden), 403, "INFO", "auth: forbidden"},
		{"permission denied with a reason", "POST", formType, private, returns(nil, fmt.Errorf("%w: banned since Tuesday", auth.ErrForbidden)), 403, "INFO", "banned since Tuesday"},
		{"failure of the app", "POST", formType, private, returns(&auth.Member{UserID: "1"}, errors.New("db down")), 500, "ERROR", "authorization failed"},
		{"no member for a presence channel", "POST", formType, presence, returns(nil, nil), 500, "ERROR", "neither a member nor an error"},
		{"invalid member", "POST", formType, presence, returns(&auth.Member{}, nil), 500, "ERROR", "member ID is empty"},
		{"private data for a presence channel", "POST", formType, presence, returns(&auth.Member{UserID: "1", PrivateData: 1}, nil), 500, "ERROR", "PrivateData"},
		{"private data that is too large", "POST", formType, private, returns(&auth.Member{PrivateData: strings.Repeat("x", 1024)}, nil), 500, "ERROR", "1026 bytes"},
		{"no master key", "POST", formType, "socket_id=1.1&channel_name=private-encrypted-x", allow, 500, "ERROR", "WithEncryptionMasterKey"},
		{"invalid channel name", "POST", formType, "socket_id=1.1&channel_name=private-x:", allow, 400, "WARN", "channel name"},
		{"public channel", "POST", formType, "socket_id=1.1&channel_name=x", allow, 400, "WARN", "needs no authorization"},
		{"no socket ID", "POST", formType, "channel_name=private-x", allow, 400, "WARN", "socket_id is missing"},
		{"two socket IDs", "POST", formType, private + "&socket_id=1.1", allow, 400, "WARN", "socket_id is repeated"},
		{"no channel", "POST", formType, "socket_id=1.1", allow, 400, "WARN", "channel_name is missing"},
		{"empty form", "POST", formType, "", allow, 400, "WARN", "body is empty; it may have been read before"},
		{"empty JSON", "POST", jsonType, "", allow, 400, "WARN", "body is empty; it may have been read before"},
		{"GET", "GET", formType, private, allow, 405, "WARN", "method not allowed"},
		{"HEAD", "HEAD", "", "", allow, 405, "WARN", "method not allowed"},
		{"OPTIONS", "OPTIONS", "", "", allow, 405, "WARN", "method not allowed"},
		{"PUT", "PUT", formType, private, allow, 405, "WARN", "method not allowed"},
		{"no content type", "POST", "", private, allow, 415, "WARN", "content type"},
		{"plain text", "POST", "text/plain", private, allow, 415, "WARN", "text/plain"},
		{"multipart form", "POST", "multipart/form-data; boundary=x", private, allow, 415, "WARN", "multipart/form-data"},
		{"form above 16 KiB", "POST", formType, private + "&pad=" + strings.Repeat("x", 16<<10), allow, 413, "WARN", "too large"},
		{"JSON above 16 KiB", "POST", jsonType, `{"pad":"` + strings.Repeat("x", 16<<10), allow, 413, "WARN", "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, log := newLogged(t)
			got := serve(a.ChannelHandler(tt.authorize), tt.method, "/pusher/auth", tt.contentType, tt.body)
			if got.Code != tt.want || got.Body.String() != http.StatusText(tt.want)+"\n" {
				t.Errorf("%s %.60s = %d %q, want %d and its text", tt.method, tt.body, got.Code, got.Body, tt.want)
			}
			if allowed := got.Header().Get("Allow"); (tt.want == 405) != (allowed == "POST") {
				t.Errorf("%s has Allow: %q", tt.method, allowed)
			}
			if value := got.Header().Get("Cache-Control"); value != "no-store" {
				t.Errorf("%s %.60s has Cache-Control: %q, want no-store", tt.method, tt.body, value)
			}
			if !strings.Contains(log.String(), "level="+tt.level) || !strings.Contains(log.String(), tt.logged) || strings.Contains(log.String(), docsKey+":") {
				t.Errorf("log = %s, want level %s, %q and no signature", log, tt.level, tt.logged)
			}
		})
	}
}

func TestAuthorizer_UserHandler(t *testing.T) {
	signedIn := func(*http.Request) (*auth.User, error) { return &auth.User{ID: "12345"}, nil }
	tests := []struct {
		name, body   string
		authenticate func(*http.Request) (*auth.User, error)
		want         int
		response     string
	}{
		{
			"Pusher docs, Authentication signatures", "socket_id=1234.1234", signedIn,
			200, `{"auth":"278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba","user_data":"{\"id\":\"12345\"}"}`,
		},
		{"permission denied", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return &auth.User{ID: "1"}, auth.ErrForbidden }, 403, "Forbidden\n"},
		{"failure of the app", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return &auth.User{ID: "1"}, errors.New("db down") }, 500, "Internal Server Error\n"},
		{"no user", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return nil, nil }, 500, "Internal Server Error\n"},
		{"invalid user", "socket_id=1.1", func(*http.Request) (*auth.User, error) { return &auth.User{}, nil }, 500, "Internal Server Error\n"},
		{"no socket ID", "", signedIn, 400, "Bad Request\n"},
		{"two socket IDs", "socket_id=1.1&socket_id=1.1", signedIn, 400, "Bad Request\n"},
		{"user after socket ID", `socket_id=1.1::user::{"id":"admin"}`, signedIn, 400, "Bad Request\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := newAuthorizer(t, docsKey, docsSecret, quiet).UserHandler(tt.authenticate)
			got := serve(handler, http.MethodPost, "/pusher/user-auth", formType, tt.body)
			if got.Code != tt.want || got.Body.String() != tt.response {
				t.Errorf("POST %s = %d %s, want %d %s", tt.body, got.Code, got.Body, tt.want, tt.response)
			}
		})
	}
}

// The server of net/http logs the panic and closes the connection. Anything written
// before would be an incomplete response.
func TestHandlers_Panic(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret, quiet)
	for name, handler := range map[string]http.Handler{
		"ChannelHandler": a.ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) { panic("callback") }),
		"UserHandler":    a.UserHandler(func(*http.Request) (*auth.User, error) { panic("callback") }),
		"batch": a.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			if request.Channel == "private-y" {
				panic("callback")
			}
			return nil, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			body := "socket_id=1.1&channel_name=private-x"
			if name == "batch" {
				body = "socket_id=1.1&channel_name[0]=private-x&channel_name[1]=private-y"
			}
			request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			request.Header.Set("Content-Type", formType)
			recorder := httptest.NewRecorder()
			defer func() {
				if got := recover(); got != "callback" {
					t.Errorf("ServeHTTP panics with %v, want the panic of the callback", got)
				}
				if recorder.Body.Len() != 0 || len(recorder.Header()) != 0 {
					t.Errorf("response = %v %q, want none", recorder.Header(), recorder.Body)
				}
			}()
			handler.ServeHTTP(recorder, request)
		})
	}
}

func TestHandlers_NilFunction(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret)
	for name, create := range map[string]func(){
		"ChannelHandler": func() { a.ChannelHandler(nil) },
		"UserHandler":    func() { a.UserHandler(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s(nil) does not panic, and would panic for each request", name)
				}
			}()
			create()
		})
	}
}

// Anybody can send these requests, and net/http accepts headers of 1 MiB.
func TestHandlers_LogLength(t *testing.T) {
	const maxLength = 1500
	long := strings.Repeat("x", 900<<10)
	tests := []struct {
		name, method, path, contentType, body string
		want                                  int
	}{
		{"path", http.MethodPost, "/" + long, formType, "", 400},
		{"path of quotes", http.MethodPost, "/" + strings.Repeat(`"`, 900<<10), formType, "", 400},
		{"path of line feeds", http.MethodPost, "/" + strings.Repeat("\n", 900<<10), formType, "", 400},
		{"path of invalid UTF-8", http.MethodPost, "/" + strings.Repeat("\xff", 900<<10), formType, "", 400},
		{"method", long, "/", "", "", 405},
		{"content type", http.MethodPost, "/", "text/" + long, "", 415},
		{"malformed content type", http.MethodPost, "/", long + ";;;", "", 415},
		{"JSON number", http.MethodPost, "/", jsonType, `{"a":` + strings.Repeat("9", 15<<10) + `}`, 400},
		{"JSON text", http.MethodPost, "/", jsonType, long, 413},
		{"JSON name", http.MethodPost, "/", jsonType, `{"` + long[:15<<10] + `"`, 400},
		{"broken escape", http.MethodPost, "/", formType, strings.Repeat("%", 15<<10), 400},
		{"socket ID", http.MethodPost, "/", formType, "channel_name=private-x&socket_id=" + long[:15<<10], 400},
		{"channel", http.MethodPost, "/", formType, "socket_id=1.1&channel_name=" + strings.Repeat("%00", 5<<10), 400},
		{"error of the callback", http.MethodPost, "/", formType, "socket_id=1.1&channel_name=private-x", 500},
		{"batch field", http.MethodPost, "/", formType, "socket_id=1.1&channel_name[" + long[:15<<10] + "]=x", 400},
		{"batch", http.MethodPost, "/", formType, "socket_id=1.1&channel_name[0]=private-x&channel_name[1]=" + long[:15<<10], 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, log := newLogged(t)
			request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
			request.Method, request.URL.Path = tt.method, tt.path
			request.Header.Set("Content-Type", tt.contentType)
			recorder := httptest.NewRecorder()
			a.ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) {
				return nil, errors.New(long)
			}).ServeHTTP(recorder, request)
			if recorder.Code != tt.want {
				t.Errorf("status = %d, want %d", recorder.Code, tt.want)
			}
			lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
			for _, line := range lines {
				if line == "" || len(line) > maxLength || !strings.Contains(line, "msg=\"authorization ") {
					t.Errorf("log line has %d bytes, want 1 to %d: %.2000s", len(line), maxLength, line)
				}
			}
		})
	}
}

func TestHandlers_DefaultLogger(t *testing.T) {
	handler := newAuthorizer(t, docsKey, docsSecret).ChannelHandler(allowAll)
	defer slog.SetDefault(slog.Default())
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	serve(handler, http.MethodPost, "/", formType, "")
	if !strings.Contains(log.String(), "body is empty") {
		t.Errorf("log = %s, want that the logger set after New is used", &log)
	}
}

func TestHandlers_LogIsRedacted(t *testing.T) {
	a, log := newLogged(t)
	const signature = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
	handler := a.UserHandler(func(*http.Request) (*auth.User, error) {
		return nil, errors.New("GET https://user:hunter2@example.com/?auth_signature=" + signature)
	})
	if got := serve(handler, http.MethodPost, "/"+signature, formType, "socket_id=1.1"); got.Code != http.StatusInternalServerError {
		t.Errorf("status = %d, want 500", got.Code)
	}
	if strings.Contains(log.String(), signature) || strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "[REDACTED]") {
		t.Errorf("log = %s, want [REDACTED] instead of signature and password", log.String())
	}
}

func FuzzChannelHandler(f *testing.F) {
	f.Add(http.MethodPost, "/", formType, []byte("socket_id=1.1&channel_name=private-x"))
	f.Add(http.MethodPost, "/", jsonType, []byte(`{"socket_id":"1.1","channel_name":"presence-x"}`))
	f.Add(http.MethodPost, "/", jsonType, []byte(`{"a":[{"b":null}],"a":1`))
	f.Add(http.MethodPost, "/?channel_name=private-x", "text/plain; =", []byte("%"))
	f.Add(http.MethodGet, "/?callback=a&socket_id=1.1&channel_name=private-x", "", []byte(nil))
	f.Add(http.MethodPost, "/", formType, []byte("socket_id=1.1&channel_name[0]=private-x&channel_name[1]=public"))
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
		response, err := io.ReadAll(recorder.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		isBatch := bytes.HasPrefix(response, []byte("{")) && bytes.Contains(response, []byte(`":{"status":`))
		if signed := bytes.Contains(response, []byte(docsKey)); signed && recorder.Code != http.StatusOK || !signed && recorder.Code == http.StatusOK && !isBatch {
			t.Errorf("%s %q %q %q = %d %s", method, target, contentType, body, recorder.Code, response)
		}
		if recorder.Code == http.StatusOK && contentType == jsonType && method == http.MethodPost && !json.Valid(body) {
			t.Errorf("POST %q = 200 %s, want an error because the body is not JSON", body, response)
		}
		if recorder.Code == http.StatusInternalServerError && !bytes.Contains(body, []byte("encrypted")) && !strings.Contains(target, "ncrypted") {
			t.Errorf("%s %q %q %q = 500", method, target, contentType, body)
		}
	})
}
