package webhook

import (
	"encoding/json"
	"time"
)

// A Webhook is the content of one verified webhook request.
type Webhook struct {
	// ID identifies the webhook: if Pusher sends it again, it has the same ID. It is the
	// SHA-256 of the key, a line feed and the body in lower-case hexadecimal digits.
	// It is safe to log, unlike the signature.
	ID string

	// Time is when Pusher created the webhook, in UTC with milliseconds.
	Time time.Time

	// Events has one element, or up to 20 if batching is enabled for the app, in the
	// order of the request. A webhook that Pusher retries may arrive after later
	// webhooks.
	Events []Event
}

// An Event is a [ChannelOccupied], [ChannelVacated], [MemberAdded],
// [MemberRemoved], [ClientEvent], [CacheMiss], [SubscriptionCount] or [Unknown]. It
// is a value, never a pointer.
//
// Source: Pusher Channels docs, Webhooks.
type Event interface {
	// EventName returns the name of the event in the webhook, such as "member_added" or
	// "client_event". The name that the sender of a client event has chosen is in
	// [ClientEvent].Event.
	EventName() string

	// ChannelName returns the channel of the event, or "" if an [Unknown] event has no
	// channel.
	ChannelName() string

	event()
}

// ChannelOccupied reports the first subscriber of a channel.
type ChannelOccupied struct {
	Channel string
}

// ChannelVacated reports that the last subscriber left a channel. Pusher sends it
// up to 3 seconds later, and not at all if a subscriber returns in the meantime.
type ChannelVacated struct {
	Channel string
}

// MemberAdded reports that a user joined a presence channel. Further connections
// of the same user are not reported.
type MemberAdded struct {
	Channel string
	UserID  string
}

// MemberRemoved reports that the last connection of a user left a presence
// channel. Pusher sends it up to 3 seconds later, and not at all if the user
// returns in the meantime.
type MemberRemoved struct {
	Channel string
	UserID  string
}

// ClientEvent is an event that a subscriber triggered on a private or presence
// channel. The subscriber controls Event and Data: the signature proves that
// Pusher relayed them, not that they are true.
type ClientEvent struct {
	Channel  string
	Event    string // name with its "client-" prefix
	Data     string // usually JSON; empty if there was none
	SocketID string // connection of the sender
	UserID   string // sender, on presence channels only

	// Err is nil, or wraps [ErrDecrypt] if Data could not be decrypted and is as it
	// was received. That happens on private-encrypted- channels only.
	Err error
}

// CacheMiss reports a subscription to a cache channel that has no event to send.
// Publish one to fill the cache.
type CacheMiss struct {
	Channel string
}

// SubscriptionCount reports the number of subscriptions of a channel. Pusher sends
// it after every change, or every 5 seconds above 100 subscriptions, if the app
// has it enabled, and not for presence channels.
type SubscriptionCount struct {
	Channel string
	Count   int
}

// Unknown is an event that this package has no type for.
type Unknown struct {
	Name string
	Raw  json.RawMessage // the whole event, including its name
}

// The names of the events.
const (
	channelOccupied   = "channel_occupied"
	channelVacated    = "channel_vacated"
	memberAdded       = "member_added"
	memberRemoved     = "member_removed"
	clientEvent       = "client_event"
	cacheMiss         = "cache_miss"
	subscriptionCount = "subscription_count"
)

// EventName returns "channel_occupied".
func (ChannelOccupied) EventName() string { return channelOccupied }

// EventName returns "channel_vacated".
func (ChannelVacated) EventName() string { return channelVacated }

// EventName returns "member_added".
func (MemberAdded) EventName() string { return memberAdded }

// EventName returns "member_removed".
func (MemberRemoved) EventName() string { return memberRemoved }

// EventName returns "client_event".
func (ClientEvent) EventName() string { return clientEvent }

// EventName returns "cache_miss".
func (CacheMiss) EventName() string { return cacheMiss }

// EventName returns "subscription_count".
func (SubscriptionCount) EventName() string { return subscriptionCount }

// EventName returns e.Name.
func (e Unknown) EventName() string { return e.Name }

// ChannelName returns e.Channel.
func (e ChannelOccupied) ChannelName() string { return e.Channel }

// ChannelName returns e.Channel.
func (e ChannelVacated) ChannelName() string { return e.Channel }

// ChannelName returns e.Channel.
func (e MemberAdded) ChannelName() string { return e.Channel }

// ChannelName returns e.Channel.
func (e MemberRemoved) ChannelName() string { return e.Channel }

// ChannelName returns e.Channel.
func (e ClientEvent) ChannelName() string { return e.Channel }

// ChannelName returns e.Channel.
func (e CacheMiss) ChannelName() string { return e.Channel }

// ChannelName returns e.Channel.
func (e SubscriptionCount) ChannelName() string { return e.Channel }

// ChannelName returns the property channel of e.Raw, or "" if e.Raw has no such
// property or it is not a string.
func (e Unknown) ChannelName() string {
	var properties struct {
		Channel any `json:"channel"`
	}
	_ = json.Unmarshal(e.Raw, &properties)
	name, _ := properties.Channel.(string)
	return name
}

func (ChannelOccupied) event()   {}
func (ChannelVacated) event()    {}
func (MemberAdded) event()       {}
func (MemberRemoved) event()     {}
func (ClientEvent) event()       {}
func (CacheMiss) event()         {}
func (SubscriptionCount) event() {}
func (Unknown) event()           {}
