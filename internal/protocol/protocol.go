// Package protocol has the rules of the Channels protocol that several packages
// check: the kinds of channels, the syntax of names and IDs, and the limits of the
// HTTP API.
package protocol

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of Pusher's hosted service. Source: Pusher HTTP API reference; Pusher
// Channels docs, "Presence channels" and "Authenticating users"; and the official SDKs
// for limits that the documentation does not mention.
const (
	MaxChannels       = 100      // channels of one trigger
	MaxBatch          = 10       // events of one batch
	MaxEventBytes     = 10 << 10 // data of one event, after encryption
	MaxNameLength     = 200      // characters of a channel or event name
	MaxUserIDLength   = 199      // characters of a signed-in user's ID
	MaxMemberIDLength = 128      // characters of a presence member's user ID
	MaxMemberBytes    = 1024     // channel_data of a presence member, user_data of a user
	MaxWatchlist      = 100      // user IDs on one watchlist
	MaxSocketIDLength = 64       // characters; real ones have about 20
)

// UserChannelPrefix is the prefix of the channel for events to all connections of a
// signed-in user.
const UserChannelPrefix = "#server-to-user-"

const (
	presencePrefix  = "presence-"
	privatePrefix   = "private-"
	encryptedPrefix = "private-encrypted-"
)

// IsPresence reports whether the channel is a presence channel, which has members.
func IsPresence(channel string) bool { return strings.HasPrefix(channel, presencePrefix) }

// IsPrivate reports whether a subscription needs an authorization without member
// data. This includes encrypted and cache channels.
func IsPrivate(channel string) bool { return strings.HasPrefix(channel, privatePrefix) }

// IsEncrypted reports whether the data of the channel's events is encrypted end to
// end.
func IsEncrypted(channel string) bool { return strings.HasPrefix(channel, encryptedPrefix) }

// IsCache reports whether the server keeps the last event of the channel.
func IsCache(channel string) bool {
	rest := channel
	for _, prefix := range []string{encryptedPrefix, privatePrefix, presencePrefix} {
		if after, ok := strings.CutPrefix(channel, prefix); ok {
			rest = after
			break
		}
	}
	return strings.HasPrefix(rest, "cache-")
}

// UserChannel returns the name of the channel for events to a signed-in user.
func UserChannel(userID string) string { return UserChannelPrefix + userID }

// CheckChannel returns an error unless name is a valid name for a channel of an app:
// 1 to 200 characters of a-z A-Z 0-9 _ - = @ , . ; and neither "." nor "..", which
// are special in a URL path.
func CheckChannel(name string) error {
	return checkName("channel name", name, MaxNameLength)
}

// CheckTarget returns an error unless name is a valid channel to trigger an event on:
// a channel of the app (see [CheckChannel]) or the channel of a signed-in user.
func CheckTarget(name string) error {
	if userID, ok := strings.CutPrefix(name, UserChannelPrefix); ok {
		return CheckUserID(userID)
	}
	return CheckChannel(name)
}

// CheckUserID returns an error unless id is a valid ID of a signed-in user: 1 to 199
// of the characters allowed in channel names, and neither "." nor "..".
func CheckUserID(id string) error {
	return checkName("user ID", id, MaxUserIDLength)
}

// CheckWatchlist returns an error unless ids is a valid watchlist: at most 100 user
// IDs, each valid according to [CheckUserID].
func CheckWatchlist(ids []string) error {
	if len(ids) > MaxWatchlist {
		return fmt.Errorf("watchlist has %d users, at most %d are allowed", len(ids), MaxWatchlist)
	}
	for _, id := range ids {
		if err := CheckUserID(id); err != nil {
			return fmt.Errorf("watchlist: %w", err)
		}
	}
	return nil
}

// CheckMemberID returns an error unless id is a valid user ID of a presence channel's
// member: 1 to 128 characters, not bytes, of valid UTF-8 without control characters.
//
// Source: Pusher Channels docs, "Presence channels", which give the limit in
// characters.
func CheckMemberID(id string) error {
	return checkText("member ID", id, MaxMemberIDLength)
}

// CheckEventName returns an error unless name is a valid name for an event triggered
// by an app: 1 to 200 characters of valid UTF-8 without control characters, and not
// reserved (see [IsReserved]).
func CheckEventName(name string) error {
	if err := checkText("event name", name, MaxNameLength); err != nil {
		return err
	}
	if IsReserved(name) {
		return fmt.Errorf("event name is in the reserved pusher namespace: %s", quote(name))
	}
	return nil
}

// IsReserved reports whether the event name is in the pusher namespace, in which apps
// cannot trigger events: "pusher" followed by nothing or by anything but an ASCII
// letter or digit. Production rejects "pusher:x" as well as "pusher-x".
func IsReserved(name string) bool {
	rest, ok := strings.CutPrefix(name, "pusher")
	return ok && (rest == "" || !strings.Contains(alphanumeric, rest[:1]))
}

// CheckSocketID returns an error unless id is a valid socket ID: digits, a dot,
// digits, at most 64 characters in total.
func CheckSocketID(id string) error {
	before, after, found := strings.Cut(id, ".")
	if !found || !isNumber(before) || !isNumber(after) {
		return fmt.Errorf("socket ID does not consist of digits, a dot and digits: %s", quote(id))
	}
	if len(id) > MaxSocketIDLength {
		return fmt.Errorf("socket ID has %d characters, at most %d are allowed", len(id), MaxSocketIDLength)
	}
	return nil
}

// checkName checks a name that becomes a part of a URL path.
func checkName(what, name string, maxLength int) error {
	if name == "" {
		return errors.New(what + " is empty")
	}
	if name == "." || name == ".." {
		return fmt.Errorf("%s is special in a URL path: %q", what, name)
	}
	if len(name) > maxLength {
		return fmt.Errorf("%s has %d characters, at most %d are allowed", what, len(name), maxLength)
	}
	for i := range len(name) {
		if !isNameByte[name[i]] {
			return fmt.Errorf("%s has a character outside a-z A-Z 0-9 _ - = @ , . ;: %s", what, quote(name))
		}
	}
	return nil
}

// checkText checks a name that may be in any script.
func checkText(what, text string, maxLength int) error {
	if text == "" {
		return errors.New(what + " is empty")
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s is not valid UTF-8: %s", what, quote(text))
	}
	if n := utf8.RuneCountInString(text); n > maxLength {
		return fmt.Errorf("%s has %d characters, at most %d are allowed", what, n, maxLength)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%s has a control character: %s", what, quote(text))
	}
	return nil
}

const (
	digits       = "0123456789"
	alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// isNameByte reports for each byte whether it is allowed in names. It is a table
// because each byte of each name is checked.
var isNameByte = func() (table [256]bool) {
	for _, c := range []byte(alphanumeric + "-_=@,.;") {
		table[c] = true
	}
	return table
}()

func isNumber(s string) bool { return s != "" && strings.Trim(s, digits) == "" }

// maxQuotedLength limits how many characters of a name appear in an error, because
// names may come from outside.
const maxQuotedLength = 64

// quote returns s in quotes, truncated.
func quote(s string) string {
	truncated := fmt.Sprintf("%.*s", maxQuotedLength, s)
	if len(truncated) < len(s) {
		truncated += "…"
	}
	return strconv.Quote(truncated)
}
