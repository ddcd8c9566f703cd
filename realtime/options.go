package realtime

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// version is sent to the server. It is that of package pusher.
const version = "0.1.0"

// An Option configures a [Conn].
type Option func(*config) error

type config struct {
	url             *url.URL
	authorizer      Authorizer
	channelEndpoint *endpoint
	userEndpoint    *endpoint
	client          *http.Client
	logger          *slog.Logger // nil for slog.Default at the time of logging
	timeout         time.Duration
	activityTimeout time.Duration
	pongTimeout     time.Duration
	minBackoff      time.Duration
	maxBackoff      time.Duration
	maxMessageBytes int64
}

func newConfig(rawURL string, opts []Option) (*config, error) {
	cfg := &config{
		client:          &http.Client{},
		timeout:         15 * time.Second,
		activityTimeout: 120 * time.Second,
		pongTimeout:     30 * time.Second,
		minBackoff:      time.Second,
		maxBackoff:      30 * time.Second,
		maxMessageBytes: 1 << 20,
	}
	u, err := parseURL(rawURL)
	cfg.url = u
	errs := []error{err}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("option is nil"))
			continue
		}
		errs = append(errs, opt(cfg))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &Error{Kind: ErrConfiguration, Err: errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))}
	}
	client := *cfg.client
	// A redirected POST becomes a GET, and a WebSocket handshake is not redirected.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.client = &client
	return cfg, nil
}

// Cluster returns the URL of an app in a cluster of Pusher, such as "eu" or "mt1".
func Cluster(cluster, key string) string { return Host("ws-"+cluster+".pusher.com", key) }

// Host returns the URL of an app on a server with TLS, such as "ws.example.com" or
// "localhost:6001". Without TLS, use a ws URL: "ws://localhost:6001/app/KEY".
func Host(host, key string) string { return "wss://" + host + "/app/" + url.PathEscape(key) }

// parseURL returns the URL of the WebSocket. Errors do not contain it, because it may
// have a password.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("URL cannot be parsed")
	}
	schemes := map[string]string{"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
	before, key, ok := strings.Cut(u.Path, "/app/")
	switch {
	case schemes[u.Scheme] == "":
		return nil, errors.New("URL does not start with wss, ws, https or http")
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, errors.New("URL has no host, or has a user or a fragment")
	case !ok || key == "" || strings.Contains(key, "/"):
		return nil, fmt.Errorf("the path of the URL does not end in /app/KEY: %.100q", before)
	}
	u.Scheme = schemes[u.Scheme]
	query := u.Query()
	query.Set("protocol", "7")
	query.Set("client", "pusher-go")
	query.Set("version", version)
	u.RawQuery = query.Encode()
	return u, nil
}

// An Authorizer authorizes subscriptions and sign-ins in the process of the program.
// [*auth.Authorizer] implements it. The methods are called concurrently and must return
// soon, because [Conn.Close] waits for them.
//
// If a method returns auth.ErrForbidden, or an error that is [ErrInvalid] or
// [ErrConfiguration], the subscription or sign-in has failed. After any other error, an
// existing subscription is retried.
type Authorizer interface {
	AuthorizePrivate(socketID, channel string) (*auth.ChannelAuthorization, error)
	AuthorizePresence(socketID, channel string, member auth.Member) (*auth.ChannelAuthorization, error)
	AuthenticateUser(socketID string, user auth.User) (*auth.UserAuthentication, error)
}

// WithAuthorizer authorizes private and presence channels, and sign-ins, in this
// process. It is for programs that know the secret of the app. The authorizer is
// usually that of the client, or the result of auth.New.
func WithAuthorizer(a Authorizer) Option {
	return func(c *config) error {
		if a == nil {
			return errors.New("WithAuthorizer: the authorizer is nil")
		}
		c.authorizer = a
		return nil
	}
}

// WithAuthEndpoint requests authorizations of private and presence channels from an
// endpoint of the app, as browsers do: by a POST of a form with socket_id and
// channel_name. The header, which may be nil, is sent with each request. It takes
// precedence over [WithAuthorizer].
//
// Source: Pusher Channels docs, "Implementing authorization endpoints".
func WithAuthEndpoint(endpointURL string, header http.Header) Option {
	return func(c *config) (err error) {
		c.channelEndpoint, err = newEndpoint("WithAuthEndpoint", endpointURL, header)
		return err
	}
}

