package pushertest

import (
	"fmt"
	"net/url"
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
	cfg *config

	mu         sync.Mutex
	closed     bool
	endpoints  []*webhookEndpoint
	departures []departure // the oldest first
	timer      *time.Timer // posts departures; nil if there are none
}

type departure struct {
	event webhookEvent
	due   time.Time
}

func newWebhooks(cfg *config) *webhooks {
	w := &webhooks{cfg: cfg}
	w.set(cfg.webhooks)
	return w
}

// SetWebhook replaces the URLs that webhooks are posted to, which [WithWebhook] or an
// earlier call has set, for example because the app knows its URL only after the server
// has started. Without a URL no webhooks are posted. Deliveries to the replaced URLs
// are canceled.
//
// SetWebhook returns an error and changes nothing if a URL is not an http or https URL
// with a host.
func (s *Server) SetWebhook(to ...string) error {
	if err := s.ready("SetWebhook"); err != nil {
		return err
	}
	var urls []*url.URL
	for _, text := range to {
		u, err := parseURL(text)
		if err != nil {
			return fmt.Errorf("pushertest: SetWebhook: %w", err)
		}
		urls = append(urls, u)
	}
	s.state.webhooks.set(urls)
	return nil
}

// set replaces the endpoints, unless the server is closed.
func (w *webhooks) set(urls []*url.URL) {
	var endpoints []*webhookEndpoint
	for _, u := range urls {
		endpoints = append(endpoints, newWebhookEndpoint(w.cfg, u))
	}
	w.mu.Lock()
	if !w.closed {
		w.endpoints, endpoints = endpoints, w.endpoints
	}
	w.mu.Unlock()
	for _, replaced := range endpoints {
		replaced.close()
	}
}

// post passes the event to all endpoints.
func (w *webhooks) post(event webhookEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.postLocked(event)
}

func (w *webhooks) postLocked(event webhookEvent) {
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
	w.postLocked(event)
}

// postDeparture posts, after the delay, that a channel was vacated or a member was
// removed.
func (w *webhooks) postDeparture(event webhookEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed || len(w.endpoints) == 0:
	case w.cfg.webhookDelay <= 0:
		w.postLocked(event)
	default:
		w.departures = append(w.departures, departure{event, time.Now().Add(w.cfg.webhookDelay)})
		if w.timer == nil {
			w.timer = time.AfterFunc(w.cfg.webhookDelay, w.postDue)
		}
	}
}

// postDue posts the departures that are due and waits for the next one.
func (w *webhooks) postDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for len(w.departures) > 0 && !now.Before(w.departures[0].due) {
		w.postLocked(w.departures[0].event)
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
	endpoints := w.endpoints
	lost = len(w.departures) * len(endpoints)
	w.mu.Unlock()
	for _, e := range endpoints {
		lost += e.close()
	}
	return lost
}
