package pushertest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/signing"
)

// An Option configures a server.
type Option func(*config) error

type config struct {
	app                  App
	now                  func() time.Time
	logger               *slog.Logger
	subscriptionCounting bool
	clientEvents         bool
	maxEventBytes        int
	maxEvents            int
	activityTimeout      time.Duration
	authorizationTimeout time.Duration
	webhooks             []*url.URL
	webhookDelay         time.Duration
	idempotencyKeys      bool
}

func newConfig(opts []Option) (*config, error) {
	cfg := &config{
		app: App{
			ID:     "3",
			Key:    "278d425bdf160c739803",
			Secret: "7ad3773142a6692b25b8",
		},
		now:                  time.Now,
		logger:               slog.New(slog.DiscardHandler),
		subscriptionCounting: true,
		clientEvents:         true,
		maxEventBytes:        protocol.MaxEventBytes,
		activityTimeout:      120 * time.Second,
	}
	var errs []error
	for _, opt := range opts {
		if opt == nil {
			opt = func(*config) error { return errors.New("an option is nil") }
		}
		if err := opt(cfg); err != nil {
			errs = append(errs, fmt.Errorf("pushertest: %w: %w", ErrConfiguration, err))
		}
	}
	return cfg, errors.Join(errs...)
}

// WithApp sets the app that the server serves. The default is the app of the worked
// example in Pusher's documentation, with ID 3 and key 278d425bdf160c739803.
//
// The key and the secret must be valid according to [signing.CheckCredentials]. The ID
// must be a URL path segment that needs no escaping. Pusher's IDs consist of digits,
// and several SDKs accept only digits.
func WithApp(app App) Option {
	return func(c *config) error {
		if err := signing.CheckCredentials(app.Key, app.Secret); err != nil {
			return fmt.Errorf("WithApp: %w", err)
		}
		if app.ID == "" || app.ID == "." || app.ID == ".." || url.PathEscape(app.ID) != app.ID {
			return fmt.Errorf("WithApp: app ID is not a URL path segment: %.100q", app.ID)
		}
		c.app = app
		return nil
	}
}

// WithClock sets the server's clock. The default is [time.Now]. The clock determines
// which timestamps are accepted, the Date header of responses, the time of events and
// webhooks, when cached events and idempotency keys expire, and the rate of client
// events. It does not affect delays and timeouts. It is called concurrently and must not
// call the server.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return errors.New("WithClock: now is nil")
		}
		c.now = now
		return nil
	}
}

// WithLogger sets the logger. The default discards all lines. At level warn the server
// logs requests, connections and messages that it rejects, connections that it drops
// because their client reads too slowly, and webhook events that it drops or stops
// retrying. At level info it logs injected failures, webhooks that will be retried and
// connections that are open when the server is closed, and at level debug connections,
// messages, events with the number of connections that received them, and delivered
// webhooks. Failures of webhooks are logged once until a delivery succeeds. Secrets and
// signatures are not logged.
//
// The logger is called concurrently and must not call the server.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: logger is nil")
		}
		c.logger = logger
		return nil
	}
}

// WithTestLog is like [WithLogger] at level info, but writes to the log of a test,
// such as a [*testing.T]. The server has to be closed before the test ends.
func WithTestLog(t interface {
	Logf(format string, args ...any)
}) Option {
	return func(c *config) error {
		if t == nil {
			return errors.New("WithTestLog: t is nil")
		}
		c.logger = newTestLogger(t.Logf)
		return nil
	}
}

// WithMaxEvents limits the events that [Server.Events], and the user IDs that
// [Server.Terminated], returns to the latest n. The default is no limit; a server that
// runs for a long time needs one.
func WithMaxEvents(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("WithMaxEvents: %d is less than 1", n)
		}
		c.maxEvents = n
		return nil
	}
}

// WithMaxEventBytes limits the data of an event to n bytes. The default is 10,240, the
// limit of an account without an agreement on another one.
func WithMaxEventBytes(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("WithMaxEventBytes: %d is less than 1", n)
		}
		c.maxEventBytes = n
		return nil
	}
}

