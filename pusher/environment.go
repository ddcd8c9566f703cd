package pusher

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// NewFromURL returns a client for an app that is given as one URL,
//
//	https://KEY:SECRET@api-CLUSTER.pusher.com/apps/APP_ID
//
// the form of PUSHER_URL. The scheme http turns TLS off unless [WithTLS] turns it
// on. Errors are [ErrConfiguration] and do not repeat the URL.
func NewFromURL(rawURL string, opts ...Option) (*Client, error) {
	app, base, err := parseURL(rawURL)
	if err != nil {
		return nil, &Error{Op: "NewFromURL", Kind: ErrConfiguration, Err: err}
	}
	return newClient("NewFromURL", app, append([]Option{WithBaseURL(base)}, opts...))
}

// NewFromEnv returns a client for the app that the environment names: PUSHER_URL,
// as in [NewFromURL], or else the separate variables
//
//	PUSHER_APP_ID  PUSHER_APP_KEY or PUSHER_KEY  PUSHER_APP_SECRET or PUSHER_SECRET
//	PUSHER_APP_CLUSTER or PUSHER_CLUSTER
//	PUSHER_HOST  PUSHER_PORT  PUSHER_SCHEME (http or https; the default is https)
//
// PUSHER_HOST beats the cluster. A variable that is empty counts as unset.
// Errors are [ErrConfiguration].
func NewFromEnv(opts ...Option) (*Client, error) {
	const op = "NewFromEnv"
	if rawURL := os.Getenv("PUSHER_URL"); rawURL != "" {
		app, base, err := parseURL(rawURL)
		if err != nil {
			return nil, &Error{Op: op, Kind: ErrConfiguration, Err: fmt.Errorf("PUSHER_URL: %w", err)}
		}
		return newClient(op, app, append([]Option{WithBaseURL(base)}, opts...))
	}
	app := Credentials{
		AppID:  os.Getenv("PUSHER_APP_ID"),
		Key:    firstEnv("PUSHER_APP_KEY", "PUSHER_KEY"),
		Secret: firstEnv("PUSHER_APP_SECRET", "PUSHER_SECRET"),
	}
	if app == (Credentials{}) {
		return nil, &Error{Op: op, Kind: ErrConfiguration, Err: errors.New("neither PUSHER_URL nor PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET are set")}
	}
	return newClient(op, app, append(serverFromEnv(), opts...))
}

// serverFromEnv gives the options that the variables for the server stand for.
func serverFromEnv() []Option {
	var opts []Option
	if cluster := firstEnv("PUSHER_APP_CLUSTER", "PUSHER_CLUSTER"); cluster != "" {
		opts = append(opts, WithCluster(cluster))
	}
	if host := os.Getenv("PUSHER_HOST"); host != "" {
		opts = append(opts, WithHost(host))
	}
	if port := os.Getenv("PUSHER_PORT"); port != "" {
		opts = append(opts, withPort(port))
	}
	switch scheme := os.Getenv("PUSHER_SCHEME"); scheme {
	case "":
	case "http", "https":
		opts = append(opts, WithTLS(scheme == "https"))
	default:
		opts = append(opts, func(*config) error {
			return fmt.Errorf("PUSHER_SCHEME: want http or https, got %s", shown(scheme))
		})
	}
	return opts
}

func withPort(port string) Option {
	return func(c *config) error {
		if (&url.URL{Host: c.host}).Port() != "" {
			return fmt.Errorf("PUSHER_PORT: PUSHER_HOST %q has a port already", c.host)
		}
		if err := WithHost(c.host + ":" + port)(c); err != nil {
			return fmt.Errorf("PUSHER_PORT: want a number, got %s", shown(port))
		}
		return nil
	}
}

func firstEnv(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// parseURL splits SCHEME://KEY:SECRET@HOST/PREFIX/apps/APP_ID. Its errors repeat
// nothing of the URL, which holds the secret.
func parseURL(rawURL string) (app Credentials, base string, err error) {
	const want = "want https://KEY:SECRET@HOST/apps/APP_ID"
	u, err := url.Parse(rawURL)
	if err != nil {
		return app, "", errors.New("not a URL: " + want)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return app, "", errors.New("the scheme is neither http nor https: " + want)
	}
	secret, hasSecret := u.User.Password()
	if !hasSecret {
		return app, "", errors.New("no key and secret: " + want)
	}
	prefix, appID, found := cutLast(strings.TrimSuffix(u.EscapedPath(), "/"), "/apps/")
	if !found || u.RawQuery != "" || u.Fragment != "" {
		return app, "", errors.New("the path does not end in /apps/APP_ID: " + want)
	}
	app = Credentials{AppID: appID, Key: u.User.Username(), Secret: secret}
	return app, u.Scheme + "://" + u.Host + prefix, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
