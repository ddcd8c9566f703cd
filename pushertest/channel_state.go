package pushertest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// ChannelState describes subscribers and a cached event that a channel has in
// addition to those of the server, see [Server.SetChannel].
type ChannelState struct {
	// Subscriptions is the number of additional connections subscribed to the
	// channel. If there are more Users, their number is used.
	Subscriptions int

	// Users has the IDs of the additional members of a presence channel. An ID that
	// is repeated, or is also a member on the server, counts once.
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

// SetChannel adds subscribers to a channel as if they were connected to another
// server of the app, and sets the cached event. It replaces what an earlier call has
// set, and the event cached by a trigger; the zero ChannelState removes both.
// Subscribers and webhooks are not notified.
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
