package pusher

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// discardURL is the PUSHER_URL of a client that sends nothing.
const discardURL = "discard:"

// NewFromURL returns a client for an app that is given by one URL, in the form of
// PUSHER_URL:
//
//	https://KEY:SECRET@api-CLUSTER.pusher.com/apps/APP_ID
//
// The scheme http disables TLS. The URL "discard:" returns a client that sends nothing, see
// [WithDiscard]. NewFromURL returns [ErrConfiguration] if the URL or an option is
// invalid; the error does not contain the URL.
func NewFromURL(rawURL string, opts ...Option) (*Client, error) {
	return newFromURL("NewFromURL", rawURL, opts)
}

// NewFromEnv returns a client for the app that the environment describes: by
// PUSHER_URL, see [NewFromURL], or otherwise by the separate variables
//
//	PUSHER_APP_ID  PUSHER_APP_KEY or PUSHER_KEY  PUSHER_APP_SECRET or PUSHER_SECRET
//	PUSHER_APP_CLUSTER or PUSHER_CLUSTER
//	PUSHER_HOST  PUSHER_PORT  PUSHER_SCHEME (http or https; the default is https)
//
// PUSHER_HOST takes precedence over the cluster, and an option over the environment.
// An empty variable counts as unset. NewFromEnv returns [ErrConfiguration] if a
// variable or an option is invalid.
func NewFromEnv(opts ...Option) (*Client, error) {
	const op = "NewFromEnv"
	if rawURL := os.Getenv("PUSHER_URL"); rawURL != "" {
		return newFromURL(op, rawURL, opts)
	}
	app := Credentials{
		AppID:  os.Getenv("PUSHER_APP_ID"),
		Key:    firstEnv("PUSHER_APP_KEY", "PUSHER_KEY"),
		Secret: firstEnv("PUSHER_APP_SECRET", "PUSHER_SECRET"),
	}
	for _, required := range [...]struct{ name, value string }{
		{"PUSHER_APP_ID", app.AppID}, {"PUSHER_APP_KEY", app.Key}, {"PUSHER_APP_SECRET", app.Secret},
	} {
		if required.value == "" {
			return nil, newError(op, ErrConfiguration, fmt.Errorf("neither PUSHER_URL nor %s is set", required.name))
		}
	}
	return newClient(op, app, append([]Option{withAddressFromEnv}, opts...))
}

func newFromURL(op, rawURL string, opts []Option) (*Client, error) {
	if rawURL == discardURL {
		app := Credentials{AppID: "0", Key: "discard", Secret: rand.Text()}
		return newClient(op, app, append([]Option{WithDiscard()}, opts...))
	}
	app, base, err := parseURL(rawURL)
	if err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}
	return newClient(op, app, append([]Option{WithBaseURL(base)}, opts...))
}

// withAddressFromEnv is the option that the address variables stand for.
func withAddressFromEnv(c *config) error {
	if cluster := firstEnv("PUSHER_APP_CLUSTER", "PUSHER_CLUSTER"); cluster != "" {
		if err := WithCluster(cluster)(c); err != nil {
			return err
		}
	}
	host := os.Getenv("PUSHER_HOST")
	if strings.Contains(host, "://") {
		return errors.New("PUSHER_HOST: want a host name without https://; PUSHER_URL is the variable for a URL")
	}
	if port := os.Getenv("PUSHER_PORT"); port != "" {
		if host == "" {
			host = c.address.host
		}
		if (&url.URL{Host: host}).Port() != "" {
			return fmt.Errorf("PUSHER_PORT: PUSHER_HOST %s already has a port", quoteSetting(host))
		}
		host += ":" + port
	}
	if host != "" {
		if err := checkHost(host); err != nil {
			return fmt.Errorf("PUSHER_HOST and PUSHER_PORT (%s): %w", quoteSetting(host), err)
		}
		c.address = address{scheme: "https", host: host}
	}
	switch scheme := os.Getenv("PUSHER_SCHEME"); scheme {
	case "":
	case "http", "https":
		c.address.scheme = scheme
	default:
		return fmt.Errorf("PUSHER_SCHEME: want http or https, got %s", quoteSetting(scheme))
	}
	return nil
}

func firstEnv(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// parseURL splits SCHEME://KEY:SECRET@HOST/PREFIX/apps/APP_ID. Its errors do not
// quote the URL, which contains the secret.
func parseURL(rawURL string) (app Credentials, base string, err error) {
	const want = "want https://KEY:SECRET@HOST/apps/APP_ID"
	u, err := url.Parse(rawURL)
	if err != nil {
		return app, "", errors.New("the URL is invalid: " + want)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return app, "", errors.New("the URL does not start with http:// or https://: " + want)
	}
	secret, hasSecret := u.User.Password()
	if !hasSecret {
		return app, "", errors.New("the URL has no key and secret: " + want)
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	i := strings.LastIndex(path, "/apps/")
	if i < 0 || u.RawQuery != "" || u.Fragment != "" {
		return app, "", errors.New("the URL does not end in /apps/APP_ID: " + want)
	}
	app = Credentials{AppID: path[i+len("/apps/"):], Key: u.User.Username(), Secret: secret}
	return app, u.Scheme + "://" + u.Host + path[:i], nil
}
