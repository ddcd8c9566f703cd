package auth

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/redact"
)

// A User is the user to sign in on a connection.
type User struct {
	// ID is 1 to 199 characters of a-z A-Z 0-9 _ - = @ , . and ;, because it is part of
	// the name of the channel for events to the user. It must not be "." or "..".
	ID string

	// Info is a value that encodes as a JSON object, such as a struct or a map. It is
	// omitted if it is nil or encodes as null. The members of presence channels
	// receive it.
	Info any

	// Watchlist has the IDs of at most 100 users. The connection is notified when
	// they come online or go offline.
	Watchlist []string
}

// A UserAuthentication signs in one user on one connection. Its JSON is the
// response that the client libraries expect. Because anybody who sees it can use
// it, fmt and slog print [REDACTED] instead.
type UserAuthentication struct {
	Auth     string `json:"auth"`
	UserData string `json:"user_data"`
}

// Format implements [fmt.Formatter]. It prints [REDACTED] for every verb.
func (UserAuthentication) Format(state fmt.State, verb rune) { redact.Value{}.Format(state, verb) }

// LogValue implements [slog.LogValuer]. It returns [REDACTED].
func (UserAuthentication) LogValue() slog.Value { return redact.Value{}.LogValue() }

// AuthenticateUser signs in the user on the connection with the given socket ID.
// The JSON of the user, without the watchlist, is limited to 1,024 bytes or the
// value of [WithMaxMemberBytes].
//
// AuthenticateUser returns [ErrInvalid] if the socket ID is not two numbers joined
// by a dot, or if the user breaks a rule of [User], is too large or has text that is
// not valid UTF-8.
//
// Source: Pusher Channels docs, "Authentication signatures" and "Authenticating
// users".
func (a *Authorizer) AuthenticateUser(socketID string, user User) (*UserAuthentication, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := protocol.CheckSocketID(socketID); err != nil {
		return nil, invalid(err)
	}
	if err := protocol.CheckUserID(user.ID); err != nil {
		return nil, invalid(err)
	}
	if err := protocol.CheckWatchlist(user.Watchlist); err != nil {
		return nil, invalid(err)
	}
	data, err := a.encodeUser(userData{user.ID, user.Info})
	if err != nil {
		return nil, invalid(fmt.Errorf("user: %w", err))
	}
	if len(user.Watchlist) > 0 {
		// Added last because the size limit does not apply to it. User IDs need no
		// escaping.
		data = strings.TrimSuffix(data, "}") + `,"watchlist":["` + strings.Join(user.Watchlist, `","`) + `"]}`
	}
	return &UserAuthentication{Auth: a.sign(socketID, "::user::", data), UserData: data}, nil
}

type userData struct {
	ID   string `json:"id"`
	Info any    `json:"user_info,omitempty"`
}
