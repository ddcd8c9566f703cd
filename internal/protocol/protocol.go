// Package protocol holds the rules of the Channels protocol that more than one
// package checks: the kinds of channels, the spelling of names and identifiers,
// and the limits of the HTTP API.
package protocol

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the hosted API. Source: Pusher HTTP API reference and, where the
// reference is silent, what the official SDKs enforce.
const (
	MaxChannels       = 100       // channels of one trigger
	MaxBatch          = 10        // events of one batch
	MaxEventBytes     = 10 * 1024 // data of one event, after encryption
	MaxNameLength     = 200       // characters of a channel or event name
	MaxUserIDLength   = 199       // characters of a signed-in user's ID
	MaxMemberIDLength = 128       // characters of a presence member's user ID
	MaxMemberBytes    = 1024      // channel_data of a presence member, user_data of a user
	MaxWatchlist      = 100       // user IDs on one watchlist
	MaxSocketIDLength = 64        // characters; real ones have about 20
)

// UserChannelPrefix starts the name of the channel that reaches every
// connection of one signed-in user.
const UserChannelPrefix = "#server-to-user-"

const (
	presencePrefix  = "presence-"
	privatePrefix   = "private-"
	encryptedPrefix = "private-encrypted-"
)

// IsPresence tells whether the channel has members.
func IsPresence(channel string) bool { return strings.HasPrefix(channel, presencePrefix) }

// IsPrivate tells whether a subscription needs an authorization without member
// data: private and private encrypted channels, cached or not.
func IsPrivate(channel string) bool { return strings.HasPrefix(channel, privatePrefix) }

// IsEncrypted tells whether the data of its events is encrypted end to end.
func IsEncrypted(channel string) bool { return strings.HasPrefix(channel, encryptedPrefix) }

// IsCache tells whether the channel remembers its last event.
func IsCache(channel string) bool {
	rest := channel
	for _, kind := range []string{encryptedPrefix, privatePrefix, presencePrefix} {
		if after, ok := strings.CutPrefix(channel, kind); ok {
			rest = after
			break
		}
	}
	return strings.HasPrefix(rest, "cache-")
}

// UserChannel is the channel of the signed-in user.
func UserChannel(userID string) string { return UserChannelPrefix + userID }

// CheckChannel returns what is wrong with a channel name that an app may
// choose: 1 to 200 characters of a-z A-Z 0-9 _ - = @ , . ; and neither "." nor
// "..", which a URL path would swallow.
func CheckChannel(name string) error {
	if name == "." || name == ".." {
		return fmt.Errorf("channel name %q would vanish from a URL path", name)
	}
	return checkName("channel name", name, MaxNameLength)
}

// CheckTarget returns what is wrong with the name of a channel to trigger on: one
// that an app may choose, or the channel of a signed-in user.
func CheckTarget(name string) error {
	if userID, ok := strings.CutPrefix(name, UserChannelPrefix); ok {
		return CheckUserID(userID)
	}
	return CheckChannel(name)
}

// CheckUserID returns what is wrong with a user ID: 1 to 199 characters of the
// alphabet of channel names, and neither "." nor "..".
func CheckUserID(id string) error {
	if id == "." || id == ".." {
		return fmt.Errorf("user ID %q would vanish from a URL path", id)
	}
	return checkName("user ID", id, MaxUserIDLength)
}

// CheckEventName returns what is wrong with an event name that an app may
// trigger: 1 to 200 characters of UTF-8 without control characters, outside
// the reserved "pusher" namespace. Production refuses "pusher:x" and
// "pusher-x" alike; a further letter or digit of ASCII makes it another word.
func CheckEventName(name string) error {
	switch {
	case name == "":
		return errors.New("event name is empty")
	case !utf8.ValidString(name):
		return errors.New("event name is not valid UTF-8")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return fmt.Errorf("event name has %d characters, at most %d are allowed", utf8.RuneCountInString(name), MaxNameLength)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("event name %q has a control character", name)
	case IsReserved(name):
		return fmt.Errorf("event name %q is in the reserved pusher namespace", name)
	}
	return nil
}

// IsReserved tells whether the event name is in the pusher namespace, in which
// apps cannot trigger events.
func IsReserved(name string) bool {
	rest, ok := strings.CutPrefix(name, "pusher")
	return ok && (rest == "" || !isAlphanumeric(rest[0]))
}

// CheckSocketID returns what is wrong with a socket ID: digits, a dot, digits.
func CheckSocketID(id string) error {
	whole, fraction, dotted := strings.Cut(id, ".")
	if !dotted || !isDigits(whole) || !isDigits(fraction) {
		return fmt.Errorf("socket ID %q is not digits, a dot, digits", clip(id))
	}
	if len(id) > MaxSocketIDLength {
		return fmt.Errorf("socket ID has %d characters, at most %d are allowed", len(id), MaxSocketIDLength)
	}
	return nil
}

func checkName(what, name string, limit int) error {
	if name == "" {
		return errors.New(what + " is empty")
	}
	if len(name) > limit {
		return fmt.Errorf("%s has %d characters, at most %d are allowed", what, len(name), limit)
	}
	for i := range len(name) {
		if !isNameByte[name[i]] {
			return fmt.Errorf("%s %q has a character outside a-z A-Z 0-9 _ - = @ , . ;", what, name)
		}
	}
	return nil
}

// isNameByte marks the alphabet of names. Every signature and every event looks up
// each byte of a name, which a table does at half the price of a switch.
var isNameByte = func() (marked [256]bool) {
	for c := range marked {
		marked[c] = isAlphanumeric(byte(c))
	}
	for _, c := range []byte("-_=@,.;") {
		marked[c] = true
	}
	return marked
}()

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// clip keeps an error short when its subject is hostile.
func clip(s string) string {
	if len(s) <= MaxSocketIDLength {
		return s
	}
	return s[:MaxSocketIDLength] + "…"
}
