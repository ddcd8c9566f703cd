//go:build interop

package interop_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

func TestAuthorizationsAreThoseOfTheNodeLibrary(t *testing.T) {
	sdk := newSDK(t)
	authorizer := newAuthorizer(t)
	tests := []struct {
		name, socketID, channel string
		data                    string // of the member, "" on a private channel
	}{
		{"a private channel", "1234.1234", "private-foobar", ""},
		{"a name with every character", "1234.1234", "private-azAZ09_-=@,.;", ""},
		{"a private cache channel", "1.2", "private-cache-room", ""},
		{"an encrypted channel", "123.456", "private-encrypted-bla", ""},
		{"an encrypted cache channel", "123.456", "private-encrypted-cache-bla", ""},
		{"a member without info", "1234.1234", "presence-foobar", `{"user_id":"10"}`},
		{"a member with info", "1234.1234", "presence-foobar", `{"user_id":"10","user_info":{"name":"Mr. Channels"}}`},
		{"info that HTML would escape", "1234.1234", "presence-foobar", `{"user_id":"a&b","user_info":{"html":"<b>&'\"</b>"}}`},
		{"text beyond ASCII", "1234.1234", "presence-foobar", `{"user_id":"Zoë","user_info":{"名":"🎈 \u0001"}}`},
		{"line separators, which JavaScript leaves as they are", "1234.1234", "presence-foobar", "{\"user_id\":\"1\",\"user_info\":{\"text\":\"a\u2028b\u2029\"}}"},
		{"nested info", "1234.1234", "presence-cache-foobar", `{"user_id":"1","user_info":{"z":[1,2.5,null,true,{"a":{}}],"a":""}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want json.RawMessage
			args := []any{test.socketID, test.channel}
			if test.data != "" {
				args = append(args, json.RawMessage(test.data))
			}
			if err := sdk.do(&want, "authorizeChannel", args...); err != nil {
				t.Fatalf("the library's authorizeChannel(%q, %q, %s): %v", test.socketID, test.channel, test.data, err)
			}
			got, err := authorize(t, authorizer, test.socketID, test.channel, test.data)
			if err != nil || tidyJSON(t, encode(t, got)) != tidyJSON(t, string(want)) {
				t.Errorf("authorize %q for %q as %s\ngot  %s, %v\nwant %s", test.socketID, test.channel, test.data, encode(t, got), err, want)
			}
		})
	}
}

func TestUserAuthenticationsAreThoseOfTheNodeLibrary(t *testing.T) {
	sdk := newSDK(t)
	authorizer := newAuthorizer(t)
	tests := []struct{ name, socketID, data string }{
		{"an ID alone", "1234.1234", `{"id":"12345"}`},
		{"an ID with every character", "1.2", `{"id":"azAZ09_-=@,.;"}`},
		{"with info", "1234.1234", `{"id":"12345","user_info":{"name":"<Zoë>"}}`},
		{"with a watchlist", "1234.1234", `{"id":"12345","user_info":{},"watchlist":["a","b"]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want json.RawMessage
			if err := sdk.do(&want, "authenticateUser", test.socketID, json.RawMessage(test.data)); err != nil {
				t.Fatalf("the library's authenticateUser(%q, %s): %v", test.socketID, test.data, err)
			}
			var user struct {
				ID        string
				UserInfo  json.RawMessage `json:"user_info"`
				Watchlist []string
			}
			if err := json.Unmarshal([]byte(test.data), &user); err != nil {
				t.Fatal(err)
			}
			got, err := authorizer.AuthenticateUser(test.socketID, auth.User{ID: user.ID, Info: info(user.UserInfo), Watchlist: user.Watchlist})
			if err != nil || tidyJSON(t, encode(t, got)) != tidyJSON(t, string(want)) {
				t.Errorf("AuthenticateUser(%q, %s)\ngot  %s, %v\nwant %s", test.socketID, test.data, encode(t, got), err, want)
			}
		})
	}
}

func TestWhatTheNodeLibraryRefusesToSignIsRefused(t *testing.T) {
	sdk := newSDK(t)
	authorizer := newAuthorizer(t)
	tests := []struct{ name, socketID, channel, data string }{
		{"an empty socket ID", "", "private-foobar", ""},
		{"a socket ID with a user in it", "1.2::user::", "private-foobar", ""},
		{"a socket ID without a dot", "1234", "private-foobar", ""},
		{"an empty channel", "1.2", "", ""},
		{"a channel with a member in it", "1.2", `presence-room:{"user_id":"admin"}`, ""},
		{"a channel with a user in it", "1.2", `:user::{"id":"admin"}`, ""},
		{"a channel with a space", "1.2", "private-a b", ""},
		{"a channel of 201 characters", "1.2", "private-" + strings.Repeat("a", 193), ""},
		{"a user's own channel", "1.2", "#server-to-user-x", ""},
		{"a channel beyond ASCII", "1.2", "presence-ö", `{"user_id":"1"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := sdk.do(nil, "authorizeChannel", test.socketID, test.channel); err == nil {
				t.Fatalf("the library's authorizeChannel(%q, %q): no error", test.socketID, test.channel)
			}
			if _, err := authorize(t, authorizer, test.socketID, test.channel, test.data); !errors.Is(err, auth.ErrInvalid) {
				t.Errorf("authorize %q for %q: got %v, want %v", test.socketID, test.channel, err, auth.ErrInvalid)
			}
		})
	}
}

func newAuthorizer(t *testing.T) *auth.Authorizer {
	t.Helper()
	authorizer, err := auth.New(key, secret, auth.WithEncryptionMasterKey(masterKey))
	if err != nil {
		t.Fatalf("auth.New: %v", err)
	}
	return authorizer
}

// authorize signs for a member if there is data, and else for a private channel.
func authorize(t *testing.T, authorizer *auth.Authorizer, socketID, channel, data string) (*auth.ChannelAuthorization, error) {
	t.Helper()
	if data == "" {
		return authorizer.AuthorizePrivate(socketID, channel)
	}
	var member struct {
		UserID   string          `json:"user_id"`
		UserInfo json.RawMessage `json:"user_info"`
	}
	if err := json.Unmarshal([]byte(data), &member); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	return authorizer.AuthorizePresence(socketID, channel, auth.Member{UserID: member.UserID, UserInfo: info(member.UserInfo)})
}

// info is nil where there is none; a nil json.RawMessage would be null.
func info(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return raw
}
