package auth

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/redact"
)

// A Member describes a subscriber to the other members of a presence channel. For
// a private channel only PrivateData is used.
type Member struct {
	// UserID is 1 to 128 characters of valid UTF-8 without control characters.
	UserID string

	// UserInfo is a value that encodes as a JSON object, such as a struct or a map. It
	// is omitted if it is nil or encodes as null. Pusher rejects other JSON.
	UserInfo any

	// SignedIn subscribes the user who is signed in on the connection, with the ID
	// and info given to [Authorizer.AuthenticateUser]. UserID and UserInfo must be
	// empty. The server rejects the subscription if no user is signed in.
	SignedIn bool

	// PrivateData is sent to the server with the subscription to a private channel;
	// see [Authorizer.AuthorizePrivateData]. It must be nil for a presence channel.
	// Nil, the default, works on all servers.
	PrivateData any
}

// A ChannelAuthorization allows one connection to subscribe to one channel. Its
// JSON is the response that the client libraries expect. Because anybody who sees
// it can use it, fmt and slog print [REDACTED] instead.
type ChannelAuthorization struct {
	Auth         string `json:"auth"`
	ChannelData  string `json:"channel_data,omitempty"`
	SharedSecret string `json:"shared_secret,omitempty"`
}

// Format implements [fmt.Formatter]. It prints [REDACTED] for every verb.
func (ChannelAuthorization) Format(state fmt.State, verb rune) { redact.Value{}.Format(state, verb) }

// LogValue implements [slog.LogValuer]. It returns [REDACTED].
func (ChannelAuthorization) LogValue() slog.Value { return redact.Value{}.LogValue() }

// AuthorizePrivate allows the connection with the given socket ID to subscribe to
// a channel whose name starts with private-. For a private-encrypted- channel the
// result includes the key of the channel.
//
// AuthorizePrivate returns [ErrInvalid] if the socket ID is not two numbers joined
// by a dot, if the channel is not private, or if its name is not 1 to 200
// characters of a-z A-Z 0-9 _ - = @ , . and ;. It returns [ErrConfiguration] for
// an encrypted channel without [WithEncryptionMasterKey].
//
// Source: Pusher Channels docs, "Authentication signatures".
func (a *Authorizer) AuthorizePrivate(socketID, channel string) (*ChannelAuthorization, error) {
	return a.AuthorizePrivateData(socketID, channel, nil)
}

// AuthorizePrivateData is like [Authorizer.AuthorizePrivate] and also signs data,
// which the client library passes to the server as channel_data. The JSON of data
// is limited to 1,024 bytes or the value of [WithMaxMemberBytes]. If data is nil,
// there is none.
//
// Not every server supports this. The signed text is
// socket_id:channel:channel_data, as for presence channels, which Laravel Reverb,
// package pushertest and the integration tests of pusher-js expect. Soketi leaves
// the data of a private channel out of the text and therefore rejects the
// subscription as wrongly signed.
//
// AuthorizePrivateData returns the errors of AuthorizePrivate, and [ErrInvalid] if
// data is too large, cannot be encoded as JSON or has text that is not valid UTF-8.
func (a *Authorizer) AuthorizePrivateData(socketID, channel string, data any) (*ChannelAuthorization, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := checkSubscription(socketID, channel); err != nil {
		return nil, err
	}
	if !protocol.IsPrivate(channel) {
		return nil, invalid(fmt.Errorf("not a private channel: %q", channel))
	}
	authorization := &ChannelAuthorization{}
	if protocol.IsEncrypted(channel) {
		if a.masterKey == nil {
			return nil, misconfigured(fmt.Errorf("encrypted channel without WithEncryptionMasterKey: %q", channel))
		}
		authorization.SharedSecret = a.masterKey.SharedSecret(channel)
	}
	if data == nil {
		authorization.Auth = a.sign(socketID, ":", channel)
		return authorization, nil
	}
	encoded, err := encodeJSON(data)
	if err == nil {
		authorization.ChannelData, err = a.checkSize(encoded)
	}
	if err != nil {
		return nil, invalid(fmt.Errorf("private data: %w", err))
	}
	authorization.Auth = a.sign(socketID, ":", channel, ":", authorization.ChannelData)
	return authorization, nil
}

// AuthorizePresence allows the connection with the given socket ID to subscribe as
// member to a channel whose name starts with presence-. The JSON of the member is
// limited to 1,024 bytes or the value of [WithMaxMemberBytes].
//
// AuthorizePresence returns [ErrInvalid] if the socket ID or the name of the
// channel is invalid (see [Authorizer.AuthorizePrivate]), if the channel is not a
// presence channel, or if the member breaks a rule of [Member], is too large or has
// text that is not valid UTF-8.
//
// Source: Pusher Channels docs, "Authentication signatures".
func (a *Authorizer) AuthorizePresence(socketID, channel string, member Member) (*ChannelAuthorization, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := checkSubscription(socketID, channel); err != nil {
		return nil, err
	}
	if !protocol.IsPresence(channel) {
		return nil, invalid(fmt.Errorf("not a presence channel: %q", channel))
	}
	if err := checkMember(member); err != nil {
		return nil, invalid(err)
	}
	if member.SignedIn {
		return &ChannelAuthorization{Auth: a.sign(socketID, ":", channel)}, nil
	}
	channelData, err := a.encodeUser(memberData{member.UserID, member.UserInfo})
	if err != nil {
		return nil, invalid(fmt.Errorf("member: %w", err))
	}
	return &ChannelAuthorization{
		Auth:        a.sign(socketID, ":", channel, ":", channelData),
		ChannelData: channelData,
	}, nil
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
	if m.PrivateData != nil {
		return errors.New("member of a presence channel has PrivateData")
	}
	if !m.SignedIn {
		return protocol.CheckMemberID(m.UserID)
	}
	if m.UserID != "" || m.UserInfo != nil {
		return errors.New("member has SignedIn and also UserID or UserInfo")
	}
	return nil
}
