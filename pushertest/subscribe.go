package pushertest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

const (
	// maxSubscriptions bounds what one connection can have the server remember.
	// Pusher documents no limit.
	maxSubscriptions = 10_000

	// Above manySubscribers, a channel's subscription count is told at most once
	// every countInterval.
	//
	// Source: Pusher Channels docs, "Subscription counting".
	manySubscribers = 100
	countInterval   = 5 * time.Second
)

// A subscription is the data of pusher:subscribe.
type subscription struct {
	Channel     string  `json:"channel"`
	Auth        string  `json:"auth"`
	ChannelData *string `json:"channel_data"` // JSON text, on presence channels
}

// subscribe has the peer join a channel and tells it, in this order, that it has
// succeeded, what the channel remembers and how many subscribers there are. The
// caller holds the lock, as it does for all below.
func (s *state) subscribe(p *peer, data json.RawMessage) error {
	var ask subscription
	if err := hash(data, &ask); err != nil {
		return err
	}
	if protocol.CheckTarget(ask.Channel) != nil {
		return complain(textChannelName)
	}
	if err := s.authorize(p, ask); err != nil {
		return err
	}
	if _, ok := p.subscriptions[ask.Channel]; ok {
		return complain(textExisting, ask.Channel)
	}
	if len(p.subscriptions) >= maxSubscriptions {
		return complain(textTooManyChannels, maxSubscriptions)
	}
	if protocol.IsPresence(ask.Channel) {
		m, err := p.memberOf(ask)
		if err != nil {
			return err
		}
		if err := s.enter(p, ask.Channel, m); err != nil {
			return err
		}
	} else {
		s.add(p, ask.Channel, "")
		p.outlet.send(message{Event: eventSubscribed, Channel: ask.Channel, Data: "{}"}.frame())
	}
	if protocol.IsCache(ask.Channel) {
		s.replay(p, ask.Channel)
	}
	s.countChanged(ask.Channel)
	return nil
}

// add makes the peer a subscriber.
func (s *state) add(p *peer, name, memberID string) {
	c := s.channel(name)
	if !isUserChannel(name) && c.subscriptions() == 0 {
		s.hooks.came(hook{Name: hookOccupied, Channel: name})
	}
	if c.peers == nil {
		c.peers = make(map[*peer]struct{})
	}
	c.peers[p] = struct{}{}
	p.subscriptions[name] = memberID
}

// replay sends what a cache channel remembers.
//
// Source: Pusher Channels docs, "Cache channels".
func (s *state) replay(p *peer, name string) {
	c := s.channel(name)
	if s.now().Before(c.cache.until) {
		p.outlet.send(message{Event: c.cache.name, Channel: name, Data: c.cache.data}.frame())
		return
	}
	p.outlet.send(message{Event: eventCacheMiss, Channel: name}.frame())
	if !c.missed {
		c.missed = true
		s.hooks.post(hook{Name: hookCacheMiss, Channel: name})
	}
}

func (s *state) unsubscribeAsked(p *peer, data json.RawMessage) error {
	var ask subscription
	if err := hash(data, &ask); err != nil {
		return err
	}
	if _, ok := p.subscriptions[ask.Channel]; ok {
		s.unsubscribe(p, ask.Channel)
	}
	return nil
}

// unsubscribe ends a subscription that the peer has.
func (s *state) unsubscribe(p *peer, name string) {
	c := s.channel(name)
	memberID := p.subscriptions[name]
	delete(p.subscriptions, name)
	delete(c.peers, p)
	if memberID != "" {
		s.exit(c, name, memberID)
	}
	s.countChanged(name)
	if !isUserChannel(name) && c.subscriptions() == 0 {
		s.hooks.left(hook{Name: hookVacated, Channel: name})
	}
	s.forget(name)
}

// broadcast sends m to the channel's subscribers but one.
func (s *state) broadcast(c *channel, m message, except *peer) {
	if len(c.peers) == 0 {
		return
	}
	f := m.frame()
	for p := range c.peers {
		if p != except {
			p.outlet.send(f)
		}
	}
}

// countChanged tells subscribers and webhooks how many subscribers there are, now
// or, if they are many, in a while.
func (s *state) countChanged(name string) {
	if !s.subscriptionCounting || protocol.IsPresence(name) || isUserChannel(name) {
		return
	}
	c := s.channel(name)
	switch {
	case c.count != nil: // will tell
	case c.subscriptions() > manySubscribers:
		c.count = time.AfterFunc(countInterval, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if c.count = nil; !s.closed {
				s.tellCount(c, name)
				s.forget(name)
			}
		})
	default:
		s.tellCount(c, name)
	}
}

func (s *state) tellCount(c *channel, name string) {
	count := c.subscriptions()
	s.broadcast(c, message{Event: eventCount, Channel: name, Data: quoted(map[string]int{"subscription_count": count})}, nil)
	s.hooks.post(hook{Name: hookCount, Channel: name, SubscriptionCount: &count})
}

func isUserChannel(name string) bool { return strings.HasPrefix(name, protocol.UserChannelPrefix) }
