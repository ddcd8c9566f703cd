package pushertest

import (
	"fmt"
	"net/url"
	"time"
)

// WithClientEvents sets whether clients may send events to each other. They may
// unless this option says no, while an app on Pusher has to enable it in its
// settings. Without, a client event is refused with a pusher:error.
func WithClientEvents(on bool) Option {
	return func(c *config) error {
		c.clientEvents = on
		return nil
	}
}

// WithActivityTimeout sets after how long a silence a connection is asked for a
// sign of life; it is closed with code 4201 if another 30 seconds pass without
// one. Clients are told the timeout and ask by themselves before it has passed. It
// is in whole seconds, at least 1. The default is 120 seconds, as on Pusher.
//
// Source: Pusher Channels docs, WebSocket protocol, "Ping and pong messages".
func WithActivityTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d < time.Second || d%time.Second != 0 {
			return fmt.Errorf("pushertest: WithActivityTimeout(%v): want whole seconds, at least 1", d)
		}
		c.activityTimeout = d
		return nil
	}
}

// WithAuthorizationTimeout has a connection closed with code 4009 that is, d after
// it was made, neither signed in nor on a private or presence channel. The default
// is to let it be, as an app on Pusher does until authorized connections are
// enabled in its settings.
//
// Source: Pusher Channels docs, "Authorized connections".
func WithAuthorizationTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("pushertest: WithAuthorizationTimeout(%v): want more than 0", d)
		}
		c.authorizationTimeout = d
		return nil
	}
}

// WithWebhook has the app's webhooks posted to a URL, http or https. It can be
// given several times; each URL gets all seven kinds of events.
//
// Deliveries are signed as Pusher signs them. They go to each URL one after the
// other, so that events arrive in order: what happens during one goes together in
// the next, at most 20 events. An answer other than 2xx, or none within 4 seconds,
// has the delivery repeated after 250 milliseconds, then after twice as long and so
// on, up to 30 seconds, until 5 minutes have passed. While one is repeated at most
// 10,000 events wait; more are dropped and logged.
//
// Source: Pusher Channels docs, "Webhooks".
func WithWebhook(to string) Option {
	return func(c *config) error {
		u, err := url.Parse(to)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("pushertest: WithWebhook: want an http or https URL with a host")
		}
		c.webhooks = append(c.webhooks, u)
		return nil
	}
}

// WithWebhookDelay has channel_vacated and member_removed posted only after d, and
// not at all if someone is back by then. Neither is the return posted. The default
// is 0, so that tests need not wait; Pusher waits up to 3 seconds.
//
// Source: Pusher Channels docs, "Webhooks".
func WithWebhookDelay(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("pushertest: WithWebhookDelay(%v): want at least 0", d)
		}
		c.webhookDelay = d
		return nil
	}
}
