package pusher

import "github.com/openchannels/pusher-go/gen"

// The models are generated from openapi.yaml. A count is nil if it was not requested,
// or if the server does not report it.
type (
	// TriggerResult is the response to an event. Its Channels are empty unless the
	// event requested info and the server reports it.
	TriggerResult = gen.TriggerResult
	// BatchResult is the response to a batch, with one entry per event, in order. It
	// is empty if no event requested info or the server does not report it.
	BatchResult = gen.BatchResult
	// ChannelCounts are the numbers of users and subscriptions of a channel.
	ChannelCounts = gen.ChannelCounts
	// ChannelList holds the occupied channels by name.
	ChannelList = gen.ChannelList
	// ChannelInfo is the state of one channel.
	ChannelInfo = gen.ChannelInfo
	// CachedEvent is the last event of a cache channel.
	CachedEvent = gen.CachedEvent
	// ChannelUserList holds the distinct users on a presence channel.
	ChannelUserList = gen.ChannelUserList
	// ChannelUser is a user on a presence channel.
	ChannelUser = gen.ChannelUser
	// Attribute is an attribute of a channel that can be requested.
	Attribute = gen.ChannelAttribute
)

// Attributes of a channel.
const (
	// UserCount is the number of distinct users on a presence channel.
	UserCount = gen.ChannelAttributeUserCount
	// SubscriptionCount is the number of connections that have subscribed to a
	// channel. It has to be enabled in the app's settings.
	SubscriptionCount = gen.ChannelAttributeSubscriptionCount
	// Cache is the last event of a cache channel. It is available from
	// [Client.ChannelInfo] only.
	Cache = gen.ChannelAttributeCache
)
