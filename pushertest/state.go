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
	"github.com/openchannels/pusher-go/signing"
)

// cacheTTL is how long a cache channel remembers an event.
//
// Source: Pusher Channels docs, "Cache channels".
const cacheTTL = 30 * time.Minute

// ChannelState is what [Server.SetChannel] sets.
type ChannelState struct {
	// Subscriptions is how many connections have subscribed to the channel,
	// beside those that this server has. If there are more Users, it is their
	// number.
	Subscriptions int

	// Users are the IDs of those on a presence channel, beside those that this
	// server has. One given twice, or on the server too, counts once.
	Users []string

	// Cache is what a cache channel remembers, or nil for nothing.
	Cache *CachedEvent
}

// A CachedEvent is what a cache channel remembers.
type CachedEvent struct {
	Name string // under which subscribers get it; "" means "cached"
	Data string
	TTL  time.Duration // from now on; 0 means 30 minutes
}

// SetChannel sets who is on a channel beside the server's own subscribers, as if
// through another server of the app, and what the channel remembers. It replaces
// what an earlier call has set and what was remembered of triggered events; the
// zero state sets nobody and nothing. Nobody is told: no subscriber hears of it
// and no webhook is posted.
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
	secret               *signing.Secret
	now                  func() time.Time
	subscriptionCounting bool
	clientEvents         bool
	maxEventBytes        int
	activityTimeout      time.Duration
	hooks                *hooks

	mu         sync.Mutex // held while anything below, a channel or a peer is used
	closed     bool
	channels   map[string]*channel
	peers      map[string]*peer   // by socket ID
	online     map[string][]*peer // by the ID of the user that has signed in
	watchers   map[string][]*peer // by the ID of the user that is watched
	events     []Event
	more       chan struct{} // closed when events grow
	terminated []string
}

// A channel is occupied, remembers an event or is about to tell its count; others
// are not kept.
type channel struct {
	peers     map[*peer]struct{}
	members   []*member // in the order in which they came
	elsewhere elsewhere
	cache     cached
	missed    bool        // a subscriber has found the cache empty
	count     *time.Timer // tells the subscription count, or nil
}

// elsewhere is who is on a channel by [Server.SetChannel].
type elsewhere struct {
	subscriptions int
	users         []string
}

type cached struct {
	name, data string
	until      time.Time
}

func newState(cfg *config, secret *signing.Secret) *state {
	return &state{
		app:                  cfg.app,
		secret:               secret,
		now:                  cfg.now,
		subscriptionCounting: cfg.subscriptionCounting,
		clientEvents:         cfg.clientEvents,
		maxEventBytes:        cfg.maxEventBytes,
		activityTimeout:      cfg.activityTimeout,
		hooks:                newHooks(cfg),
		channels:             make(map[string]*channel),
		peers:                make(map[string]*peer),
		online:               make(map[string][]*peer),
		watchers:             make(map[string][]*peer),
		more:                 make(chan struct{}),
	}
}

// eventsFrom returns the events from the i-th on, and what tells of later ones.
func (s *state) eventsFrom(i int) ([]Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[i:len(s.events):len(s.events)], s.more
}

// trigger records events, has cache channels remember them and sends them to
// subscribers.
func (s *state) trigger(events []Event) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range events {
		event.Time = now
		s.events = append(s.events, event)
		if protocol.IsCache(event.Channel) {
			c := s.channel(event.Channel)
			c.cache, c.missed = cached{event.Name, event.Data, now.Add(cacheTTL)}, false
		}
		if c, ok := s.channels[event.Channel]; ok {
			s.broadcast(c, message{Event: event.Name, Channel: event.Channel, Data: event.Data}, s.peers[event.SocketID])
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

// forget drops a channel of which there is nothing to know. The caller holds the
// lock.
func (s *state) forget(name string) {
	c, ok := s.channels[name]
	if ok && c.subscriptions() == 0 && c.count == nil && !s.now().Before(c.cache.until) {
		delete(s.channels, name)
	}
}

// subscriptions is how many there are, here and elsewhere.
func (c *channel) subscriptions() int { return len(c.peers) + c.elsewhere.subscriptions }

func (s *state) setChannel(name string, to ChannelState) {
	users := unique(to.Users)
	var remembered cached
	if to.Cache != nil {
		remembered = cached{
			name:  cmp.Or(to.Cache.Name, "cached"),
			data:  to.Cache.Data,
			until: s.now().Add(cmp.Or(to.Cache.TTL, cacheTTL)),
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(name)
	c.elsewhere = elsewhere{max(to.Subscriptions, len(users)), users}
	c.cache, c.missed = remembered, false
	s.forget(name)
}

// unique returns the list without repetitions.
func unique(list []string) []string {
	var once []string
	for _, value := range list {
		if !slices.Contains(once, value) {
			once = append(once, value)
		}
	}
	return once
}

// occupied returns the names of the occupied channels that start with prefix.
func (s *state) occupied(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, c := range s.channels {
		if c.subscriptions() > 0 && !isUserChannel(name) && strings.HasPrefix(name, prefix) {
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
	return ok && c.subscriptions() > 0
}

// users returns the IDs of the users on a channel.
func (s *state) users(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.channels[name]; ok {
		return c.users()
	}
	return nil
}

// counts returns the counts that were asked for and that the channel can have.
func (s *state) counts(name string, asked []string) gen.ChannelCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	users, subscriptions := 0, 0
	if c, ok := s.channels[name]; ok {
		users, subscriptions = len(c.users()), c.subscriptions()
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

// close ends what waits, and the peers that are not on a WebSocket. It returns how
// many of them there were.
func (s *state) close() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.channels {
		if c.count != nil {
			c.count.Stop()
		}
	}
	subscribers := 0
	for _, p := range s.peers {
		if sub, ok := p.outlet.(*Subscriber); ok {
			subscribers++
			s.remove(p)
			sub.close(codeGoingAway, textGoingAway)
		}
	}
	return subscribers
}
