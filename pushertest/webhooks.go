package pushertest

import (
	"slices"
	"sync"
	"time"
)

// Names of webhook events.
//
// Source: Pusher Channels docs, "Webhooks".
const (
	webhookOccupied      = "channel_occupied"
	webhookVacated       = "channel_vacated"
	webhookMemberAdded   = "member_added"
	webhookMemberRemoved = "member_removed"
	webhookClientEvent   = "client_event"
	webhookCacheMiss     = "cache_miss"
	webhookCount         = "subscription_count"
)

// A webhookEvent is an event of a webhook.
type webhookEvent struct {
	Name              string `json:"name"`
	Channel           string `json:"channel"`
	Event             string `json:"event,omitempty"`
	Data              string `json:"data,omitempty"`
	SocketID          string `json:"socket_id,omitempty"`
	UserID            string `json:"user_id,omitempty"`
	SubscriptionCount *int   `json:"subscription_count,omitempty"`
}

// webhooks passes events to all endpoints. Departures (channel_vacated and
// member_removed) are delayed and dropped if the channel is occupied or the member is
// back in time.
type webhooks struct {
	delay     time.Duration
	endpoints []*webhookEndpoint

	mu         sync.Mutex
	closed     bool
	departures []departure // the oldest first
	timer      *time.Timer // posts departures; nil if there are none
}

type departure struct {
	event webhookEvent
	due   time.Time
}

func newWebhooks(cfg *config) *webhooks {
	w := &webhooks{delay: cfg.webhookDelay}
	for _, url := range cfg.webhooks {
		w.endpoints = append(w.endpoints, newWebhookEndpoint(cfg, url))
	}
	return w
}

// post passes the event to all endpoints.
func (w *webhooks) post(event webhookEvent) {
	for _, e := range w.endpoints {
		e.add(event)
	}
}

// postReturn posts that a channel is occupied or that a member was added. If the
// departure is still delayed, postReturn posts neither and drops the departure.
func (w *webhooks) postReturn(event webhookEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, d := range w.departures {
		if d.event.Channel == event.Channel && d.event.UserID == event.UserID {
			w.departures = slices.Delete(w.departures, i, i+1)
			return
		}
	}
	w.post(event)
}

// postDeparture posts, after the delay, that a channel was vacated or a member was
// removed.
func (w *webhooks) postDeparture(event webhookEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed || len(w.endpoints) == 0:
	case w.delay <= 0:
		w.post(event)
	default:
		w.departures = append(w.departures, departure{event, time.Now().Add(w.delay)})
		if w.timer == nil {
			w.timer = time.AfterFunc(w.delay, w.postDue)
		}
	}
}

// postDue posts the departures that are due and waits for the next one.
func (w *webhooks) postDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for len(w.departures) > 0 && !now.Before(w.departures[0].due) {
		w.post(w.departures[0].event)
		w.departures = w.departures[1:]
	}
	if w.timer = nil; len(w.departures) > 0 && !w.closed {
		w.timer = time.AfterFunc(w.departures[0].due.Sub(now), w.postDue)
	}
}

// close stops all deliveries and returns the number of events that were not
// delivered.
func (w *webhooks) close() (lost int) {
	w.mu.Lock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	lost = len(w.departures) * len(w.endpoints)
	w.mu.Unlock()
	for _, e := range w.endpoints {
		lost += e.close()
	}
	return lost
}
