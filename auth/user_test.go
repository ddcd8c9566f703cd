package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

func TestAuthorizer_AuthenticateUser(t *testing.T) {
	tests := []struct {
		name, key, secret, socketID string
		user                        auth.User
		want                        auth.UserAuthentication
	}{
		{
			"Pusher docs, Authentication signatures",
			docsKey, docsSecret, "1234.1234", auth.User{ID: "12345"},
			auth.UserAuthentication{Auth: docsKey + ":4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba", UserData: `{"id":"12345"}`},
		},
		{
			"pusher-http-node",
			"f00d", "tofu", "123.456", auth.User{ID: "45678"},
			auth.UserAuthentication{Auth: "f00d:f4b1fdeea7c93e32648c7230e32b172057c5623cace6cfce791c6e7035e0babd", UserData: `{"id":"45678"}`},
		},
		{
			"info and watchlist: computed with openssl",
			docsKey, docsSecret, "1234.1234",
			auth.User{ID: "fred", Info: map[string]string{"name": "Fred"}, Watchlist: []string{"ann", "bob"}},
			auth.UserAuthentication{
				Auth:     docsKey + ":d05317f831ea8fb5d0aff1c6e893cd4605bef4cd3667e8da6565f4aaa00b4adf",
				UserData: `{"id":"fred","user_info":{"name":"Fred"},"watchlist":["ann","bob"]}`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newAuthorizer(t, tt.key, tt.secret).AuthenticateUser(tt.socketID, tt.user)
			if err != nil {
				t.Fatalf("AuthenticateUser(%q, %+.100v) = %v", tt.socketID, tt.user, err)
			}
			if *got != tt.want {
				t.Errorf("AuthenticateUser(%q, %+.100v) = %s, want %s", tt.socketID, tt.user, asJSON(t, got), asJSON(t, tt.want))
			}
		})
	}
}

// The size limit for a user does not apply to the watchlist.
func TestAuthorizer_AuthenticateUser_LongWatchlist(t *testing.T) {
	watchlist := make([]string, 100)
	for i := range watchlist {
		watchlist[i] = strings.Repeat("=@,.;", 39) + "abcd"
	}
	got, err := newAuthorizer(t, docsKey, docsSecret).AuthenticateUser("1.1", auth.User{ID: "1", Watchlist: watchlist})
	if err != nil {
		t.Fatalf("AuthenticateUser with 100 watched users = %v", err)
	}
	var data struct{ Watchlist []string }
	if err := json.Unmarshal([]byte(got.UserData), &data); err != nil || len(data.Watchlist) != 100 || data.Watchlist[99] != watchlist[99] {
		t.Errorf("user data = %s, want 100 watched users (%v)", got.UserData, err)
	}
}

func TestAuthorizer_AuthenticateUser_Invalid(t *testing.T) {
	tests := []struct {
		name, socketID string
		user           auth.User
		want           string
	}{
		{"empty ID", "1.1", auth.User{}, "user ID is empty"},
		{"200 characters", "1.1", auth.User{ID: strings.Repeat("x", 200)}, "200 characters, at most 199"},
		{"space in ID", "1.1", auth.User{ID: "a b"}, "character outside"},
		{"ID is not UTF-8", "1.1", auth.User{ID: "\xff"}, "character outside"},
		{"channel after socket ID", "1.1:presence-x", auth.User{ID: "1"}, "socket ID"},
		{"info is not UTF-8", "1.1", auth.User{ID: "1", Info: "\xff"}, "not valid UTF-8"},
		{"info cannot be encoded", "1.1", auth.User{ID: "1", Info: make(chan int)}, "unsupported type"},
		{"1,025 bytes", "1.1", auth.User{ID: "1", Info: infoOf(1025 + len("user_"))}, "user: JSON has 1025 bytes, at most 1024"},
		{"info is text", "1.1", auth.User{ID: "1", Info: "Ann"}, "user: info does not encode as a JSON object"},
		{"101 watched users", "1.1", auth.User{ID: "1", Watchlist: make([]string, 101)}, "101 users, at most 100"},
		{"empty ID in watchlist", "1.1", auth.User{ID: "1", Watchlist: []string{"ann", ""}}, "watchlist: user ID is empty"},
		{"quotes in watchlist", "1.1", auth.User{ID: "1", Watchlist: []string{`ann"],"id":"admin`}}, "watchlist: user ID"},
	}
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.AuthenticateUser(tt.socketID, tt.user)
			if got != nil || !errors.Is(err, auth.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("AuthenticateUser(%q, %+.100v) = %v, %v, want ErrInvalid with %q", tt.socketID, tt.user, got, err, tt.want)
			}
		})
	}
}
