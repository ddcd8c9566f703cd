package pushertest

import (
	"slices"
	"sync"
	"time"
)

// The webhooks' events.
//
// Source: Pusher Channels docs, "Webhooks".
const (
	hookOccupied      = "channel_occupied"
	hookVacated       = "channel_vacated"
	hookMemberAdded   = "member_added"
	hookMemberRemoved = "member_removed"
	hookClientEvent   = "client_event"
	hookCacheMiss     = "cache_miss"
	hookCount         = "subscription_count"
)

// A hook is an event of a webhook.
type hook struct {
	Name              string `json:"name"`
	Channel           string `json:"channel"`
	Event             string `json:"event,omitempty"`
	Data              string `json:"data,omitempty"`
	SocketID          string `json:"socket_id,omitempty"`
	UserID            string `json:"user_id,omitempty"`
	SubscriptionCount *int   `json:"subscription_count,omitempty"`
}

// hooks hand each event to every endpoint, in order.
type hooks struct {
	delay     time.Duration
	endpoints []*endpoint

	mu     sync.Mutex
	closed bool
	gone   []absence   // the oldest first
	timer  *time.Timer // runs while somebody is gone
}

// An absence is a channel or a member that has left and may be back in time.
type absence struct {
	event hook
	until time.Time
}

func newHooks(cfg *config) *hooks {
	h := &hooks{delay: cfg.webhookDelay}
	for _, url := range cfg.webhooks {
		h.endpoints = append(h.endpoints, newEndpoint(cfg, url))
	}
	return h
}

// post sends an event now.
func (h *hooks) post(event hook) {
	for _, e := range h.endpoints {
		e.add(event)
	}
}

// came tells that a channel is occupied or a member there, unless nobody has been
// told yet that it was gone.
func (h *hooks) came(event hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, absent := range h.gone {
		if absent.event.Channel == event.Channel && absent.event.UserID == event.UserID {
			h.gone = slices.Delete(h.gone, i, i+1)
			return
		}
	}
	h.post(event)
}

// left tells, after the delay, that a channel is vacated or a member gone.
func (h *hooks) left(event hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed || len(h.endpoints) == 0:
	case h.delay <= 0:
		h.post(event)
	default:
		h.gone = append(h.gone, absence{event, time.Now().Add(h.delay)})
		if h.timer == nil {
			h.timer = time.AfterFunc(h.delay, h.tellGone)
		}
	}
}

func (h *hooks) tellGone() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for len(h.gone) > 0 && !now.Before(h.gone[0].until) {
		h.post(h.gone[0].event)
		h.gone = h.gone[1:]
	}
	if h.timer = nil; len(h.gone) > 0 && !h.closed {
		h.timer = time.AfterFunc(h.gone[0].until.Sub(now), h.tellGone)
	}
}

// close ends all deliveries and returns how many events are lost by it.
func (h *hooks) close() (lost int) {
	h.mu.Lock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	lost = len(h.gone) * len(h.endpoints)
	h.mu.Unlock()
	for _, e := range h.endpoints {
		lost += e.close()
	}
	return lost
}
