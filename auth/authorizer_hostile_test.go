package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/signing"
)

// hostileChannels are names that no method and no handler may sign.
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
	"١.١", // digits outside ASCII
	"1.1\xff",
	strings.Repeat("1", 32) + "." + strings.Repeat("1", 32),
}

func TestAuthorizer_HostileNames(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey))
	wantInvalid := func(t *testing.T, method, socketID, channel string, got any, isNil bool, err error) {
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
		wantInvalid(t, "AuthorizePrivate", socketID, channel, got, got == nil, err)
		got, err = a.AuthorizePrivateData(socketID, channel, "data")
		wantInvalid(t, "AuthorizePrivateData", socketID, channel, got, got == nil, err)
	}
	presence := func(socketID, channel string) {
		for _, member := range []auth.Member{{UserID: "1"}, {SignedIn: true}} {
			got, err := a.AuthorizePresence(socketID, channel, member)
			wantInvalid(t, "AuthorizePresence", socketID, channel, got, got == nil, err)
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
		wantInvalid(t, "AuthenticateUser", socketID, "", got, got == nil, err)
	}
	for _, channel := range []string{"presence-x", "presence-cache-x"} {
		private("1.1", channel)
	}
	for _, channel := range []string{"private-x", "private-cache-x", "private-encrypted-x"} {
		presence("1.1", channel)
	}
}

// FuzzAuthorizer parses each signed text as a server does. The result must be what
// the called method is for.
func FuzzAuthorizer(f *testing.F) {
	for _, channel := range append(hostileChannels, "private-x", "presence-x", "private-encrypted-x") {
		f.Add("1.1", channel, "1", "info")
	}
	for _, socketID := range hostileSocketIDs {
		f.Add(socketID, "private-x", `1","user_id":"admin`, `"}`)
	}
	a := newAuthorizer(f, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey))
	secret := signing.NewSecret(docsSecret)
	f.Fuzz(func(t *testing.T, socketID, channel, id, info string) {
		check := func(method, signature, text string, want permission) {
			t.Helper()
			if !secret.Verify([]byte(text), strings.TrimPrefix(signature, docsKey+":")) {
				t.Fatalf("%s(%q, %q, %q) did not sign %q", method, socketID, channel, id, text)
			}
			if got := parseSigned(text); got != want {
				t.Errorf("%s(%q, %q, %q) signed %q, which a server parses as %+v, want %+v", method, socketID, channel, id, text, got, want)
			}
		}
		if got, err := a.AuthorizePrivate(socketID, channel); err == nil {
			check("AuthorizePrivate", got.Auth, socketID+":"+channel, permission{kind: "plain", socketID: socketID, channel: channel})
		}
		if got, err := a.AuthorizePrivateData(socketID, channel, map[string]string{"user_id": id}); err == nil {
			check("AuthorizePrivateData", got.Auth, socketID+":"+channel+":"+got.ChannelData, permission{"data", socketID, channel, id})
		}
		if got, err := a.AuthorizePresence(socketID, channel, auth.Member{UserID: id, UserInfo: map[string]string{"name": info}}); err == nil {
			check("AuthorizePresence", got.Auth, socketID+":"+channel+":"+got.ChannelData, permission{"presence", socketID, channel, id})
		}
		if got, err := a.AuthorizePresence(socketID, channel, auth.Member{SignedIn: true}); err == nil {
			check("AuthorizePresence", got.Auth, socketID+":"+channel, permission{kind: "plain", socketID: socketID, channel: channel})
		}
		if got, err := a.AuthenticateUser(socketID, auth.User{ID: id, Info: map[string]string{"name": info}, Watchlist: []string{"ann"}}); err == nil {
			check("AuthenticateUser", got.Auth, socketID+"::user::"+got.UserData, permission{kind: "user", socketID: socketID, id: id})
		}
	})
}

// A permission is what a signed text permits its holder.
type permission struct{ kind, socketID, channel, id string }

func parseSigned(text string) permission {
	socketID, rest, _ := strings.Cut(text, ":")
	if data, ok := strings.CutPrefix(rest, ":user::"); ok {
		var user struct {
			ID string `json:"id"`
		}
		if json.Unmarshal([]byte(data), &user) != nil {
			return permission{kind: "user without JSON"}
		}
		return permission{kind: "user", socketID: socketID, id: user.ID}
	}
	channel, data, ok := strings.Cut(rest, ":")
	if !ok {
		return permission{kind: "plain", socketID: socketID, channel: channel}
	}
	var member struct {
		UserID string `json:"user_id"`
	}
	if json.Unmarshal([]byte(data), &member) != nil {
		return permission{kind: "data without JSON"}
	}
	kind := "data"
	if strings.HasPrefix(channel, "presence-") {
		kind = "presence"
	}
	return permission{kind, socketID, channel, member.UserID}
}
