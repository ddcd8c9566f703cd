package pushertest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/signing"
)

// An Option changes what [New] and [NewServer] make.
type Option func(*config) error

type config struct {
	app                  App
	now                  func() time.Time
	logger               *slog.Logger
	subscriptionCounting bool
	clientEvents         bool
	maxEventBytes        int
	activityTimeout      time.Duration
	authorizationTimeout time.Duration
	webhooks             []*url.URL
	webhookDelay         time.Duration
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
		errs = append(errs, opt(cfg))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return cfg, nil
}

// WithApp sets the app that the server serves. The default is the app of the
// worked example in Pusher's documentation: ID 3, key 278d425bdf160c739803.
//
// A key or secret that is empty, or has a space or an unprintable character, is
// [signing.ErrConfiguration]. The ID has to be a path segment that needs no escape.
func WithApp(app App) Option {
	return func(c *config) error {
		if _, err := signing.New(app.Key, app.Secret); err != nil {
			return fmt.Errorf("pushertest: WithApp: %w", err)
		}
		if app.ID == "" || app.ID == "." || app.ID == ".." || url.PathEscape(app.ID) != app.ID {
			return fmt.Errorf("pushertest: WithApp: app ID %q is no path segment", app.ID)
		}
		c.app = app
		return nil
	}
}

// WithClock sets the server's time, by which timestamps are checked, events
// recorded, cached ones forgotten, client events counted and webhooks dated. The
// default is [time.Now]. Goroutines call now at the same time, and it must not call
// the server. What waits, such as a delay or the activity timeout, does not go by
// it.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return errors.New("pushertest: WithClock: now is nil")
		}
		c.now = now
		return nil
	}
}

// WithLogger has every refusal, every connection that is cut off and every webhook
// that is given up logged at level warn, and every injected failure and webhook to
// be repeated at info. The default is not to log.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("pushertest: WithLogger: logger is nil")
		}
		c.logger = logger
		return nil
	}
}

// WithSubscriptionCounting sets whether the app counts subscriptions. It does
// unless this option says no, while an app on Pusher does not until that is
// enabled in its settings. Without, asking one channel for subscription_count is
// refused with status 400, an answer to a trigger leaves it out, and neither
// subscribers nor webhooks are told of it.
func WithSubscriptionCounting(on bool) Option {
	return func(c *config) error {
		c.subscriptionCounting = on
		return nil
	}
}

// WithMaxEventBytes sets how many bytes the data of an event may have, as an
// account can agree on with Pusher. The default is 10,240.
func WithMaxEventBytes(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("pushertest: WithMaxEventBytes(%d): want at least 1", n)
		}
		c.maxEventBytes = n
		return nil
	}
}

// WithTestLog logs like [WithLogger], to a test: t is a [*testing.T] or the like.
// The server has to be closed before the test ends.
func WithTestLog(t interface {
	Logf(format string, args ...any)
}) Option {
	return func(c *config) error {
		if t == nil {
			return errors.New("pushertest: WithTestLog: t is nil")
		}
		c.logger = slog.New(slog.NewTextHandler(testLog{t.Logf}, nil))
		return nil
	}
}

type testLog struct{ logf func(string, ...any) }

func (l testLog) Write(line []byte) (int, error) {
	l.logf("%s", bytes.TrimSuffix(line, []byte("\n")))
	return len(line), nil
}
