package auth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/internal/protocol"
)

const redacted = "[REDACTED]"

// A Member is whom the other members of a presence channel see.
type Member struct {
	// UserID has 1 to 128 characters of UTF-8, none of them a control character.
	UserID string

	// UserInfo is anything that encodes as JSON, and left out when nil. Pusher
	// accepts nothing but an object; other servers accept any value.
	UserInfo any

	// SignedIn makes the member the user who signed in on this connection, with
	// the ID and info of that sign-in; UserID and UserInfo then stay empty. The
	// server refuses the subscription when nobody has signed in.
	SignedIn bool
}

// A ChannelAuthorization lets one connection subscribe to one channel. As JSON
// it is what the client libraries expect. Printed with fmt or logged with slog
// it is [REDACTED], because whoever sees it can use it.
type ChannelAuthorization struct {
	Auth         string `json:"auth"`
	ChannelData  string `json:"channel_data,omitempty"`
	SharedSecret string `json:"shared_secret,omitempty"`
}

// Format keeps the authorization out of everything that fmt prints.
func (ChannelAuthorization) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue keeps the authorization out of logs.
func (ChannelAuthorization) LogValue() slog.Value { return slog.StringValue(redacted) }

// AuthorizePrivate lets the connection with this socket ID subscribe to a
// channel whose name starts with private-. For private-encrypted- it adds the
// channel's key.
//
// The error is [ErrInvalid] for a socket ID that is not digits, a dot, digits,
// and for a channel that is not private or breaks the rule of names, 1 to 200
// characters of a-z A-Z 0-9 _ - = @ , . and ;. It is [ErrConfiguration] for an
// encrypted channel without [WithEncryptionMasterKey].
//
// Source: Pusher Channels docs, Authentication signatures.
func (a *Authorizer) AuthorizePrivate(socketID, channel string) (*ChannelAuthorization, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	if err := checkSubscription(socketID, channel); err != nil {
		return nil, err
	}
	if !protocol.IsPrivate(channel) {
		return nil, invalid(fmt.Errorf("channel %q is not a private channel", channel))
	}
	authorization := &ChannelAuthorization{}
	if protocol.IsEncrypted(channel) {
		if a.masterKey == nil {
			return nil, fmt.Errorf("%w: channel %q needs WithEncryptionMasterKey", ErrConfiguration, channel)
		}
		authorization.SharedSecret = a.masterKey.SharedSecret(channel)
	}
	authorization.Auth = a.signPlain(socketID, channel)
	return authorization, nil
}

// AuthorizePresence lets the connection with this socket ID subscribe, as the
// member, to a channel whose name starts with presence-. The member's data has
// at most 1,024 bytes of JSON, or as many as [WithMaxMemberBytes] says.
//
// The error is [ErrInvalid] for a socket ID that is not digits, a dot, digits,
// for a channel that is not a presence channel or breaks the rule of names (see
// [Authorizer.AuthorizePrivate]), and for a member that breaks a rule of
// [Member], is too large, has no JSON or has text that is not UTF-8.
//
// Source: Pusher Channels docs, Authentication signatures.
func (a *Authorizer) AuthorizePresence(socketID, channel string, member Member) (*ChannelAuthorization, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	if err := checkSubscription(socketID, channel); err != nil {
		return nil, err
	}
	if !protocol.IsPresence(channel) {
		return nil, invalid(fmt.Errorf("channel %q is not a presence channel", channel))
	}
	if err := checkMember(member); err != nil {
		return nil, invalid(err)
	}
	if member.SignedIn {
		return &ChannelAuthorization{Auth: a.signPlain(socketID, channel)}, nil
	}
	text := newStatement(socketID, ":", channel, ":")
	if err := text.encode(memberData{member.UserID, member.UserInfo}, a.maxMemberBytes); err != nil {
		return nil, invalid(fmt.Errorf("member: %w", err))
	}
	return &ChannelAuthorization{Auth: a.sign(text.bytes()), ChannelData: text.data()}, nil
}

type memberData struct {
	UserID   string `json:"user_id"`
	UserInfo any    `json:"user_info,omitempty"`
}

func checkSubscription(socketID, channel string) error {
	if err := protocol.CheckSocketID(socketID); err != nil {
		return invalid(err)
	}
	if err := protocol.CheckChannel(channel); err != nil {
		return invalid(err)
	}
	return nil
}

func checkMember(m Member) error {
	switch id := m.UserID; {
	case m.SignedIn:
		if id != "" || m.UserInfo != nil {
			return errors.New("member is both the signed-in user and a user of its own")
		}
		return nil
	case id == "":
		return errors.New("member's user ID is empty")
	case !utf8.ValidString(id):
		return errors.New("member's user ID is not valid UTF-8")
	case utf8.RuneCountInString(id) > protocol.MaxMemberIDLength:
		return fmt.Errorf("member's user ID has %d characters, at most %d are allowed", utf8.RuneCountInString(id), protocol.MaxMemberIDLength)
	case strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("member's user ID %q has a control character", id)
	}
	return nil
}

func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalid, err) }
