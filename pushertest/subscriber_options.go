package pushertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/openchannels/pusher-go/internal/encryption"
)

// A SubscribeOption configures a [Subscriber].
type SubscribeOption func(*subscriberConfig) error

type subscriberConfig struct {
	member, user   string // JSON, or ""
	authorizer     *appEndpoint
	authenticator  *appEndpoint
	header         http.Header
	decrypt        func(channel string, data []byte) ([]byte, error) // or nil
	protocolEvents bool
}

func newSubscriberConfig(opts []SubscribeOption) (c subscriberConfig, err error) {
	for _, opt := range opts {
		if opt == nil {
			return c, errors.New("an option is nil")
		}
		if err := opt(&c); err != nil {
			return c, err
		}
	}
	switch {
	case c.authorizer != nil && (c.member != "" || c.decrypt != nil):
		err = errors.New("AsMember or Decrypt is set, but the app authorizes the subscription")
	case c.authenticator != nil && c.user != "":
		err = errors.New("AsUser is set, but the app authenticates the user")
	}
	return c, err
}

// AsMember makes the subscriber a member of a presence channel. Info is encoded as
// JSON. It has to be an object, or nil for none.
func AsMember(id string, info any) SubscribeOption {
	return func(c *subscriberConfig) error {
		raw, err := json.Marshal(info)
		if err != nil {
			return fmt.Errorf("AsMember: %w", err)
		}
		data := memberData{UserID: id}
		if info != nil {
			data.Info = raw
		}
		c.member = jsonText(data)
		return nil
	}
}

// AsUser signs the subscriber in before it subscribes. On a presence channel without
// [AsMember], the user's ID is the member's ID.
func AsUser(id string) SubscribeOption {
	return func(c *subscriberConfig) error {
		c.user = jsonText(map[string]string{"id": id})
		return nil
	}
}

// WithAuthorizer requests the authorization of a private or presence channel from the
// app under test, as pusher-js does: with a POST of the form fields socket_id and
// channel_name to the path /pusher/auth. The subscriber subscribes with the auth and
// channel_data of the response, and decrypts the events of an encrypted channel with
// the shared_secret. So a test covers the app's decision and signature.
//
// Set the session of a user with [WithRequestHeader]. WithAuthorizer cannot be combined
// with [AsMember] and [Decrypt]. For channels that need no authorization no request is
// sent.
func WithAuthorizer(app http.Handler) SubscribeOption {
	return func(c *subscriberConfig) (err error) {
		c.authorizer, err = endpointOf("WithAuthorizer", app, authPath)
		return err
	}
}

// WithAuthEndpoint is like [WithAuthorizer], but sends the request to the URL of the
// app's endpoint, such as "http://localhost:3000/pusher/auth". Redirects are not
// followed.
func WithAuthEndpoint(to string) SubscribeOption {
	return func(c *subscriberConfig) (err error) {
		c.authorizer, err = endpointAt("WithAuthEndpoint", to)
		return err
	}
}

// WithAuthenticator signs the subscriber in before it subscribes, with a response of
// the app under test. It requests it as pusher-js does: with a POST of the form field
// socket_id to the path /pusher/user-auth. See [WithAuthorizer] for the session of the
// user. It cannot be combined with [AsUser].
func WithAuthenticator(app http.Handler) SubscribeOption {
	return func(c *subscriberConfig) (err error) {
		c.authenticator, err = endpointOf("WithAuthenticator", app, userAuthPath)
		return err
	}
}

// WithUserAuthEndpoint is like [WithAuthenticator], but sends the request to the URL of
// the app's endpoint. Redirects are not followed.
func WithUserAuthEndpoint(to string) SubscribeOption {
	return func(c *subscriberConfig) (err error) {
		c.authenticator, err = endpointAt("WithUserAuthEndpoint", to)
		return err
	}
}

// WithRequestHeader sets the header of the requests to the app, such as the cookie of a
// session. It is used with [WithAuthorizer], [WithAuthenticator] and their variants for
// URLs.
func WithRequestHeader(header http.Header) SubscribeOption {
	return func(c *subscriberConfig) error {
		c.header = header.Clone()
		return nil
	}
}

func endpointOf(option string, app http.Handler, path string) (*appEndpoint, error) {
	if app == nil {
		return nil, errors.New(option + ": the handler is nil")
	}
	return &appEndpoint{handler: app, url: path}, nil
}

func endpointAt(option, to string) (*appEndpoint, error) {
	if _, err := parseURL(to); err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	return &appEndpoint{url: to}, nil
}

// parseURL parses the URL of an app. The errors do not contain it, because it may have
// a password.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not an http or https URL with a host")
	}
	return u, nil
}

// Decrypt decrypts the events of an encrypted channel with the app's encryption
// master key, 32 bytes in base64. Data that cannot be decrypted is delivered
// unchanged.
func Decrypt(masterKey string) SubscribeOption {
	return func(c *subscriberConfig) error {
		key, err := encryption.ParseMasterKey(masterKey)
		if err != nil {
			return fmt.Errorf("Decrypt: %w", err)
		}
		c.decrypt = key.Decrypt
		return nil
	}
}

// ProtocolEvents makes the subscriber also record the events of the protocol, such as
// pusher_internal:member_added.
func ProtocolEvents() SubscribeOption {
	return func(c *subscriberConfig) error {
		c.protocolEvents = true
		return nil
	}
}
