package pushertest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// cacheTTL is how long a cache channel remembers an event.
//
// Source: Pusher Channels docs, "Cache channels".
const cacheTTL = 30 * time.Minute

// ChannelState is what [Server.SetChannel] sets.
type ChannelState struct {
	// Subscriptions is how many connections have subscribed to the channel. If
	// there are more Users, it is their number.
	Subscriptions int

	// Users are the IDs of those on a presence channel. One given twice counts
	// once.
	Users []string

	// Cache is what a cache channel remembers, or nil for nothing.
	Cache *CachedEvent
}

// A CachedEvent is what a cache channel remembers.
type CachedEvent struct {
	Data string
	TTL  time.Duration // from now on; 0 means 30 minutes
}

// SetChannel replaces all that is known of a channel, also what it remembers of
// triggered events. The zero state makes it unoccupied and empty.
//
// A name that breaks the rules, a negative number, users on a channel that is not
// a presence channel, and a cached event on one that is not a cache channel are
// errors and change nothing.
func (s *Server) SetChannel(name string, to ChannelState) error {
	if err := checkState(name, to); err != nil {
		return fmt.Errorf("pushertest: SetChannel: %w", err)
	}
	s.state.setChannel(name, to)
	return nil
}

func checkState(name string, to ChannelState) error {
	if err := protocol.CheckChannel(name); err != nil {
		return err
	}
	switch {
	case to.Subscriptions < 0:
		return fmt.Errorf("%d subscriptions to %s", to.Subscriptions, name)
	case len(to.Users) > 0 && !protocol.IsPresence(name):
		return fmt.Errorf("users on %s, which is not a presence channel", name)
	case slices.Contains(to.Users, ""):
		return errors.New("an empty user ID")
	case to.Cache != nil && !protocol.IsCache(name):
		return fmt.Errorf("a cached event on %s, which is not a cache channel", name)
	case to.Cache != nil && to.Cache.TTL < 0:
		return fmt.Errorf("a cached event with the negative TTL %v", to.Cache.TTL)
	}
	return nil
}

// Terminated returns the IDs of the users whose connections were terminated, in
// order, as often as it was asked for.
func (s *Server) Terminated() []string {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return slices.Clone(s.state.terminated)
}

// state is what the app knows. All that serves the app works on it and nothing
// else remembers.
type state struct {
	app                  App
	now                  func() time.Time
	subscriptionCounting bool

	mu         sync.Mutex
	channels   map[string]*channel
	events     []Event
	more       chan struct{} // closed when events grow
	terminated []string
}

// A channel is occupied or remembers an event; others are not kept.
type channel struct {
	subscriptions int
	users         []string
	cache         cached
}

type cached struct {
	data  string
	until time.Time
}

func newState(cfg *config) *state {
	return &state{
		app:                  cfg.app,
		now:                  cfg.now,
		subscriptionCounting: cfg.subscriptionCounting,
		channels:             make(map[string]*channel),
		more:                 make(chan struct{}),
	}
}

// eventsFrom returns the events from the i-th on, and what tells of later ones.
func (s *state) eventsFrom(i int) ([]Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[i:len(s.events):len(s.events)], s.more
}

// trigger records events and has cache channels remember them.
func (s *state) trigger(events []Event) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range events {
		event.Time = now
		s.events = append(s.events, event)
		if protocol.IsCache(event.Channel) {
			s.channel(event.Channel).cache = cached{event.Data, now.Add(cacheTTL)}
		}
	}
	close(s.more)
	s.more = make(chan struct{})
}

// channel returns the channel, made if need be. The caller holds the lock.
func (s *state) channel(name string) *channel {
	c, ok := s.channels[name]
	if !ok {
		c = &channel{}
		s.channels[name] = c
	}
	return c
}

func (s *state) setChannel(name string, to ChannelState) {
	var users []string
	for _, id := range to.Users {
		if !slices.Contains(users, id) {
			users = append(users, id)
		}
	}
	c := channel{subscriptions: max(to.Subscriptions, len(users)), users: users}
	if to.Cache != nil {
		c.cache = cached{to.Cache.Data, s.now().Add(cmp.Or(to.Cache.TTL, cacheTTL))}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.subscriptions == 0 && to.Cache == nil {
		delete(s.channels, name)
		return
	}
	*s.channel(name) = c
}

// occupied returns the names of the occupied channels that start with prefix.
func (s *state) occupied(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, c := range s.channels {
		if c.subscriptions > 0 && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// isOccupied tells whether the channel has subscribers.
func (s *state) isOccupied(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.channels[name]
	return ok && c.subscriptions > 0
}

// users returns the IDs of the users on a channel.
func (s *state) users(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.channels[name]; ok {
		return slices.Clone(c.users)
	}
	return nil
}

// counts returns the counts that were asked for and that the channel can have.
func (s *state) counts(name string, asked []string) gen.ChannelCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	users, subscriptions := 0, 0
	if c, ok := s.channels[name]; ok {
		users, subscriptions = len(c.users), c.subscriptions
	}
	var counts gen.ChannelCounts
	if slices.Contains(asked, userCount) && protocol.IsPresence(name) {
		counts.UserCount = &users
	}
	if slices.Contains(asked, subscriptionCount) && s.subscriptionCounting {
		counts.SubscriptionCount = &subscriptions
	}
	return counts
}

// cached returns what the channel remembers, or nil.
func (s *state) cached(name string) *gen.CachedEvent {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.channels[name]
	if !ok || !now.Before(c.cache.until) {
		return nil
	}
	ttl := int(c.cache.until.Sub(now) / time.Second)
	return &gen.CachedEvent{Data: c.cache.data, TTL: &ttl}
}

func (s *state) terminate(userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terminated = append(s.terminated, userID)
}
