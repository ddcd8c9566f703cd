package gen

// Users returns the number of distinct users, and reports whether the server sent
// it.
func (c ChannelCounts) Users() (count int, ok bool) { return value(c.UserCount) }

// Subscriptions returns the number of subscriptions, and reports whether the server
// sent it.
func (c ChannelCounts) Subscriptions() (count int, ok bool) { return value(c.SubscriptionCount) }

// Users returns the number of distinct users, and reports whether the server sent
// it.
func (c ChannelInfo) Users() (count int, ok bool) { return value(c.UserCount) }

// Subscriptions returns the number of subscriptions, and reports whether the server
// sent it.
func (c ChannelInfo) Subscriptions() (count int, ok bool) { return value(c.SubscriptionCount) }

func value(count *int) (int, bool) {
	if count == nil {
		return 0, false
	}
	return *count, true
}
