package pusher

import "github.com/openchannels/pusher-go/gen"

// The models are generated from openapi.yaml. A count that was not asked for, or
// that the channel cannot have, is nil and never 0.
type (
	// TriggerResult is what the server says of the channels of one event.
	TriggerResult = gen.TriggerResult
	// BatchResult is what the server says of the channels of a batch, one entry an
	// event, in order; empty when no event asked.
	BatchResult = gen.BatchResult
	// ChannelCounts are the numbers of users and subscriptions of a channel.
	ChannelCounts = gen.ChannelCounts
	// ChannelList holds the occupied channels by name.
	ChannelList = gen.ChannelList
	// ChannelInfo is the state of one channel.
	ChannelInfo = gen.ChannelInfo
	// CachedEvent is the event that a cache channel remembers.
	CachedEvent = gen.CachedEvent
	// ChannelUserList holds the distinct users on a presence channel.
	ChannelUserList = gen.ChannelUserList
	// ChannelUser is one of them.
	ChannelUser = gen.ChannelUser
	// Attribute is something that can be asked about a channel.
	Attribute = gen.ChannelAttribute
)

// What can be asked about a channel.
const (
	// UserCount is the number of distinct users on a presence channel.
	UserCount = gen.ChannelAttributeUserCount
	// SubscriptionCount is the number of connections that have subscribed; it has
	// to be enabled in the app's settings.
	SubscriptionCount = gen.ChannelAttributeSubscriptionCount
	// Cache is the event that a cache channel remembers; only
	// [Client.ChannelInfo] can ask for it.
	Cache = gen.ChannelAttributeCache
)
