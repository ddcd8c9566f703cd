package pusher

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/webhook"
)

// Credentials identify an app. Pusher's dashboard shows them under "App Keys".
// They print without the secret.
type Credentials struct {
	AppID  string
	Key    string
	Secret string `json:"-"`
}

// validate looks at the app ID; key and secret are looked at by the signer.
func (c Credentials) validate() error {
	switch {
	case c.AppID == "":
		return errors.New("app ID is empty")
	case c.AppID == "." || c.AppID == ".." || strings.ContainsFunc(c.AppID, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("/?#%", r)
	}):
		// Not repeated: it may be another part of a URL, pasted into the wrong place.
		return errors.New("app ID: want what can stand in a URL path")
	}
	return nil
}

// Format keeps the secret out of everything that fmt prints.
func (c Credentials) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "{AppID:%s Key:%s Secret:[REDACTED]}", c.AppID, c.Key)
}

// LogValue keeps the secret out of logs.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("app_id", c.AppID), slog.String("key", c.Key))
}

// An Option changes how a [Client] works. [New] reports every option that cannot
// be used.
type Option func(*config) error

type config struct {
	scheme        string // of host
	host          string
	path          string // in front of /apps, without a trailing slash
	tls           *bool  // nil unless WithTLS said it
	proxy         *url.URL
	httpClient    *http.Client
	timeout       time.Duration
	retry         Retry
	logger        *slog.Logger
	maxEventBytes int
	asyncLimit    int
	masterKey     *encryption.MasterKey // nil without encrypted channels
	authorizer    []auth.Option
	webhooks      []webhook.Option
}

const (
	defaultHost    = "api-mt1.pusher.com"
	defaultTimeout = 5 * time.Second
)

func defaultConfig() config {
	return config{
		scheme:        "https",
		host:          defaultHost,
		retry:         defaultRetry,
		maxEventBytes: protocol.MaxEventBytes,
		asyncLimit:    defaultAsyncLimit,
	}
}

// baseURL is what stands in front of /apps.
func (c *config) baseURL() string {
	scheme := c.scheme
	if c.tls != nil {
		scheme = "http"
		if *c.tls {
			scheme = "https"
		}
	}
	return scheme + "://" + c.host + c.path
}

// check finds options that contradict each other.
func (c *config) check() error {
	if c.proxy != nil && c.httpClient != nil {
		return errors.New("WithHTTPProxy has no effect beside WithHTTPClient: set the proxy on that client's transport")
	}
	return nil
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// WithCluster sends requests to https://api-NAME.pusher.com. The default is mt1.
// Of WithCluster, [WithHost] and [WithBaseURL] the last one counts.
func WithCluster(name string) Option {
	return func(c *config) error {
		if !clusterName.MatchString(name) {
			return fmt.Errorf("WithCluster(%s): want lower-case letters, digits and hyphens", shown(name))
		}
		c.host, c.path = "api-"+name+".pusher.com", ""
		return nil
	}
}

// WithHost sends requests to a server of one's own, given as host or host:port.
func WithHost(host string) Option {
	return func(c *config) error {
		u, err := url.Parse("//" + host)
		if err != nil || host == "" || u.Host != host || u.Hostname() == "" {
			return fmt.Errorf("WithHost: want host or host:port, got %s", shown(host))
		}
		c.host, c.path = host, ""
		return nil
	}
}

// WithBaseURL sends requests to a server of one's own, given with its scheme and,
// where the API does not stand at the root, with the path in front of /apps. The
// path is part of what is signed.
func WithBaseURL(base string) Option {
	return func(c *config) error {
		u, err := url.Parse(base)
		if err != nil {
			// The parser quotes what may be half a password.
			return errors.New("WithBaseURL: not a URL")
		}
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("WithBaseURL: want no user, query or fragment")
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return errors.New("WithBaseURL: want http://HOST or https://HOST")
		}
		if strings.Contains(u.Path, "://") {
			// Pasted twice, and perhaps with a secret in the second half.
			return errors.New("WithBaseURL: want one URL")
		}
		c.scheme, c.host, c.path = u.Scheme, u.Host, strings.TrimRight(u.EscapedPath(), "/")
		return nil
	}
}

// WithTLS turns TLS on or off whatever the scheme of the URL. It is on unless an
// http:// URL or WithTLS(false) turns it off.
func WithTLS(on bool) Option {
	return func(c *config) error {
		c.tls = &on
		return nil
	}
}

// WithHTTPProxy sends requests through a proxy, such as
// http://user:password@proxy.example:3128; https:// and socks5:// work as well.
// Without it the proxy is the environment's (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
func WithHTTPProxy(proxy string) Option {
	return func(c *config) error {
		// Neither the URL nor the parser's error is repeated: both hold the password.
		u, err := url.Parse(proxy)
		if err != nil || u.Hostname() == "" {
			return errors.New("WithHTTPProxy: want a URL like http://user:password@host:port")
		}
		switch u.Scheme {
		case "http", "https", "socks5", "socks5h":
			c.proxy = u
			return nil
		}
		return fmt.Errorf("WithHTTPProxy: the scheme %q is none of http, https, socks5, socks5h", u.Scheme)
	}
}

// WithHTTPClient sends requests with the transport, cookies and timeout of hc.
// Redirects are not followed even if hc follows them. A timeout of zero is
// replaced by the client's own, see [WithTimeout]. The client does not change hc.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return errors.New("WithHTTPClient: nil client")
		}
		c.httpClient = hc
		return nil
	}
}

// WithTimeout limits each try of a request, from connecting to the last byte of
// the answer. The default is 5 s. A context limits the call with all its tries.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout(%v): want more than 0", d)
		}
		c.timeout = d
		return nil
	}
}

// WithLogger sends the client's log lines to logger; the default is
// [slog.Default]. Requests are logged at debug, retries at warn. An error that is
// returned is not logged.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: nil logger; to be quiet use slog.New(slog.DiscardHandler)")
		}
		c.logger = logger
		c.authorizer = append(c.authorizer, auth.WithLogger(logger))
		c.webhooks = append(c.webhooks, webhook.WithLogger(logger))
		return nil
	}
}

// WithMaxEventBytes changes how many bytes the data of one event may have, for
// accounts and servers with another limit. The default is 10,240.
func WithMaxEventBytes(n int) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("WithMaxEventBytes(%d): want more than 0", n)
		}
		c.maxEventBytes = n
		return nil
	}
}

// WithEncryptionMasterKey encrypts the events of private-encrypted- channels end
// to end, hands the channel's key to those who may subscribe, and decrypts client
// events in webhooks. The key is 32 bytes in standard Base64, for example from
//
//	openssl rand -base64 32
//
// Pusher never sees it. A subscriber keeps the channel key that it was given: to
// replace the master key, make a client with the new one, and let it both publish
// and authorize from one moment on. pusher-js asks for the new key when it meets an
// event that it cannot decrypt; other subscribers have to subscribe again.
//
// Source: Pusher Channels docs, "Encrypted channels".
func WithEncryptionMasterKey(base64 string) Option {
	return func(c *config) error {
		key, err := encryption.ParseMasterKey(base64)
		if err != nil {
			return fmt.Errorf("WithEncryptionMasterKey: %w", err)
		}
		c.masterKey = key
		c.authorizer = append(c.authorizer, auth.WithEncryptionMasterKey(base64))
		c.webhooks = append(c.webhooks, webhook.WithEncryptionMasterKey(base64))
		return nil
	}
}
