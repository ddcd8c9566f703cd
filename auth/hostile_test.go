package auth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/signing"
)

// hostileChannels are names that no method and no handler signs.
var hostileChannels = []string{
	"",
	".",
	"..",
	"public",
	"cache-x",
	`presence-room:{"user_id":"admin"}`,
	`private-room:{"user_id":"admin"}`,
	`:user::{"id":"admin"}`,
	`private-x::user::{"id":"admin"}`,
	"private-x:",
	":private-x",
	"private-x\n",
	"\nprivate-x",
	"private-x\r\nSet-Cookie: a=b",
	"private-\x00x",
	"private-x y",
	"private-x/../presence-x",
	"private-x%3Apresence-y",
	"private-é",
	"private-\xff",
	"private-\u202ex",
	`private-"x"`,
	"private-<script>",
	"private-[x]",
	"Private-x",
	"PRIVATE-x",
	"Presence-x",
	" private-x",
	"#server-to-user-admin",
	"private",
	"presence",
	"private_x",
	"private-" + strings.Repeat("x", 193),
	"presence-" + strings.Repeat("x", 192),
	strings.Repeat("private-", 10000),
}

var hostileSocketIDs = []string{
	"",
	".",
	"1",
	"1.",
	".1",
	"1.1.1",
	"-1.1",
	"1.1 ",
	" 1.1",
	"1.1\n",
	"1.1\x00",
	"1.1:",
	":1.1",
	"1.1:private-x",
	`1.1::user::{"id":"admin"}`,
	"1e5.1",
	"0x1.1",
	"١.١", // digits, but not of ASCII
	"1.1\xff",
	strings.Repeat("1", 32) + "." + strings.Repeat("1", 32),
}

func TestMethodsRefuseHostileNames(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey))
	refuses := func(t *testing.T, method, socketID, channel string, got any, isNil bool, err error) {
		t.Helper()
		if !isNil || !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("%s(%.80q, %.80q) = %v, %v, want ErrInvalid and nothing signed", method, socketID, channel, got, err)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s(%.80q, %.80q) has an error of %d bytes", method, socketID, channel, len(err.Error()))
		}
	}
	private := func(socketID, channel string) {
		got, err := a.AuthorizePrivate(socketID, channel)
		refuses(t, "AuthorizePrivate", socketID, channel, got, got == nil, err)
	}
	presence := func(socketID, channel string) {
		for _, member := range []auth.Member{{UserID: "1"}, {SignedIn: true}} {
			got, err := a.AuthorizePresence(socketID, channel, member)
			refuses(t, "AuthorizePresence", socketID, channel, got, got == nil, err)
		}
	}
	for _, channel := range hostileChannels {
		private("1.1", channel)
		presence("1.1", channel)
	}
	for _, socketID := range hostileSocketIDs {
		private(socketID, "private-x")
		presence(socketID, "presence-x")
		got, err := a.AuthenticateUser(socketID, auth.User{ID: "1"})
		refuses(t, "AuthenticateUser", socketID, "", got, got == nil, err)
	}
	for _, channel := range []string{"presence-x", "presence-cache-x"} {
		private("1.1", channel)
	}
	for _, channel := range []string{"private-x", "private-cache-x", "private-encrypted-x"} {
		presence("1.1", channel)
	}
}

