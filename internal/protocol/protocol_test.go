package protocol_test

import (
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/protocol"
)

type checkTest struct {
	name, value string
	want        string // part of the error, "" if there is none
}

func testCheck(t *testing.T, check func(string) error, tests []checkTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := check(tt.value)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("check(%.80q) = %v, want an error with %q", tt.value, err, tt.want)
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("check(%.80q) = error of %d bytes, want at most 400", tt.value, len(err.Error()))
			}
		})
	}
}

func TestCheckChannel(t *testing.T) {
	testCheck(t, protocol.CheckChannel, []checkTest{
		{"example of the documentation with all special characters", "foo-bar_1234@=,.;", ""},
		{"200 characters", strings.Repeat("x", 200), ""},
		{"201 characters", strings.Repeat("x", 201), "201 characters"},
		{"a megabyte", strings.Repeat("é", 1<<19), "characters"},
		{"200 NULs", strings.Repeat("\x00", 200), "…"},
		{"empty", "", "empty"},
		{"dot", ".", "URL path"},
		{"two dots", "..", "URL path"},
		{"three dots", "...", ""},
		{"colon", "a:b", `: "a:b"`},
		{"non-ASCII letter", "é", "outside"},
		{"NUL", "a\x00", "outside"},
		{"channel of a user", "#server-to-user-1", "outside"},
	})
}

func TestCheckTarget(t *testing.T) {
	testCheck(t, protocol.CheckTarget, []checkTest{
		{"channel of a user", "#server-to-user-1", ""},
		{"channel of a user without ID", "#server-to-user-", "user ID is empty"},
		{"presence channel", "presence-x", ""},
		{"colon", "a:b", "outside"},
	})
}

func TestCheckUserID(t *testing.T) {
	testCheck(t, protocol.CheckUserID, []checkTest{
		{"199 characters", strings.Repeat("u", 199), ""},
		{"200 characters", strings.Repeat("u", 200), "200 characters"},
		{"empty", "", "empty"},
		{"two dots", "..", "URL path"},
		{"space", "a b", "outside"},
	})
}

// Source of the limit: Pusher Channels docs, "Presence channels": 128 characters.
func TestCheckMemberID(t *testing.T) {
	testCheck(t, protocol.CheckMemberID, []checkTest{
		{"one character", "1", ""},
		{"any characters", `Ёлка 🎄 "<a>"`, ""},
		{"70 Cyrillic letters of two bytes", strings.Repeat("ж", 70), ""},
		{"128 characters of four bytes", strings.Repeat("🎄", 128), ""},
		{"129 characters", strings.Repeat("x", 129), "129 characters, at most 128"},
		{"129 characters of two bytes", strings.Repeat("ж", 129), "129 characters, at most 128"},
		{"empty", "", "empty"},
		{"line feed", "a\nb", "control character"},
		{"NUL", "a\x00", "control character"},
		{"C1 control character", "a\u0085", "control character"},
		{"invalid UTF-8", "a\xff", "not valid UTF-8"},
		{"a megabyte of invalid UTF-8", strings.Repeat("\xff", 1<<20), "…"},
	})
}

func TestCheckWatchlist(t *testing.T) {
	check := func(value string) error { return protocol.CheckWatchlist(strings.Split(value, " ")) }
	testCheck(t, check, []checkTest{
		{"one", "ann", ""},
		{"100 users", strings.TrimSuffix(strings.Repeat("u ", 100), " "), ""},
		{"101 users", strings.TrimSuffix(strings.Repeat("u ", 101), " "), "101 users, at most 100"},
		{"empty ID", "ann ", "watchlist: user ID is empty"},
		{"quote", `ann"]`, "watchlist: user ID has a character outside"},
		{"200 characters", strings.Repeat("u", 200), "200 characters, at most 199"},
	})
	if err := protocol.CheckWatchlist(nil); err != nil {
		t.Errorf("CheckWatchlist(nil) = %v, want nil", err)
	}
}

func TestCheckEventName(t *testing.T) {
	testCheck(t, protocol.CheckEventName, []checkTest{
		{"any characters", `App\Events\Grüße`, ""},
		{"200 non-ASCII characters", strings.Repeat("é", 200), ""},
		{"201 characters", strings.Repeat("é", 201), "201 characters"},
		{"empty", "", "empty"},
		{"tab", "a\tb", "control"},
		{"invalid UTF-8", "\xff", "UTF-8"},
		{"namespace", "pusher", "reserved"},
		{"protocol event", "pusher:ping", "reserved"},
		{"internal protocol event", "pusher_internal:member_added", "reserved"},
		{"rejected by production in pusher-http-ruby#142", "pusher-notification", "reserved"},
		{"long reserved name", "pusher:" + strings.Repeat("é", 190), "…"},
		{"other word with the prefix", "pushers-gathered", ""},
		{"digit after the prefix", "pusher2", ""},
		{"client event", "client-typing", ""},
	})
}

func TestCheckSocketID(t *testing.T) {
	testCheck(t, protocol.CheckSocketID, []checkTest{
		{"valid", "1234.5678", ""},
		{"empty", "", "digits"},
		{"no dot", "1234", "digits"},
		{"two dots", "1.2.3", "digits"},
		{"dot at the start", ".1", "digits"},
		{"dot at the end", "1.", "digits"},
		{"line feed", "1.2\n", "digits"},
		{"sign", "-1.2", "digits"},
		{"64 characters", strings.Repeat("1", 62) + ".1", ""},
		{"66 characters", strings.Repeat("1", 64) + ".1", "66 characters"},
		{"long text", strings.Repeat("x", 1000), "…"},
	})
}

func TestChannelKinds(t *testing.T) {
	tests := []struct {
		channel                              string
		private, presence, encrypted, cached bool
	}{
		{channel: "news"},
		{channel: "Private-news"},
		{channel: "#server-to-user-1"},
		{channel: "private-x", private: true},
		{channel: "presence-x", presence: true},
		{channel: "private-encrypted-x", private: true, encrypted: true},
		{channel: "cache-x", cached: true},
		{channel: "private-cache-x", private: true, cached: true},
		{channel: "presence-cache-x", presence: true, cached: true},
		{channel: "private-encrypted-cache-x", private: true, encrypted: true, cached: true},
		{channel: "my-cache-x"},
	}
	for _, tt := range tests {
		t.Run(tt.channel, func(t *testing.T) {
			c := tt.channel
			if protocol.IsPrivate(c) != tt.private || protocol.IsPresence(c) != tt.presence || protocol.IsEncrypted(c) != tt.encrypted || protocol.IsCache(c) != tt.cached {
				t.Errorf("%q: private %t, presence %t, encrypted %t, cache %t; want %+v", c,
					protocol.IsPrivate(c), protocol.IsPresence(c), protocol.IsEncrypted(c), protocol.IsCache(c), tt)
			}
		})
	}
	if got := protocol.UserChannel("7"); got != "#server-to-user-7" {
		t.Errorf("UserChannel(7) = %q", got)
	}
}
