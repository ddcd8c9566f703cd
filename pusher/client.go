package pusher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/signing"
	"github.com/openchannels/pusher-go/webhook"
)

// Version is the version of this library, sent in the header X-Pusher-Library.
const Version = "0.1.0"

// A Client calls the API for one app. It is safe for concurrent use and immutable,
// except for the clock offset that it learns from the server. A program can have any
// number of clients. Every call of the zero value returns [ErrConfiguration].
type Client struct {
	app           Credentials // without the secret
	server        string      // base URL with a trailing slash, as package gen takes it
	basePath      string      // the path in it, escaped and without a trailing slash
	transport     *transport
	api           *gen.ClientWithResponses
	authorizer    *auth.Authorizer
	webhooks      *webhook.Verifier
	masterKey     *encryption.MasterKey // nil without encrypted channels
	maxEventBytes int
	vacant404     bool
	async         *asyncCalls
	invalid       error // why the default client is unusable
}

// New returns a client for the app. It performs no I/O. If credentials or options
// are invalid, it returns [ErrConfiguration] with all of the reasons.
func New(app Credentials, opts ...Option) (*Client, error) {
	return newClient("New", app, opts)
}

func newClient(op string, app Credentials, opts []Option) (*Client, error) {
	cfg := defaultConfig()
	errs := []error{app.validate(), signing.CheckCredentials(app.Key, app.Secret)}
	for _, opt := range opts {
		if opt == nil {
			opt = func(*config) error { return errors.New("an option is nil") }
		}
		errs = append(errs, opt(&cfg))
	}
	errs = append(errs, cfg.validate())
	if err := errors.Join(errs...); err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}

	clock := &clock{}
	signer, err := signing.New(app.Key, app.Secret, signing.WithClock(clock.now))
	if err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}
	authorizer, err := auth.New(app.Key, app.Secret, cfg.authorizer...)
	if err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}
	webhooks, err := webhook.New(app.Key, app.Secret, cfg.webhooks...)
	if err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}
	c := &Client{
		app:           Credentials{AppID: app.AppID, Key: app.Key},
		server:        cfg.baseURL().String() + "/",
		basePath:      cfg.baseURL().path,
		transport:     newTransport(&cfg, signer.Edit, clock),
		authorizer:    authorizer,
		webhooks:      webhooks,
		masterKey:     cfg.masterKey,
		maxEventBytes: cfg.maxEventBytes,
		vacant404:     cfg.vacant404,
		async:         newAsyncCalls(cfg.asyncLimit, cfg.logger),
	}
	c.api, err = gen.NewClientWithResponses(c.server, gen.WithHTTPClient(apiDoer{c}))
	if err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}
	return c, nil
}

// API returns the client generated from openapi.yaml, whose methods take the app ID
// of [Client.AppID]. Its requests are signed, retried and checked like those of the
// other methods and return an [*Error]. Arguments are not validated, except that
// unencrypted data on encrypted channels is rejected as [ErrInvalid]. Request
// editors that are passed to a method run before the request is signed. API never
// returns nil: the methods of the zero Client's API return [ErrConfiguration].
func (c *Client) API() *gen.ClientWithResponses {
	if c == nil || c.api == nil {
		return &gen.ClientWithResponses{ClientInterface: &gen.Client{Client: apiDoer{c}}}
	}
	return c.api
}

// AppID returns the ID of the client's app.
func (c *Client) AppID() string {
	if c == nil {
		return ""
	}
	return c.app.AppID
}

// ready reports whether the client can make calls.
func (c *Client) ready(op string, ctx context.Context) error {
	switch {
	case c == nil || c.transport == nil && c.invalid == nil:
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

// send makes the call for a request that was built by package gen. It returns the
// decoded response.
func send[T any](c *Client, ctx context.Context, call call, req *http.Request, decode func([]byte) (T, error)) (T, error) {
	var value T
	err := c.transport.send(req.WithContext(ctx), call, func(body []byte) (err error) {
		value, err = decode(body)
		return err
	})
	return value, err
}
