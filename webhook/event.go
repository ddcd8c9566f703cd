package webhook

import (
	"encoding/json"
	"time"
)

// A Webhook is one verified delivery.
type Webhook struct {
	// Time is when Pusher created the webhook, in UTC, to the millisecond.
	Time time.Time

	// Events are in the order of the delivery: one, or up to 20 when the app has
	// batching on. A delivery that Pusher repeats may arrive after later ones.
	Events []Event
}

// An Event is one of [ChannelOccupied], [ChannelVacated], [MemberAdded],
// [MemberRemoved], [ClientEvent], [CacheMiss], [SubscriptionCount] and [Unknown],
// as values and not as pointers: switch over its type.
//
// Source of all of them: Pusher Channels docs, Webhooks.
type Event interface{ event() }

// ChannelOccupied says that a channel got its first subscriber.
type ChannelOccupied struct {
	Channel string
}

// ChannelVacated says that the last subscriber left a channel. It is sent up to 3
// seconds later, and not at all if one comes back in that time.
type ChannelVacated struct {
	Channel string
}

// MemberAdded says that a user has joined a presence channel, with the first of
// possibly several connections.
type MemberAdded struct {
	Channel string
	UserID  string
}

// MemberRemoved says that a user's last connection left a presence channel. It is
// sent up to 3 seconds later, and not at all if the user comes back in that time.
type MemberRemoved struct {
	Channel string
	UserID  string
}

// ClientEvent is an event that a subscriber sent to a private or presence channel.
// Its content is what the subscriber chose to send: the signature proves that
// Pusher relayed it, not that it is true.
type ClientEvent struct {
	Channel  string
	Event    string // with its "client-" prefix
	Data     string // JSON text as a rule; empty when there was none
	SocketID string // of the sender
	UserID   string // of the sender, on presence channels only

	// Err is nil, or [ErrDecrypt]: then Data is still the encrypted JSON text.
	// It is only ever set on private-encrypted- channels.
	Err error
}

// CacheMiss says that someone subscribed to a cache channel that has no event to
// replay; publishing one fills it.
type CacheMiss struct {
	Channel string
}

// SubscriptionCount says how many subscriptions a channel has. It comes with every
// change, or every 5 seconds above 100 subscribers, if the app has it enabled.
type SubscriptionCount struct {
	Channel string
	Count   int
}

// Unknown is an event that this package has no type for.
type Unknown struct {
	Name string
	Raw  json.RawMessage // the whole event, name included
}

func (ChannelOccupied) event()   {}
func (ChannelVacated) event()    {}
func (MemberAdded) event()       {}
func (MemberRemoved) event()     {}
func (ClientEvent) event()       {}
func (CacheMiss) event()         {}
func (SubscriptionCount) event() {}
func (Unknown) event()           {}
