package pushertest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// ChannelState describes the subscribers and the cached event of a channel:
// [Server.Channels] returns all of them, and [Server.SetChannel] adds some to those of
// the server.
type ChannelState struct {
	// Subscriptions is the number of connections subscribed to the channel.
	Subscriptions int

	// Users has the IDs of the members of a presence channel.
	Users []string

	// Cache is the cached event of a cache channel, or nil for none.
	Cache *CachedEvent
}

// A CachedEvent is the event that a cache channel sends to new subscribers.
type CachedEvent struct {
	Name string // "" means "cached"
	Data string
	TTL  time.Duration // time until it expires; 0 means 30 minutes
}

// Channels returns the state of every channel that has subscribers or a cached event, by
// its name. It omits the channels of users, which begin with "#server-to-user-".
func (s *Server) Channels() map[string]ChannelState {
	if s.ready("Channels") != nil {
		return nil
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	now := s.state.now()
	channels := make(map[string]ChannelState)
	for name, ch := range s.state.channels {
		current := ChannelState{Subscriptions: ch.subscriptions(), Users: ch.users()}
		if now.Before(ch.cache.expires) {
			current.Cache = &CachedEvent{Name: ch.cache.name, Data: ch.cache.data, TTL: ch.cache.expires.Sub(now)}
		}
		if !isUserChannel(name) && (current.Subscriptions > 0 || current.Cache != nil) {
			channels[name] = current
		}
	}
	return channels
}

// SetChannel adds subscribers to a channel as if they were connected to another
// server of the app, and sets the cached event. It replaces what an earlier call has
// set, and the event cached by a trigger; the zero ChannelState removes both. If there
// are more Users than Subscriptions, their number is used. A user that is repeated, or is
// also a member on the server, counts once. Subscribers and webhooks are not notified.
//
// SetChannel returns an error and changes nothing if the name is not a valid channel
// name, a number is negative, users are set on a channel that is not a presence
// channel, or a cached event is set on a channel that is not a cache channel.
func (s *Server) SetChannel(name string, to ChannelState) error {
	if err := s.ready("SetChannel"); err != nil {
		return err
	}
	if err := to.check(name); err != nil {
		return fmt.Errorf("pushertest: SetChannel: %w", err)
	}
	s.state.setChannel(name, to)
	return nil
}

func (to ChannelState) check(name string) error {
	if err := protocol.CheckChannel(name); err != nil {
		return err
	}
	switch {
	case to.Subscriptions < 0:
		return fmt.Errorf("number of subscriptions is negative: %d", to.Subscriptions)
	case len(to.Users) > 0 && !protocol.IsPresence(name):
		return fmt.Errorf("users are set, but %s is not a presence channel", name)
	case slices.Contains(to.Users, ""):
		return errors.New("user ID is empty")
	case to.Cache != nil && !protocol.IsCache(name):
		return fmt.Errorf("a cached event is set, but %s is not a cache channel", name)
	case to.Cache != nil && to.Cache.TTL < 0:
		return fmt.Errorf("TTL of the cached event is negative: %v", to.Cache.TTL)
	}
	return nil
}

func (s *state) setChannel(name string, to ChannelState) {
	users := unique(to.Users)
	var cache cachedEvent
	if to.Cache != nil {
		cache = cachedEvent{
			name:    cmp.Or(to.Cache.Name, "cached"),
			data:    to.Cache.Data,
			expires: s.now().Add(cmp.Or(to.Cache.TTL, cacheTTL)),
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channel(name)
	ch.external = externalSubscribers{max(to.Subscriptions, len(users)), users}
	ch.cache, ch.missPosted = cache, false
	s.discardIfUnused(name)
}

// Terminated returns the IDs of the users whose connections were terminated, in
// order, one for each request. See [WithMaxEvents] for how many are kept.
func (s *Server) Terminated() []string {
	if s.ready("Terminated") != nil {
		return nil
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return slices.Clone(s.state.terminated)
}
