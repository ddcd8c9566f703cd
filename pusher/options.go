package pusher

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/signing"
	"github.com/openchannels/pusher-go/webhook"
)

// Credentials identify an app. Pusher's dashboard shows them under "App Keys".
//
// Printed with fmt, logged with log/slog or encoded as JSON or XML, they do not
// show the secret. The fmt package cannot honour that for Credentials in an
// unexported field of another struct.
type Credentials struct {
	AppID  string
	Key    string
	Secret string `json:"-" xml:"-"`
}

func (c Credentials) validate() error {
	errs := []error{checkAppID(c.AppID), signing.CheckCredentials(c.Key, c.Secret)}
	if c.AppID == "" || c.Key == "" || c.Secret == "" {
		errs = append(errs, errors.New("NewFromEnv reads credentials from PUSHER_URL, or from PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET"))
	}
	return sentinel.Join(errs...)
}

// checkAppID does not quote the ID: it may be another part of a URL, pasted into the
// wrong place.
func checkAppID(id string) error {
	isInvalid := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/?#%", r) }
	switch {
	case id == "":
		return errors.New("the app ID is empty")
	case id == ".", id == "..", strings.ContainsFunc(id, isInvalid):
		return errors.New("the app ID contains a character that cannot be part of a URL path segment")
	}
	return nil
}

// Format implements [fmt.Formatter]. It omits the secret.
func (c Credentials) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "{AppID:%s Key:%s Secret:[REDACTED]}", c.AppID, c.Key)
}

// LogValue implements [slog.LogValuer]. It omits the secret.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("app_id", c.AppID), slog.String("key", c.Key))
}

// An Option configures a [Client]. [New] reports all invalid options at once.
type Option func(*config) error

type config struct {
	address          address
	proxy            *url.URL
	httpClient       *http.Client
	timeout          time.Duration
	retry            Retry
	logger           *slog.Logger
	observer         Observer
	maxEventBytes    int
	maxBodyBytes     int    // 0 for no limit
	pathPrefix       string // escaped, without a trailing slash
	vacantOnNotFound bool
	discard          bool
	masterKey        *encryption.MasterKey // nil without encrypted channels
	authorizer       []auth.Option
	webhooks         []webhook.Option
}

// address is the part of a request's URL in front of /apps.
type address struct {
	scheme, host, path string // path is escaped and has no trailing slash
}

func (a address) String() string { return a.scheme + "://" + a.host + a.path }

const defaultTimeout = 5 * time.Second

func defaultConfig() config {
	return config{
		address:       address{scheme: "https", host: "api-mt1.pusher.com"},
		retry:         defaultRetry,
		maxEventBytes: protocol.MaxEventBytes,
	}
}

// validate reports options that contradict each other.
func (c *config) validate() error {
	if c.proxy != nil && c.httpClient != nil {
		return errors.New("WithHTTPProxy has no effect together with WithHTTPClient: set the proxy on the transport of that client")
	}
	return nil
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// WithCluster sends requests to the Pusher cluster of the app, such as "eu" or
// "ap2", at https://api-NAME.pusher.com. The default is "mt1". The last of WithCluster
// and [WithBaseURL] wins.
func WithCluster(name string) Option {
	return func(c *config) error {
		if !clusterName.MatchString(name) {
			return fmt.Errorf("WithCluster(%s): cluster names consist of lower-case letters, digits and hyphens", quoteSetting(name))
		}
		c.address = address{scheme: "https", host: "api-" + name + ".pusher.com"}
		return nil
	}
}

// WithBaseURL sends requests to a server given by its scheme and host, such as
// "https://soketi.internal:6001". The scheme http disables TLS. If the API is not at
// the root of the server, the URL also has the path in front of /apps. That path is
// part of the signed text; for a path that is not, see [WithPathPrefix].
func WithBaseURL(base string) Option {
	return func(c *config) error {
		parsed, err := parseBaseURL(base)
		if err != nil {
			return fmt.Errorf("WithBaseURL: %w", err)
		}
		c.address = parsed
		return nil
	}
}

// parseBaseURL returns errors that do not quote the URL: it may contain a secret.
func parseBaseURL(base string) (address, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return address{}, errors.New("not a valid URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return address{}, errors.New("the URL has a user, a query or a fragment")
	case u.Scheme != "http" && u.Scheme != "https":
		return address{}, errors.New("the URL does not start with http:// or https://")
	}
	if err := checkHost(u.Host); err != nil {
		return address{}, err
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for segment := range strings.SplitSeq(strings.TrimPrefix(u.Path, "/"), "/") {
		if segment == "." || segment == ".." {
			return address{}, errors.New(`the path has a "." or ".." segment`)
		}
	}
	if strings.Contains(path, "//") {
		return address{}, errors.New("the path has an empty segment")
	}
	return address{u.Scheme, u.Host, path}, nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// checkHost reports why host is not NAME, IPV4 or [IPV6] with an optional port.
func checkHost(host string) error {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("the port is not a number from 1 to 65535; IPv6 addresses are written in brackets")
		}
	}
	if ip, ok := strings.CutPrefix(name, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(ip, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return errors.New("the address in brackets is not an IPv6 address without a zone")
		}
		return nil
	}
	if !hostName.MatchString(name) {
		return errors.New("want HOST or HOST:PORT")
	}
	return nil
}

// WithHTTPProxy sends requests through a proxy, such as
// "http://user:password@proxy.example:3128". The schemes http, https, socks5 and
// socks5h are supported. The default is the proxy of the environment (HTTPS_PROXY,
// HTTP_PROXY, NO_PROXY).
func WithHTTPProxy(proxy string) Option {
	return func(c *config) error {
		// Neither the URL nor the parser's error is quoted: both contain the password.
		u, err := url.Parse(proxy)
		if err != nil || u.Hostname() == "" {
			return errors.New("WithHTTPProxy: want a URL such as http://user:password@host:port")
		}
		switch u.Scheme {
		case "http", "https", "socks5", "socks5h":
			c.proxy = u
			return nil
		}
		return fmt.Errorf("WithHTTPProxy: scheme %q is not one of http, https, socks5, socks5h", u.Scheme)
	}
}

// WithHTTPClient sends requests with the transport, the cookies and the timeout of
// hc. Redirects are not followed even if hc follows them. [WithTimeout] takes
// precedence over the timeout of hc. The client does not change hc.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return errors.New("WithHTTPClient: client is nil")
		}
		c.httpClient = hc
		return nil
	}
}

