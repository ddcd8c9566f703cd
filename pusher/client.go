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

// Version is the version of this library, sent as X-Pusher-Library.
const Version = "0.1.0"

// A Client talks to one app. Any number of goroutines may use it; nothing of it
// changes after [New] but what it learns of the server's clock. Make as many as
// there are apps or configurations. The zero value refuses every call.
type Client struct {
	app           Credentials
	baseURL       string
	api           *gen.ClientWithResponses
	transport     *transport // api's, for requests that it does not know
	authorizer    *auth.Authorizer
	webhooks      *webhook.Verifier
	masterKey     *encryption.MasterKey // nil without encrypted channels
	maxEventBytes int
	calls         *calls // asynchronous ones
	broken        error  // why the default client could not be made
}

// New returns a client for the app. It reports every unusable credential and
// option at once, as [ErrConfiguration], and does no I/O.
func New(app Credentials, opts ...Option) (*Client, error) {
	return newClient("New", app, opts)
}

func newClient(op string, app Credentials, opts []Option) (*Client, error) {
	cfg := defaultConfig()
	signer, err := signing.New(app.Key, app.Secret)
	errs := []error{app.validate(), err}
	for _, opt := range opts {
		errs = append(errs, opt(&cfg))
	}
	errs = append(errs, cfg.check())
	if err := errors.Join(errs...); err != nil {
		return nil, &Error{Op: op, Kind: ErrConfiguration, Err: err}
	}

	authorizer, err := auth.New(app.Key, app.Secret, cfg.authorizer...)
	if err != nil {
		return nil, &Error{Op: op, Kind: ErrConfiguration, Err: err}
	}
	webhooks, err := webhook.NewVerifier(webhook.Token{Key: app.Key, Secret: app.Secret}, cfg.webhooks...)
	if err != nil {
		return nil, &Error{Op: op, Kind: ErrConfiguration, Err: err}
	}

	// The signers have it. A Client without it shows no secret to what prints by
	// reflection, as fmt does the unexported fields of a struct.
	app.Secret = ""

	carrier := newTransport(&cfg, signer)
	api, err := gen.NewClientWithResponses(cfg.baseURL(), gen.WithHTTPClient(carrier))
	if err != nil {
		return nil, &Error{Op: op, Kind: ErrConfiguration, Err: err}
	}
	return &Client{
		app:           app,
		baseURL:       cfg.baseURL(),
		api:           api,
		transport:     carrier,
		authorizer:    authorizer,
		webhooks:      webhooks,
		masterKey:     cfg.masterKey,
		maxEventBytes: cfg.maxEventBytes,
		calls:         newCalls(cfg.asyncLimit, carrier.log),
	}, nil
}

// API returns the client that is generated from openapi.yaml, for the app ID that
// it is called with. Its requests are signed, retried and checked like those of
// the other methods, and fail with an [*Error], whose Op is method and path.
// Request editors given to its methods run before the request is signed. It is
// never nil; that of a client that was not made with [New] refuses every call.
func (c *Client) API() *gen.ClientWithResponses {
	if c == nil || c.api == nil {
		return &gen.ClientWithResponses{ClientInterface: &gen.Client{Client: refuser{c}}}
	}
	return c.api
}

// refuser stands in for the transport of a client that has none.
type refuser struct{ client *Client }

func (r refuser) Do(req *http.Request) (*http.Response, error) {
	return nil, r.client.ready(req.Method+" "+req.URL.Path, req.Context())
}

// AppID is the ID of the client's app, as the methods of [Client.API] want it.
func (c *Client) AppID() string {
	if c == nil {
		return ""
	}
	return c.app.AppID
}

// ready is the first line of every call.
func (c *Client) ready(op string, ctx context.Context) error {
	switch {
	case c == nil || c.api == nil && c.broken == nil:
		return &Error{Op: op, Kind: ErrConfiguration, Err: errors.New("the client was not made with New")}
	case c.broken != nil:
		return &Error{Op: op, Kind: ErrConfiguration, Err: c.broken}
	case ctx == nil:
		return refused(op, errors.New("the context is nil"))
	}
	return nil
}

// Format keeps secrets out of everything that fmt prints, also of a Client that
// is no pointer.
func (c Client) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "pusher.Client(%s/apps/%s)", c.baseURL, c.app.AppID)
}

// LogValue keeps secrets out of logs.
func (c Client) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }
