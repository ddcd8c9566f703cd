package protocol_test

import (
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/protocol"
)

func TestChecks(t *testing.T) {
	tests := []struct {
		name  string
		check func(string) error
		value string
		want  string // part of the error, empty for none
	}{
		{"the documentation's channel name with every special character", protocol.CheckChannel, "foo-bar_1234@=,.;", ""},
		{"a channel name of 200 characters", protocol.CheckChannel, strings.Repeat("x", 200), ""},
		{"a channel name of 201 characters", protocol.CheckChannel, strings.Repeat("x", 201), "201 characters"},
		{"an empty channel name", protocol.CheckChannel, "", "empty"},
		{"a dot", protocol.CheckChannel, ".", "vanish"},
		{"two dots", protocol.CheckChannel, "..", "vanish"},
		{"three dots", protocol.CheckChannel, "...", ""},
		{"a colon", protocol.CheckChannel, "a:b", "outside"},
		{"a letter outside ASCII", protocol.CheckChannel, "é", "outside"},
		{"a NUL", protocol.CheckChannel, "a\x00", "outside"},
		{"a user's channel is no channel of the app's", protocol.CheckChannel, "#server-to-user-1", "outside"},
		{"a user's channel is a target", protocol.CheckTarget, "#server-to-user-1", ""},
		{"a user's channel without a user", protocol.CheckTarget, "#server-to-user-", "user ID is empty"},
		{"any channel is a target", protocol.CheckTarget, "presence-x", ""},
		{"a user ID of 199 characters", protocol.CheckUserID, strings.Repeat("u", 199), ""},
		{"a user ID of 200 characters", protocol.CheckUserID, strings.Repeat("u", 200), "200 characters"},
		{"a user ID of two dots", protocol.CheckUserID, "..", "vanish"},
		{"an event name in any script", protocol.CheckEventName, `App\Events\Grüße`, ""},
		{"an event name of 200 characters outside ASCII", protocol.CheckEventName, strings.Repeat("é", 200), ""},
		{"an event name of 201 characters", protocol.CheckEventName, strings.Repeat("é", 201), "201 characters"},
		{"an empty event name", protocol.CheckEventName, "", "empty"},
		{"an event name with a tab", protocol.CheckEventName, "a\tb", "control"},
		{"an event name that is not UTF-8", protocol.CheckEventName, "\xff", "UTF-8"},
		{"the namespace itself", protocol.CheckEventName, "pusher", "reserved"},
		{"the protocol's own events", protocol.CheckEventName, "pusher:ping", "reserved"},
		{"the protocol's internal events", protocol.CheckEventName, "pusher_internal:member_added", "reserved"},
		{"what production refused in pusher-http-ruby#142", protocol.CheckEventName, "pusher-notification", "reserved"},
		{"another word that starts so", protocol.CheckEventName, "pushers-gathered", ""},
		{"a client event", protocol.CheckEventName, "client-typing", ""},
		{"a socket ID", protocol.CheckSocketID, "1234.5678", ""},
		{"a socket ID without a dot", protocol.CheckSocketID, "1234", "digits"},
		{"a socket ID with two dots", protocol.CheckSocketID, "1.2.3", "digits"},
		{"a socket ID that starts with a dot", protocol.CheckSocketID, ".1", "digits"},
		{"a socket ID that ends with a dot", protocol.CheckSocketID, "1.", "digits"},
		{"a socket ID with a line feed", protocol.CheckSocketID, "1.2\n", "digits"},
		{"a socket ID with a sign", protocol.CheckSocketID, "-1.2", "digits"},
		{"a socket ID of 65 digits and a dot", protocol.CheckSocketID, strings.Repeat("1", 64) + ".1", "66 characters"},
		{"a long text as a socket ID", protocol.CheckSocketID, strings.Repeat("x", 1000), "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.check(tt.value)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("check(%.80q) = %v, want an error with %q", tt.value, err, tt.want)
			}
		})
	}
}

func TestKindsOfChannels(t *testing.T) {
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
