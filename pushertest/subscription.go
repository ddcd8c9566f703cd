package pushertest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

const (
	// maxSubscriptions limits the memory that one connection can use. Pusher
	// documents no limit.
	maxSubscriptions = 10_000

	// Above manySubscribers, a channel's subscription count is sent at most once in
	// every countInterval.
	//
	// Source: Pusher Channels docs, "Subscription counting".
	manySubscribers = 100
	countInterval   = 5 * time.Second
)

// A subscription is the data of pusher:subscribe and pusher:unsubscribe.
type subscription struct {
	Channel     string
	Auth        string
	ChannelData string // JSON, "" if there is none
}

func decodeSubscription(data json.RawMessage) (sub subscription, err error) {
	err = decodeData(data, map[string]any{"channel": &sub.Channel, "auth": &sub.Auth, "channel_data": &sub.ChannelData})
	return sub, err
}

// handleSubscribe subscribes the client to a channel and sends it, in this order,
// that the subscription succeeded, the cached event and the number of subscribers.
// The caller holds the lock, as for all functions of this file.
func (s *state) handleSubscribe(c *client, data json.RawMessage) error {
	sub, err := decodeSubscription(data)
	if err != nil {
		return err
	}
	if protocol.CheckTarget(sub.Channel) != nil {
		return protocolErrorf(textChannelName)
	}
	if err := s.authorize(c, sub); err != nil {
		return err
	}
	if _, ok := c.subscriptions[sub.Channel]; ok {
		return protocolErrorf(textExisting, sub.Channel)
	}
	if len(c.subscriptions) >= maxSubscriptions {
		return protocolErrorf(textTooManyChannels, maxSubscriptions)
	}
	if protocol.IsPresence(sub.Channel) {
		m, err := c.newMember(sub)
		if err != nil {
			return err
		}
		if err := s.addMember(c, sub.Channel, m); err != nil {
			return err
		}
	} else {
		s.addSubscriber(c, sub.Channel, "")
		c.transport.send(message{Event: eventSubscribed, Channel: sub.Channel, Data: "{}"}.encode())
	}
	if protocol.IsCache(sub.Channel) {
		s.sendCached(c, sub.Channel)
	}
	s.countChanged(sub.Channel)
	return nil
}

func (s *state) addSubscriber(c *client, name, memberID string) {
	ch := s.channel(name)
	if !isUserChannel(name) && ch.subscriptions() == 0 {
		s.webhooks.postReturn(webhookEvent{Name: webhookOccupied, Channel: name})
	}
	if ch.clients == nil {
		ch.clients = make(map[*client]struct{})
	}
	ch.clients[c] = struct{}{}
	c.subscriptions[name] = memberID
}

// sendCached sends the cached event of a cache channel.
//
// Source: Pusher Channels docs, "Cache channels".
func (s *state) sendCached(c *client, name string) {
	ch := s.channel(name)
	if s.now().Before(ch.cache.expires) {
		c.transport.send(message{Event: ch.cache.name, Channel: name, Data: ch.cache.data}.encode())
		return
	}
	c.transport.send(message{Event: eventCacheMiss, Channel: name}.encode())
	if !ch.missPosted {
		ch.missPosted = true
		s.webhooks.post(webhookEvent{Name: webhookCacheMiss, Channel: name})
	}
}

func (s *state) handleUnsubscribe(c *client, data json.RawMessage) error {
	sub, err := decodeSubscription(data)
	if err != nil {
		return err
	}
	if _, ok := c.subscriptions[sub.Channel]; ok {
		s.unsubscribe(c, sub.Channel)
	}
	return nil
}

// unsubscribe ends a subscription of the client.
func (s *state) unsubscribe(c *client, name string) {
	ch := s.channel(name)
	memberID := c.subscriptions[name]
	delete(c.subscriptions, name)
	delete(ch.clients, c)
	if memberID != "" {
		s.removeMember(ch, name, memberID)
	}
	s.countChanged(name)
	if !isUserChannel(name) && ch.subscriptions() == 0 {
		s.webhooks.postDeparture(webhookEvent{Name: webhookVacated, Channel: name})
	}
	s.discardIfUnused(name)
}

// broadcast sends m to all subscribers of the channel except one, and returns the
// number of recipients.
func (s *state) broadcast(ch *channel, m message, except *client) (recipients int) {
	if len(ch.clients) == 0 {
		return 0
	}
	encoded := m.encode()
	for c := range ch.clients {
		if c != except {
			c.transport.send(encoded)
			recipients++
		}
	}
	return recipients
}

// countChanged sends the number of subscribers to subscribers and webhooks, either
// now or, if there are many, after countInterval.
func (s *state) countChanged(name string) {
	if !s.subscriptionCounting || protocol.IsPresence(name) || isUserChannel(name) {
		return
	}
	ch := s.channel(name)
	switch {
	case ch.countTimer != nil: // sends the count when it fires
	case ch.subscriptions() > manySubscribers:
		ch.countTimer = time.AfterFunc(countInterval, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if ch.countTimer = nil; !s.closed {
				s.sendCount(ch, name)
				s.discardIfUnused(name)
			}
		})
	default:
		s.sendCount(ch, name)
	}
}

func (s *state) sendCount(ch *channel, name string) {
	count := ch.subscriptions()
	s.broadcast(ch, message{Event: eventCount, Channel: name, Data: jsonText(map[string]int{"subscription_count": count})}, nil)
	s.webhooks.post(webhookEvent{Name: webhookCount, Channel: name, SubscriptionCount: &count})
}

func isUserChannel(name string) bool { return strings.HasPrefix(name, protocol.UserChannelPrefix) }