// WithUserAuthEndpoint requests the authentication of the user for [Conn.SignIn] from
// an endpoint of the app, as browsers do: by a POST of a form with socket_id. See
// [WithAuthEndpoint].
//
// Source: Pusher Channels docs, "Implementing authentication endpoints".
func WithUserAuthEndpoint(endpointURL string, header http.Header) Option {
	return func(c *config) (err error) {
		c.userEndpoint, err = newEndpoint("WithUserAuthEndpoint", endpointURL, header)
		return err
	}
}

func newEndpoint(option, rawURL string, header http.Header) (*endpoint, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New(option + ": not an http or https URL with a host") // it may have a password
	}
	return &endpoint{rawURL, header.Clone()}, nil
}

// WithHTTPClient sets the client for WebSocket handshakes and for requests to the
// endpoints of the app. Its Transport determines TLS, proxies and how connections are
// dialed. Redirects are not followed. The default is a client with
// [http.DefaultTransport], which uses the proxy of the environment.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		c.client = client
		return nil
	}
}

// WithLogger sets the logger. The default is [slog.Default] at the time of logging. It
// gets lost connections and failed authorizations at level warn, opened connections at
// level info, and subscriptions at level debug. Secrets, signatures and the data of
// events are not logged. The logger must not call the Conn.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		c.logger = logger
		return nil
	}
}

// WithTimeout limits how long each of these may take: an attempt to connect, an
// authorization, the confirmation of a subscription or sign-in by the server, and
// writing a message. The default is 15 seconds.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.timeout = d
		return positive("WithTimeout", d)
	}
}

// WithActivityTimeout sets after what time without messages a ping is sent. The server
// can shorten it. The default is 120 seconds.
func WithActivityTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.activityTimeout = d
		return positive("WithActivityTimeout", d)
	}
}

// WithPongTimeout sets how long to wait for a message after a ping. Then the
// connection is considered lost. The default is 30 seconds.
func WithPongTimeout(d time.Duration) Option {
	return func(c *config) error {
		c.pongTimeout = d
		return positive("WithPongTimeout", d)
	}
}

// WithBackoff sets the shortest and the longest delay before an attempt to connect or
// to authorize is repeated. A delay is random, between the shortest one and a limit that
// starts with twice the shortest one and doubles with each attempt. The default is 1 to
// 30 seconds.
func WithBackoff(shortest, longest time.Duration) Option {
	return func(c *config) error {
		if shortest <= 0 || longest < shortest {
			return fmt.Errorf("WithBackoff(%v, %v): want 0 < shortest <= longest", shortest, longest)
		}
		c.minBackoff, c.maxBackoff = shortest, longest
		return nil
	}
}

// WithMaxMessageBytes limits a message of the server to n bytes. A longer one closes
// the connection with code 1009. The default is 1 MiB. The largest messages have the
// members of a presence channel.
func WithMaxMessageBytes(n int) Option {
	return func(c *config) error {
		if n < 1 {
			return fmt.Errorf("WithMaxMessageBytes(%d): at least 1 is required", n)
		}
		c.maxMessageBytes = int64(n)
		return nil
	}
}

func positive(option string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s(%v): the duration is not positive", option, d)
	}
	return nil
}

func (c *config) log() *slog.Logger {
	if c.logger != nil {
		return c.logger
	}
	return slog.Default()
}

func (c *config) newBackoff() backoff { return backoff{min: c.minBackoff, max: c.maxBackoff} }

// A SubscribeOption configures a subscription.
type SubscribeOption func(*Channel) error

// WithMember subscribes to a presence channel as this member. It is required with
// [WithAuthorizer]. With [WithAuthEndpoint] it is invalid, because the endpoint decides.
func WithMember(member auth.Member) SubscribeOption {
	return func(ch *Channel) error {
		switch {
		case !protocol.IsPresence(ch.name):
			return invalid("WithMember: not a presence channel: %q", ch.name)
		case ch.conn.cfg.channelEndpoint != nil:
			return invalid("WithMember: the endpoint of WithAuthEndpoint determines the member")
		}
		ch.member = &member
		return nil
	}
}
