package auth

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// A User is who signs in on a connection.
type User struct {
	// ID has 1 to 199 characters of a-z A-Z 0-9 _ - = @ , . and ;, because
	// events reach the user through a channel that is named after it. It is
	// neither "." nor "..".
	ID string

	// Info is anything that encodes as JSON, and left out when nil. Members of
	// presence channels see it. Pusher accepts nothing but an object; other
	// servers accept any value.
	Info any

	// Watchlist has the IDs of at most 100 users: the connection is told when
	// they come online and leave.
	Watchlist []string
}

// A UserAuthentication signs one connection in as one user. As JSON it is what
// the client libraries expect. Printed with fmt or logged with slog it is
// [REDACTED], because whoever sees it can use it.
type UserAuthentication struct {
	Auth     string `json:"auth"`
	UserData string `json:"user_data"`
}

// Format keeps the authentication out of everything that fmt prints.
func (UserAuthentication) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue keeps the authentication out of logs.
func (UserAuthentication) LogValue() slog.Value { return slog.StringValue(redacted) }

// AuthenticateUser signs the connection with this socket ID in as the user. The
// user's data, its watchlist not counted, has at most 1,024 bytes of JSON, or as
// many as [WithMaxMemberBytes] says.
//
// The error is [ErrInvalid] for a socket ID that is not digits, a dot, digits,
// and for a user that breaks a rule of [User], is too large, has no JSON or has
// text that is not UTF-8.
//
// Source: Pusher Channels docs, Authentication signatures and Authenticating users.
func (a *Authorizer) AuthenticateUser(socketID string, user User) (*UserAuthentication, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	if err := protocol.CheckSocketID(socketID); err != nil {
		return nil, invalid(err)
	}
	if err := checkUser(user); err != nil {
		return nil, invalid(err)
	}
	text := newStatement(socketID, "::user::")
	if err := text.encode(userData{user.ID, user.Info}, a.maxMemberBytes); err != nil {
		return nil, invalid(fmt.Errorf("user: %w", err))
	}
	text.addWatchlist(user.Watchlist)
	return &UserAuthentication{Auth: a.sign(text.bytes()), UserData: text.data()}, nil
}

type userData struct {
	ID   string `json:"id"`
	Info any    `json:"user_info,omitempty"`
}

func checkUser(u User) error {
	if err := protocol.CheckUserID(u.ID); err != nil {
		return err
	}
	if len(u.Watchlist) > protocol.MaxWatchlist {
		return fmt.Errorf("watchlist has %d users, at most %d are allowed", len(u.Watchlist), protocol.MaxWatchlist)
	}
	for _, id := range u.Watchlist {
		if err := protocol.CheckUserID(id); err != nil {
			return fmt.Errorf("watchlist: %w", err)
		}
	}
	return nil
}
