package realtime

import (
	"fmt"
	"time"
)

// A Kind is the kind of an [Event].
type Kind uint8

// The kinds of events on a [Channel]. Members are those of presence channels.
const (
	// KindMessage is an event that the app or another client has sent. Its name is
	// Name, its data Data. If a member of a presence channel sent it, UserID is the
	// member's ID.
	KindMessage Kind = iota + 1

	// KindGap means that the connection was interrupted from the time From to the time
	// To. What was sent in between is lost, and the members of a presence channel may
	// be others.
	KindGap

	// KindMemberAdded means that a user has joined. UserID is the user's ID, Data the
	// JSON of the user's info.
	KindMemberAdded

	// KindMemberRemoved means that a user has left. UserID is the user's ID, Data the
	// JSON of the user's info.
	KindMemberRemoved

	// KindSubscriptionCount means that the number of subscriptions is now Count. Servers
	// send it if the app's settings enable it.
	KindSubscriptionCount

	// KindCacheMiss means that a cache channel had no event when it was subscribed.
	KindCacheMiss

	// KindWatchlist means that the users with IDs UserIDs, who are on the watchlist of
	// the signed-in user, are "online" or "offline", which is Name. It occurs on the
	// channel that [Conn.SignIn] returns.
	KindWatchlist
)

// The kinds of events on a [Conn].
const (
	// KindConnected means that the connection is open. Its socket ID is Data.
	KindConnected Kind = iota + 64

	// KindDisconnected means that the connection was lost and why, which is Err. It
	// also follows each failed attempt to connect again.
	KindDisconnected

	// KindError is an error that does not end the connection, which is Err: one that the
	// server has sent, a message that cannot be decoded ([ErrProtocol]), or an
	// authorization that failed and is retried ([ErrAuthorization]).
	KindError
)

var kinds = map[Kind]string{
	KindMessage:           "message",
	KindGap:               "gap",
	KindMemberAdded:       "member_added",
	KindMemberRemoved:     "member_removed",
	KindSubscriptionCount: "subscription_count",
	KindCacheMiss:         "cache_miss",
	KindWatchlist:         "watchlist",
	KindConnected:         "connected",
	KindDisconnected:      "disconnected",
	KindError:             "error",
}

// String returns the kind in lower case, such as "member_added".
func (k Kind) String() string {
	if name, ok := kinds[k]; ok {
		return name
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// MarshalText returns the result of [Kind.String].
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event is what happened on a [Channel], or on a [Conn]. Its Kind says which fields
// it has. It can be encoded as JSON.
type Event struct {
	Kind    Kind   `json:"kind"`
	Channel string `json:"channel,omitempty"` // "" on a Conn
	Name    string `json:"name,omitempty"`    // as in pusher-js; "" for kinds that pusher-js does not have

	// Data is the data of the event as text: JSON in most apps. On encrypted channels
	// it is decrypted. The Decode method of a pusher.EventType decodes it.
	Data string `json:"data,omitempty"`

	UserID  string    `json:"user_id,omitempty"`
	UserIDs []string  `json:"user_ids,omitempty"`
	Count   int       `json:"count,omitempty"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Err     *Error    `json:"error,omitempty"`

	// Dropped is the number of events that were lost before this one, because the
	// buffer was full or because they could not be decrypted.
	Dropped int `json:"dropped,omitempty"`
}

// A Member is a user on a presence channel.
type Member struct {
	ID   string `json:"id"`
	Info string `json:"info,omitempty"` // JSON, or "" if there is none
}