// WithTimeout limits each attempt of a request, from connecting to the last byte of
// the response. The default is 5 s. A context limits the whole call.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout(%v): want more than 0", d)
		}
		c.timeout = d
		return nil
	}
}

// WithLogger sets the logger. The default is [slog.Default]. Requests are logged at
// level debug and retries at level warn. Errors that are returned are not logged.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: logger is nil; to log nothing use slog.New(slog.DiscardHandler)")
		}
		c.logger = logger
		c.authorizer = append(c.authorizer, auth.WithLogger(logger))
		c.webhooks = append(c.webhooks, webhook.WithLogger(logger))
		return nil
	}
}

// WithMaxEventBytes sets how many bytes the data of one event may have, for accounts
// and servers with another limit. The default is 10,240.
func WithMaxEventBytes(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxEventBytes(%d): want more than 0", n)
		}
		c.maxEventBytes = n
		return nil
	}
}

// WithMaxBodyBytes sets how many bytes the body of a request may have, for servers that
// limit requests as a whole: Laravel Reverb needs 9,000, because its limit of 10,000
// includes the header. Calls whose body is larger return [ErrTooLarge] without sending
// anything, and a [Publisher] fills its batches up to n. By default there is no limit.
func WithMaxBodyBytes(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxBodyBytes(%d): want more than 0", n)
		}
		c.maxBodyBytes = n
		return nil
	}
}

// WithPathPrefix puts a path, such as "/reverb", in front of the path of each request
// after it has been signed. It is for servers behind a reverse proxy that removes the
// path, and for Laravel Reverb's REVERB_SERVER_PATH. The path of [WithBaseURL], in
// contrast, is part of the signed text.
func WithPathPrefix(prefix string) Option {
	return func(c *config) error {
		prefix = strings.TrimSuffix(prefix, "/")
		if !pathPrefix.MatchString(prefix) {
			return fmt.Errorf("WithPathPrefix: %.100q is not a path such as /reverb, of letters, digits and the characters - . _ ~", prefix)
		}
		c.pathPrefix = prefix
		return nil
	}
}

// A segment has at least one character other than a dot.
var pathPrefix = regexp.MustCompile(`^(/\.*[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// WithEncryptionMasterKey enables private-encrypted- channels: it encrypts events,
// authorizes subscribers and decrypts client events in webhooks. A key is 32 bytes
// in standard base64, for example from
//
//	openssl rand -base64 32
//
// Pusher never receives it. Previous keys only decrypt client events that were sent
// before a rotation. Subscribers keep the channel key they were authorized with:
// pusher-js requests a new one when it receives an event that it cannot decrypt,
// other clients have to subscribe again.
//
// Source: Pusher Channels docs, "Encrypted channels".
func WithEncryptionMasterKey(current string, previous ...string) Option {
	return func(c *config) error {
		key, err := encryption.ParseMasterKey(current)
		if err != nil {
			return fmt.Errorf("WithEncryptionMasterKey: %w", err)
		}
		for i, text := range previous {
			if _, err := encryption.ParseMasterKey(text); err != nil {
				return fmt.Errorf("WithEncryptionMasterKey: previous key %d: %w", i+1, err)
			}
		}
		c.masterKey = key
		c.authorizer = append(c.authorizer, auth.WithEncryptionMasterKey(current))
		c.webhooks = append(c.webhooks, webhook.WithEncryptionMasterKey(current, previous...))
		return nil
	}
}

// WithWebhookOptions configures the verifier of [Client.WebhookVerifier] and
// [Client.ParseWebhook], for example with a second key during a rotation.
func WithWebhookOptions(opts ...webhook.Option) Option {
	return func(c *config) error {
		c.webhooks = append(c.webhooks, opts...)
		return nil
	}
}

// WithVacantOnNotFound makes [Client.ChannelInfo] and [Client.ChannelUsers] report a
// vacant channel if the server responds with 404 and no text or "Unknown channel", or
// with 400 "Could not find a channel". Use it for servers that do so, such as Laravel
// Reverb on one node. Any other 404 is an [ErrNotFound], for example for a wrong app ID.
func WithVacantOnNotFound() Option {
	return func(c *config) error {
		c.vacantOnNotFound = true
		return nil
	}
}

// quoteSetting quotes an invalid setting, unless it looks like a part of
// KEY:SECRET@HOST, which people paste into the wrong option.
func quoteSetting(setting string) string {
	if strings.ContainsAny(setting, "@/") || strings.Contains(setting, ":") && len(setting) > 20 || len(setting) > 100 {
		return "a value that is not shown because it may contain a secret"
	}
	return strconv.Quote(setting)
}
