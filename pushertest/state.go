package pushertest

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/signing"
)

// cacheTTL is how long a cache channel keeps its last event.
//
// Source: Pusher Channels docs, "Cache channels".
const cacheTTL = 30 * time.Minute

// state is the state of the app: its clients, channels and recorded events. The HTTP
// API, the WebSockets and the subscribers in the process all work on it.
type state struct {
	app                  App
	secret               *signing.Secret
	now                  func() time.Time
	logger               *slog.Logger
	subscriptionCounting bool
	clientEvents         bool
	maxEventBytes        int
	maxEvents            int // 0 for no limit
	activityTimeout      time.Duration
	webhooks             *webhooks

	mu         sync.Mutex // guards the fields below, and all channels and clients
	closed     bool
	channels   map[string]*channel
	clients    map[string]*client   // by socket ID
	online     map[string][]*client // by the ID of the signed-in user
	watchers   map[string][]*client // by the ID of the watched user
	events     []Event
	discarded  int           // events that are no longer in events
	recorded   chan struct{} // closed when events are recorded
	terminated []string
}

// A channel is kept while it is occupied, has a cached event or is waiting to send
// its subscription count.
type channel struct {
	clients    map[*client]struct{}
	members    []*member // in the order in which they joined
	external   externalSubscribers
	cache      cachedEvent
	missPosted bool        // cache_miss was posted since the cache became empty
	countTimer *time.Timer // sends the subscription count, or nil
}

// externalSubscribers are the subscribers set by [Server.SetChannel].
type externalSubscribers struct {
	subscriptions int
	users         []string
}

type cachedEvent struct {
	name, data string
	expires    time.Time
}

func newState(cfg *config) *state {
	return &state{
		app:                  cfg.app,
		secret:               signing.NewSecret(cfg.app.Secret),
		now:                  cfg.now,
		logger:               cfg.logger,
		subscriptionCounting: cfg.subscriptionCounting,
		clientEvents:         cfg.clientEvents,
		maxEventBytes:        cfg.maxEventBytes,
		maxEvents:            cfg.maxEvents,
		activityTimeout:      cfg.activityTimeout,
		webhooks:             newWebhooks(cfg),
		channels:             make(map[string]*channel),
		clients:              make(map[string]*client),
		online:               make(map[string][]*client),
		watchers:             make(map[string][]*client),
		recorded:             make(chan struct{}),
	}
}

// trigger records events, caches them on cache channels and sends them to
// subscribers.
func (s *state) trigger(events []Event) {
	now := s.now()
	s.mu.Lock()
	for i, event := range events {
		event.Time = now
		if protocol.IsCache(event.Channel) {
			ch := s.channel(event.Channel)
			ch.cache, ch.missPosted = cachedEvent{event.Name, event.Data, now.Add(cacheTTL)}, false
		}
		if ch, ok := s.channels[event.Channel]; ok {
			event.Connections = s.broadcast(ch, message{Event: event.Name, Channel: event.Channel, Data: event.Data}, s.clients[event.SocketID])
		}
		events[i] = event
		before := len(s.events)
		s.events = appendLimited(s.events, s.maxEvents, event)
		s.discarded += before + 1 - len(s.events)
	}
	close(s.recorded)
	s.recorded = make(chan struct{})
	s.mu.Unlock()

	for _, event := range events {
		s.debug("event triggered", "event", event.Name, "channel", event.Channel, "bytes", len(event.Data), "connections", event.Connections)
	}
}

// reset discards recorded events, terminated users, external subscribers and cached
// events.
func (s *state) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discarded += len(s.events)
	s.events, s.terminated = nil, nil
	for name, ch := range s.channels {
		ch.external, ch.cache, ch.missPosted = externalSubscribers{}, cachedEvent{}, false
		s.discardIfUnused(name)
	}
}

// appendLimited appends a value and, if the list then has more than limit entries,
// drops the first one. If limit is 0, the list is not limited.
func appendLimited[T any](list []T, limit int, value T) []T {
	list = append(list, value)
	if limit > 0 && len(list) > limit {
		list = list[len(list)-limit:]
	}
	return list
}

// eventsSince returns the recorded events after the first n, the number of all events
// until now, and a channel that is closed when another one is recorded.
func (s *state) eventsSince(n int) (events []Event, total int, recorded <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := max(n-s.discarded, 0)
	return slices.Clone(s.events[first:]), s.discarded + len(s.events), s.recorded
}

// channel returns the channel and creates it if necessary. The caller holds the lock.
func (s *state) channel(name string) *channel {
	ch, ok := s.channels[name]
	if !ok {
		ch = &channel{}
		s.channels[name] = ch
	}
	return ch
}

// discardIfUnused discards a channel that has no state. The caller holds the lock.
func (s *state) discardIfUnused(name string) {
	ch, ok := s.channels[name]
	if ok && ch.subscriptions() == 0 && ch.countTimer == nil && !s.now().Before(ch.cache.expires) {
		delete(s.channels, name)
	}
}

// subscriptions returns the number of subscribers, including external ones.
func (ch *channel) subscriptions() int { return len(ch.clients) + ch.external.subscriptions }

// unique returns the list without repeated values.
func unique(list []string) []string {
	var result []string
	for _, value := range list {
		if !slices.Contains(result, value) {
			result = append(result, value)
		}
	}
	return result
}

// occupied returns the names of the occupied channels that start with prefix.
func (s *state) occupied(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, ch := range s.channels {
		if ch.subscriptions() > 0 && !isUserChannel(name) && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// isOccupied reports whether the channel has subscribers.
func (s *state) isOccupied(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.channels[name]
	return ok && ch.subscriptions() > 0
}

// users returns the IDs of the users on a channel.
func (s *state) users(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, ok := s.channels[name]; ok {
		return ch.users()
	}
	return nil
}

// counts returns the requested counts that are available for the channel.
func (s *state) counts(name string, attributes []string) gen.ChannelCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	users, subscriptions := 0, 0
	if ch, ok := s.channels[name]; ok {
		users, subscriptions = len(ch.users()), ch.subscriptions()
	}
	var counts gen.ChannelCounts
	if slices.Contains(attributes, attributeUserCount) && protocol.IsPresence(name) {
		counts.UserCount = &users
	}
	if slices.Contains(attributes, attributeSubscriptionCount) && s.subscriptionCounting {
		counts.SubscriptionCount = &subscriptions
	}
	return counts
}

// cached returns the cached event of the channel, or nil.
func (s *state) cached(name string) *gen.CachedEvent {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.channels[name]
	if !ok || !now.Before(ch.cache.expires) {
		return nil
	}
	ttl := int(ch.cache.expires.Sub(now) / time.Second)
	return &gen.CachedEvent{Data: ch.cache.data, TTL: &ttl}
}

// close stops all timers and closes the subscribers in the process. It returns their
// number.
func (s *state) close() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, ch := range s.channels {
		if ch.countTimer != nil {
			ch.countTimer.Stop()
		}
	}
	subscribers := 0
	for _, c := range s.clients {
		if sub, ok := c.transport.(*Subscriber); ok {
			subscribers++
			s.remove(c)
			sub.close(codeGoingAway, textGoingAway)
		}
	}
	return subscribers
}