// WithSubscriptionCounting sets whether the app counts subscriptions. The default is
// true; on Pusher the app's settings have to enable it. If it is false, a request for
// the subscription_count of a channel is rejected with status 400, responses to
// triggers omit it, and neither subscribers nor webhooks are notified of it.
func WithSubscriptionCounting(enabled bool) Option {
	return func(c *config) error {
		c.subscriptionCounting = enabled
		return nil
	}
}

// WithClientEvents sets whether clients may send client events. The default is true;
// on Pusher the app's settings have to enable it. If it is false, client events are
// rejected with a pusher:error.
func WithClientEvents(enabled bool) Option {
	return func(c *config) error {
		c.clientEvents = enabled
		return nil
	}
}

// WithIdempotencyKeys sets whether events and batches may have an idempotency key, as on
// Sockudo. The default is false: the keys are ignored, and how Pusher treats them is not
// known.
//
// A key has 1 to 128 bytes and is known for 120 seconds of the server's clock. The
// parameter idempotency_key of an event takes precedence over the header
// X-Idempotency-Key. An event with a known key is not delivered again; the response is
// that of the first request. In a batch, each event can have a key, and an event with a
// known key is skipped. It does not matter whether an event is sent alone or in a batch.
// In a request with a batch, the header is the key of the whole batch, independent of
// the keys of events. A request waits while another one with keys is processed; Sockudo
// gives up after 300 milliseconds, with status 503.
//
// Source: Sockudo 5.0.1.
func WithIdempotencyKeys(enabled bool) Option {
	return func(c *config) error {
		c.idempotencyKeys = enabled
		return nil
	}
}

// WithActivityTimeout sets how long a connection may be idle before the server sends a
// ping. If the connection stays idle for another 30 seconds, it is closed with code
// 4201. Clients receive the timeout when they connect, and send a ping themselves
// before it has passed. It must be a whole number of seconds, at least 1. The default
// is 120 seconds, as on Pusher.
//
// Source: Pusher Channels docs, WebSocket protocol, "Ping and pong messages".
func WithActivityTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d < time.Second || d%time.Second != 0 {
			return fmt.Errorf("WithActivityTimeout: %v is not a positive number of whole seconds", d)
		}
		c.activityTimeout = d
		return nil
	}
}

// WithAuthorizationTimeout closes a connection with code 4009 if, at time d after it
// was opened, it is neither signed in nor subscribed to a private or presence channel.
// The default is no timeout, like on Pusher unless the app's settings enable
// authorized connections.
//
// Source: Pusher Channels docs, "Authorized connections".
func WithAuthorizationTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("WithAuthorizationTimeout: %v is not positive", d)
		}
		c.authorizationTimeout = d
		return nil
	}
}

// WithWebhook posts the app's webhooks to an http or https URL. With several
// WithWebhook options, every URL gets all events. There are events of all seven kinds,
// signed like those of Pusher.
//
// The first attempts of deliveries are made one after the other, in the order of the
// events. Events that occur during an attempt are sent together in the next one, at
// most 20. A delivery fails if there is no response with a 2xx status within 4
// seconds. It is retried after 250 milliseconds, then after 500 milliseconds, and then
// every second for 5 minutes; meanwhile later deliveries are made. At most 10,000
// events wait for delivery; further ones are dropped and logged.
//
// Source: Pusher Channels docs, "Webhooks".
func WithWebhook(to string) Option {
	return func(c *config) error {
		u, err := parseURL(to)
		if err != nil {
			return fmt.Errorf("WithWebhook: %w", err)
		}
		c.webhooks = append(c.webhooks, u)
		return nil
	}
}

// WithWebhookDelay delays the webhook events channel_vacated and member_removed by d.
// If the channel is occupied or the member is back by then, neither the departure nor
// the return is posted. The default is 0, so that tests need not wait; Pusher waits up
// to 3 seconds.
//
// Source: Pusher Channels docs, "Webhooks".
func WithWebhookDelay(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("WithWebhookDelay: %v is negative", d)
		}
		c.webhookDelay = d
		return nil
	}
}
