//go:build interop

package interop_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

// TestAuthorizer_NodeSDKChannels compares authorizations with those of Pusher's library
// for Node.js.
func TestAuthorizer_NodeSDKChannels(t *testing.T) {
	sdk := newNodeSDK(t)
	authorizer := newAuthorizer(t)
	tests := []struct {
		name, socketID, channel string
		data                    string // channel_data, or "" for none
	}{
		{"private channel", "1234.1234", "private-foobar", ""},
		{"all permitted characters", "1234.1234", "private-azAZ09_-=@,.;", ""},
		{"private cache channel", "1.2", "private-cache-room", ""},
		{"encrypted channel", "123.456", "private-encrypted-bla", ""},
		{"encrypted cache channel", "123.456", "private-encrypted-cache-bla", ""},
		{"private channel with data", "1234.1234", "private-foobar", `{"plan":"<pro> & Zoë","list":[1,2.5,null]}`},
		{"encrypted channel with data", "123.456", "private-encrypted-bla", `{"plan":"pro"}`},
		{"member without info", "1234.1234", "presence-foobar", `{"user_id":"10"}`},
		{"member with info", "1234.1234", "presence-foobar", `{"user_id":"10","user_info":{"name":"Mr. Channels"}}`},
		{"HTML characters", "1234.1234", "presence-foobar", `{"user_id":"a&b","user_info":{"html":"<b>&'\"</b>"}}`},
		{"text outside ASCII", "1234.1234", "presence-foobar", `{"user_id":"Zoë","user_info":{"名":"🎈 \u0001"}}`},
		{"line separators, which JavaScript does not escape", "1234.1234", "presence-foobar", "{\"user_id\":\"1\",\"user_info\":{\"text\":\"a\u2028b\u2029\"}}"},
		{"nested info", "1234.1234", "presence-cache-foobar", `{"user_id":"1","user_info":{"z":[1,2.5,null,true,{"a":{}}],"a":""}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want json.RawMessage
			args := []any{test.socketID, test.channel}
			if test.data != "" {
				args = append(args, json.RawMessage(test.data))
			}
			if err := sdk.callMethod(&want, "authorizeChannel", args...); err != nil {
				t.Fatalf("the library's authorizeChannel(%q, %q, %s): %v", test.socketID, test.channel, test.data, err)
			}
			got, err := authorize(t, authorizer, test.socketID, test.channel, test.data)
			if err != nil || normalizeJSON(t, encodeJSON(t, got)) != normalizeJSON(t, string(want)) {
				t.Errorf("authorize socket %q, channel %q, data %s\ngot  %s, %v\nwant %s", test.socketID, test.channel, test.data, encodeJSON(t, got), err, want)
			}
		})
	}
}

// TestAuthorizer_NodeSDKUsers compares user authentications with those of Pusher's
// library for Node.js.
func TestAuthorizer_NodeSDKUsers(t *testing.T) {
	sdk := newNodeSDK(t)
	authorizer := newAuthorizer(t)
	tests := []struct{ name, socketID, data string }{
		{"ID only", "1234.1234", `{"id":"12345"}`},
		{"ID with all permitted characters", "1.2", `{"id":"azAZ09_-=@,.;"}`},
		{"with info", "1234.1234", `{"id":"12345","user_info":{"name":"<Zoë>"}}`},
		{"with a watchlist", "1234.1234", `{"id":"12345","user_info":{},"watchlist":["a","b"]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want json.RawMessage
			if err := sdk.callMethod(&want, "authenticateUser", test.socketID, json.RawMessage(test.data)); err != nil {
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
			got, err := authorizer.AuthenticateUser(test.socketID, auth.User{ID: user.ID, Info: optional(user.UserInfo), Watchlist: user.Watchlist})
			if err != nil || normalizeJSON(t, encodeJSON(t, got)) != normalizeJSON(t, string(want)) {
				t.Errorf("AuthenticateUser(%q, %s)\ngot  %s, %v\nwant %s", test.socketID, test.data, encodeJSON(t, got), err, want)
			}
		})
	}
}

// TestAuthorizer_NodeSDKInvalid has arguments that Pusher's library for Node.js rejects.
func TestAuthorizer_NodeSDKInvalid(t *testing.T) {
	sdk := newNodeSDK(t)
	authorizer := newAuthorizer(t)
	tests := []struct{ name, socketID, channel, data string }{
		{"empty socket ID", "", "private-foobar", ""},
		{"socket ID that contains a user", "1.2::user::", "private-foobar", ""},
		{"socket ID without a dot", "1234", "private-foobar", ""},
		{"empty channel", "1.2", "", ""},
		{"channel that contains a member", "1.2", `presence-room:{"user_id":"admin"}`, ""},
		{"channel that contains a user", "1.2", `:user::{"id":"admin"}`, ""},
		{"channel with a space", "1.2", "private-a b", ""},
		{"channel of 201 characters", "1.2", "private-" + strings.Repeat("a", 193), ""},
		{"channel of a user", "1.2", "#server-to-user-x", ""},
		{"channel outside ASCII", "1.2", "presence-ö", `{"user_id":"1"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := sdk.callMethod(nil, "authorizeChannel", test.socketID, test.channel); err == nil {
				t.Fatalf("the library's authorizeChannel(%q, %q): no error", test.socketID, test.channel)
			}
			if _, err := authorize(t, authorizer, test.socketID, test.channel, test.data); !errors.Is(err, auth.ErrInvalid) {
				t.Errorf("authorize socket %q, channel %q: got %v, want %v", test.socketID, test.channel, err, auth.ErrInvalid)
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

// authorize calls the method for the kind of channel. Data is the JSON of channel_data, or
// empty.
func authorize(t *testing.T, authorizer *auth.Authorizer, socketID, channel, data string) (*auth.ChannelAuthorization, error) {
	t.Helper()
	switch {
	case data == "":
		return authorizer.AuthorizePrivate(socketID, channel)
	case strings.HasPrefix(channel, "private-"):
		return authorizer.AuthorizePrivateData(socketID, channel, json.RawMessage(data))
	}
	var member struct {
		UserID   string          `json:"user_id"`
		UserInfo json.RawMessage `json:"user_info"`
	}
	if err := json.Unmarshal([]byte(data), &member); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	return authorizer.AuthorizePresence(socketID, channel, auth.Member{UserID: member.UserID, UserInfo: optional(member.UserInfo)})
}

// optional returns nil if raw is nil, because a nil json.RawMessage in an interface is
// encoded as null.
func optional(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return raw
}