func TestHandlersRefuseHostileRequests(t *testing.T) {
	type hostile struct{ name, target, contentType, body string }
	form := func(name, body string) hostile { return hostile{name, "/", formType, body} }
	object := func(name, body string) hostile { return hostile{name, "/", jsonType, body} }
	attacks := []hostile{
		form("two channels", "socket_id=1.1&channel_name=private-x&channel_name=presence-x"),
		form("two channels that agree", "socket_id=1.1&channel_name=private-x&channel_name=private-x"),
		form("two sockets", "socket_id=1.1&socket_id=2.2&channel_name=private-x"),
		form("no socket", "channel_name=private-x"),
		form("no fields", ""),
		form("fields in upper case", "SOCKET_ID=1.1&CHANNEL_NAME=private-x"),
		form("fields as lists", "socket_id[]=1.1&channel_name[]=private-x"),
		form("fields divided by semicolons", "socket_id=1.1;channel_name=private-x"),
		form("a broken escape", "socket_id=1.1&channel_name=private-x%zz"),
		{"all fields in the query", "/?socket_id=1.1&channel_name=private-x", formType, ""},
		{"the socket in the query", "/?socket_id=1.1", formType, "channel_name=private-x"},
		{"the channel in the query as well", "/?channel_name=private-x", formType, "socket_id=1.1&channel_name=private-x"},
		{"the socket in the query of JSON as well", "/?socket_id=1.1", jsonType, `{"socket_id":"1.1","channel_name":"private-x"}`},
		{"a query that cannot be read", "/?a;channel_name=private-y", formType, "socket_id=1.1&channel_name=private-x"},
		object("a name twice", `{"socket_id":"1.1","channel_name":"private-x","channel_name":"presence-x"}`),
		object("a socket twice, spelled in two ways", `{"socket_id":"1.1","socket\u005fid":"2.2","channel_name":"private-x"}`),
		object("a socket and a number", `{"socket_id":1.1,"socket_id":"1.1","channel_name":"private-x"}`),
		object("a number for a socket", `{"socket_id":1.1,"channel_name":"private-x"}`),
		object("a list for a channel", `{"socket_id":"1.1","channel_name":["private-x"]}`),
		object("fields in upper case", `{"Socket_ID":"1.1","Channel_Name":"private-x"}`),
		object("null", `null`),
		object("a list", `[{"socket_id":"1.1","channel_name":"private-x"}]`),
		object("two objects", `{"socket_id":"1.1","channel_name":"private-x"}{}`),
		object("an object that does not end", `{"socket_id":"1.1","channel_name":"private-x"`),
		object("a member without value", `{"socket_id":"1.1","channel_name":}`),
		object("a name that is no string", `{"socket_id":"1.1",1:"private-x"}`),
		object("nothing", ``),
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
	handler := a.ChannelHandler(func(_ *http.Request, asked auth.ChannelRequest) (*auth.Member, error) {
		t.Errorf("allow is asked about %+v", asked)
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

// FuzzKinds signs what it can and reads the signed text as a server does. No
// text may mean anything but what its method was asked for.
func FuzzKinds(f *testing.F) {
	for _, channel := range append(hostileChannels, "private-x", "presence-x", "private-encrypted-x") {
		f.Add("1.1", channel, "1", "info")
	}
	for _, socketID := range hostileSocketIDs {
		f.Add(socketID, "private-x", `1","user_id":"admin`, `"}`)
	}
	a := newAuthorizer(f, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey))
	secret := signing.NewSecret(docsSecret)
	f.Fuzz(func(t *testing.T, socketID, channel, id, info string) {
		check := func(method, signature, text string, want claim) {
			t.Helper()
			if !secret.Verify([]byte(text), strings.TrimPrefix(signature, docsKey+":")) {
				t.Fatalf("%s(%q, %q, %q) signed something else than %q", method, socketID, channel, id, text)
			}
			if got := read(text); got != want {
				t.Errorf("%s(%q, %q, %q) signed %q, which a server reads as %+v, want %+v", method, socketID, channel, id, text, got, want)
			}
		}
		if got, err := a.AuthorizePrivate(socketID, channel); err == nil {
			check("AuthorizePrivate", got.Auth, socketID+":"+channel, claim{kind: "plain", socketID: socketID, channel: channel})
		}
		if got, err := a.AuthorizePresence(socketID, channel, auth.Member{UserID: id, UserInfo: info}); err == nil {
			check("AuthorizePresence", got.Auth, socketID+":"+channel+":"+got.ChannelData, claim{"presence", socketID, channel, id})
		}
		if got, err := a.AuthorizePresence(socketID, channel, auth.Member{SignedIn: true}); err == nil {
			check("AuthorizePresence", got.Auth, socketID+":"+channel, claim{kind: "plain", socketID: socketID, channel: channel})
		}
		if got, err := a.AuthenticateUser(socketID, auth.User{ID: id, Info: info, Watchlist: []string{"ann"}}); err == nil {
			check("AuthenticateUser", got.Auth, socketID+"::user::"+got.UserData, claim{kind: "user", socketID: socketID, id: id})
		}
	})
}

// A claim is what a signed text lets its holder do.
type claim struct{ kind, socketID, channel, id string }

func read(text string) claim {
	socketID, rest, _ := strings.Cut(text, ":")
	if data, ok := strings.CutPrefix(rest, ":user::"); ok {
		var user struct {
			ID string `json:"id"`
		}
		if json.Unmarshal([]byte(data), &user) != nil {
			return claim{kind: "user without JSON"}
		}
		return claim{kind: "user", socketID: socketID, id: user.ID}
	}
	channel, data, ok := strings.Cut(rest, ":")
	if !ok {
		return claim{kind: "plain", socketID: socketID, channel: channel}
	}
	var member struct {
		UserID string `json:"user_id"`
	}
	if json.Unmarshal([]byte(data), &member) != nil {
		return claim{kind: "presence without JSON"}
	}
	return claim{"presence", socketID, channel, member.UserID}
}
