package pusher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/signing"
	"github.com/openchannels/pusher-go/webhook"
)

// Version is the version of this library, sent in the header X-Pusher-Library.
const Version = "0.1.0"

// A Client calls the API for one app. It is safe for concurrent use and immutable,
// except for the clock offset that it learns from the server. A program can have any
// number of clients. Every call of the zero value returns [ErrConfiguration].
type Client struct {
	app              Credentials // without the secret
	server           string      // base URL with a trailing slash, as package gen takes it
	pipeline         *pipeline
	authorizer       *auth.Authorizer
	webhooks         *webhook.Verifier
	masterKey        *encryption.MasterKey // nil without encrypted channels
	maxEventBytes    int
	vacantOnNotFound bool
	async            *asyncCalls
	invalid          error // why the default client is unusable
}

// New returns a client for the app. It performs no I/O. If credentials or options
// are invalid, it returns [ErrConfiguration] with all reasons.
func New(app Credentials, opts ...Option) (*Client, error) {
	return newClient("New", app, opts)
}

func newClient(op string, app Credentials, opts []Option) (*Client, error) {
	cfg := defaultConfig()
	errs := []error{app.validate()}
	for _, opt := range opts {
		if opt == nil {
			opt = func(*config) error { return errors.New("an option is nil") }
		}
		errs = append(errs, opt(&cfg))
	}
	errs = append(errs, cfg.validate())
	if err := sentinel.Join(errs...); err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}

	clock := &clock{}
	signer, err := signing.New(app.Key, app.Secret, signing.WithClock(clock.now))
	if err != nil {
		return nil, newError(op, ErrConfiguration, sentinel.Details(err))
	}
	authorizer, err := auth.New(app.Key, app.Secret, cfg.authorizer...)
	if err != nil {
		return nil, newError(op, ErrConfiguration, sentinel.Details(err))
	}
	webhooks, err := webhook.New(app.Key, app.Secret, cfg.webhooks...)
	if err != nil {
		return nil, newError(op, ErrConfiguration, sentinel.Details(err))
	}
	c := &Client{
		app:              Credentials{AppID: app.AppID, Key: app.Key},
		server:           cfg.address.String() + "/",
		pipeline:         newPipeline(&cfg, signer.Edit, clock),
		authorizer:       authorizer,
		webhooks:         webhooks,
		masterKey:        cfg.masterKey,
		maxEventBytes:    cfg.maxEventBytes,
		vacantOnNotFound: cfg.vacantOnNotFound,
		async:            &asyncCalls{slots: make(chan struct{}, maxAsyncCalls)},
	}
	return c, nil
}

// AppID returns the ID of the client's app.
func (c *Client) AppID() string {
	if c == nil {
		return ""
	}
	return c.app.AppID
}

// ready returns an error if the client cannot make calls.
func (c *Client) ready(op string, ctx context.Context) error {
	if err := c.usable(op, ctx); err != nil {
		return err
	}
	switch {
	case c.async.isClosed():
		return newError(op, ErrClosed, nil)
	case ctx.Err() != nil:
		return canceled(op, ctx)
	}
	return nil
}

func (c *Client) usable(op string, ctx context.Context) error {
	switch {
	case c == nil || c.pipeline == nil && c.invalid == nil:
		return newError(op, ErrConfiguration, errors.New("the client was not made with New"))
	case c.invalid != nil:
		return newError(op, ErrConfiguration, c.invalid)
	case ctx == nil:
		return newError(op, ErrInvalid, errors.New("the context is nil"))
	}
	return nil
}

// Format implements [fmt.Formatter]. It prints the address and the app ID.
func (c Client) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "pusher.Client(%sapps/%s)", c.server, c.app.AppID)
}

// LogValue implements [slog.LogValuer].
func (c Client) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// gen returns the generated client for one call.
func (c *Client) gen(info callInfo) *gen.ClientWithResponses {
	return &gen.ClientWithResponses{ClientInterface: &gen.Client{Server: c.server, Client: c.doer(info)}}
}

func (c *Client) doer(info callInfo) doer { return doer{c.pipeline, info} }

// logger returns the logger of the client. The default logger may change at any time.
func (c *Client) logger() *slog.Logger {
	if c == nil {
		return slog.Default()
	}
	return c.pipeline.log()
}

// Close waits until asynchronous calls have ended, and closes idle connections, except
// those of a client given to [WithHTTPClient]. Afterwards every call returns
// [ErrClosed], except of publishers: close them before, with [Publisher.Close]. If ctx
// is done first, Close returns an [*Error] with the context's error, and the calls
// continue.
func (c *Client) Close(ctx context.Context) error {
	const op = "Close"
	if err := c.usable(op, ctx); err != nil {
		return err
	}
	if err := c.async.close(ctx); err != nil {
		return newError(op, nil, fmt.Errorf("asynchronous calls are still running: %w", err))
	}
	c.pipeline.closeIdleConnections()
	return nil
}
