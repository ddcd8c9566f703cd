package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

func TestSocketID(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		want   string
	}{
		{"none", nil, ""},
		{"valid", []string{"1234.5678"}, "1234.5678"},
		{"empty", []string{""}, ""},
		{"undefined, as sent before the connection is established", []string{"undefined"}, ""},
		{"channel after socket ID", []string{"1.1:private-x"}, ""},
		{"two numbers in one value", []string{"1.1, 2.2"}, ""},
		{"repeated", []string{"1.1", "1.1"}, ""},
		{"too long", []string{strings.Repeat("1", 64) + ".1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			for _, value := range tt.values {
				r.Header.Add("X-Socket-ID", value)
			}
			if got := auth.SocketID(r); got != tt.want {
				t.Errorf("SocketID(%q) = %q, want %q", tt.values, got, tt.want)
			}
		})
	}
}

func TestAuthorizer_ChannelHandler_RequestOfCallback(t *testing.T) {
	want := auth.ChannelRequest{SocketID: "1.1", Channel: "private-x"}
	for _, tt := range []struct{ name, contentType, body string }{
		{"form", formType, "socket_id=1.1&channel_name=private-x&token=t"},
		{"JSON", jsonType, `{"socket_id":"1.1","channel_name":"private-x","token":"t"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
				if request != want {
					t.Errorf("ChannelRequest = %+v, want %+v", request, want)
				}
				token := r.PostFormValue("token")
				if tt.contentType == jsonType {
					var body struct{ Token string }
					if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
						t.Errorf("reading the body again: %v", err)
					}
					token = body.Token
				}
				if token != "t" {
					t.Errorf("token = %q, want %q", token, "t")
				}
				return nil, nil
			})
			if got := serve(handler, http.MethodPost, "/", tt.contentType, tt.body); got.Code != http.StatusOK {
				t.Errorf("POST %s = %d, want 200", tt.body, got.Code)
			}
		})
	}
}

// A request that no server has received, such as one of http.NewRequest, can have a nil
// Body. A middleware that parses the form leaves an empty one behind.
func TestAuthorizer_ChannelHandler_Body(t *testing.T) {
	const form = "socket_id=1234.1234&channel_name=private-foobar"
	tests := []struct {
		name, contentType string
		change            func(*http.Request)
		want              int
	}{
		{"nil, form", formType, func(r *http.Request) { r.Body = nil }, http.StatusBadRequest},
		{"nil, JSON", jsonType, func(r *http.Request) { r.Body = nil }, http.StatusBadRequest},
		{"form parsed before", formType, func(r *http.Request) { _ = r.ParseForm() }, http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
			r.Header.Set("Content-Type", tt.contentType)
			tt.change(r)
			a, log := newLogged(t)
			w := httptest.NewRecorder()
			a.ChannelHandler(allowAll).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status = %d, want %d", w.Code, tt.want)
			}
			if tt.want != http.StatusOK && !strings.Contains(log.String(), "body is empty") {
				t.Errorf("log = %s, want that the body is empty", log)
			}
		})
	}
}

func TestAuthorizer_ChannelHandler_HostileRequests(t *testing.T) {
	type hostile struct{ name, target, contentType, body string }
	form := func(name, body string) hostile { return hostile{name, "/", formType, body} }
	object := func(name, body string) hostile { return hostile{name, "/", jsonType, body} }
	attacks := []hostile{
		form("two channels", "socket_id=1.1&channel_name=private-x&channel_name=presence-x"),
		form("two equal channels", "socket_id=1.1&channel_name=private-x&channel_name=private-x"),
		form("two socket IDs", "socket_id=1.1&socket_id=2.2&channel_name=private-x"),
		form("no socket ID", "channel_name=private-x"),
		form("no fields", ""),
		form("fields in upper case", "SOCKET_ID=1.1&CHANNEL_NAME=private-x"),
		form("fields as lists", "socket_id[]=1.1&channel_name[]=private-x"),
		form("fields separated by semicolons", "socket_id=1.1;channel_name=private-x"),
		form("broken escape", "socket_id=1.1&channel_name=private-x%zz"),
		{"all fields in query", "/?socket_id=1.1&channel_name=private-x", formType, ""},
		{"socket ID in query", "/?socket_id=1.1", formType, "channel_name=private-x"},
		{"channel also in query", "/?channel_name=private-x", formType, "socket_id=1.1&channel_name=private-x"},
		{"socket ID of JSON also in query", "/?socket_id=1.1", jsonType, `{"socket_id":"1.1","channel_name":"private-x"}`},
		{"malformed query", "/?a;channel_name=private-y", formType, "socket_id=1.1&channel_name=private-x"},
		{"batch field in query", "/?channel_name[0]=private-y", formType, "socket_id=1.1&channel_name=private-x"},
		object("batch in JSON", `{"socket_id":"1.1","channel_name[0]":"private-x"}`),
		object("batch and channel in JSON", `{"socket_id":"1.1","channel_name":"private-x","channel_name[0]":"private-x"}`),
		object("two channels in JSON", `{"socket_id":"1.1","channel_name":"private-x","channel_name":"presence-x"}`),
		object("two socket IDs, one escaped", `{"socket_id":"1.1","socket\u005fid":"2.2","channel_name":"private-x"}`),
		object("socket ID and number", `{"socket_id":1.1,"socket_id":"1.1","channel_name":"private-x"}`),
		object("number as socket ID", `{"socket_id":1.1,"channel_name":"private-x"}`),
		object("list as channel", `{"socket_id":"1.1","channel_name":["private-x"]}`),
		object("fields in upper case", `{"Socket_ID":"1.1","Channel_Name":"private-x"}`),
		object("null", `null`),
		object("list", `[{"socket_id":"1.1","channel_name":"private-x"}]`),
		object("two objects", `{"socket_id":"1.1","channel_name":"private-x"}{}`),
		object("incomplete object", `{"socket_id":"1.1","channel_name":"private-x"`),
		object("missing value", `{"socket_id":"1.1","channel_name":}`),
		object("number as name", `{"socket_id":"1.1",1:"private-x"}`),
		object("empty body", ``),
	}
	for _, channel := range hostileChannels {
		if len(channel) < 10000 {
			attacks = append(attacks,
				form("channel "+channel, url.Values{"socket_id": {"1.1"}, "channel_name": {channel}}.Encode()),
				object("channel "+channel, `{"socket_id":"1.1","channel_name":`+asJSON(t, channel)+`}`))
		}
	}
	for _, socketID := range hostileSocketIDs {
		attacks = append(attacks,
			form("socket "+socketID, url.Values{"socket_id": {socketID}, "channel_name": {"private-x"}}.Encode()),
			object("socket "+socketID, `{"socket_id":`+asJSON(t, socketID)+`,"channel_name":"private-x"}`))
	}
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey), quiet)
	handler := a.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		t.Errorf("authorize was called with %+v", request)
		return &auth.Member{UserID: "1"}, nil
	})
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			got := serve(handler, http.MethodPost, attack.target, attack.contentType, attack.body)
			if got.Code != http.StatusBadRequest || strings.Contains(got.Body.String(), docsKey) {
				t.Errorf("POST %s %s = %d %s, want 400 and nothing signed", attack.target, attack.body, got.Code, got.Body)
			}
		})
	}
}
