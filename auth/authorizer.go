package auth

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/signing"
)

var (
	// ErrInvalid means that a socket ID, channel, member or user breaks a rule of
	// the protocol. Nothing was signed. It matches the ErrInvalid of the other
	// packages of this module.
	ErrInvalid = sentinel.ErrInvalid

	// ErrConfiguration means that an Authorizer cannot be used as requested: a
	// key, secret or option is invalid, the channel is encrypted and no master key
	// is set, or the Authorizer was not created with [New]. Nothing was signed. It
	// matches the ErrConfiguration of the other packages of this module.
	ErrConfiguration = sentinel.ErrConfiguration

	// ErrForbidden is returned by the functions passed to [Authorizer.ChannelHandler]
	// and [Authorizer.UserHandler] to deny permission. The handlers respond with
	// status code 403. They treat any other error as a failure of the app, such as a
	// database that cannot be reached, and respond with 500.
	ErrForbidden = errors.New("auth: forbidden")
)

// An Authorizer signs authorizations for one app. It is safe for concurrent use.
// The methods of a nil or zero Authorizer return [ErrConfiguration], and its
// handlers respond with status code 500.
type Authorizer struct {
	key            string
	secret         *signing.Secret
	masterKey      *encryption.MasterKey // nil without WithEncryptionMasterKey
	maxMemberBytes int
	logger         *slog.Logger // nil means slog.Default
}

// An Option configures an [Authorizer].
type Option func(*Authorizer) error

// New returns an Authorizer for the app with the given key and secret. If an argument
// is invalid, it returns an [ErrConfiguration] with all problems in one line.
func New(key, secret string, opts ...Option) (*Authorizer, error) {
	a := &Authorizer{
		key:            key,
		secret:         signing.NewSecret(secret),
		maxMemberBytes: protocol.MaxMemberBytes,
	}
	errs := []error{signing.CheckCredentials(key, secret)}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("an option is nil"))
			continue
		}
		errs = append(errs, opt(a))
	}
	if err := sentinel.Join(errs...); err != nil {
		return nil, misconfigured(err)
	}
	return a, nil
}

// WithEncryptionMasterKey enables private-encrypted- channels, whose subscribers
// receive the key of the channel. The master key is 32 bytes in standard base64
// with padding, and the same wherever the app publishes.
func WithEncryptionMasterKey(base64 string) Option {
	return func(a *Authorizer) error {
		key, err := encryption.ParseMasterKey(base64)
		if err != nil {
			return fmt.Errorf("WithEncryptionMasterKey: %w", err)
		}
		a.masterKey = key
		return nil
	}
}

// WithMaxMemberBytes sets the maximum size in bytes of the JSON of a member, a
// user or the data of a private channel. The default is Pusher's limit of 1,024
// bytes. Compatible servers may have another limit.
func WithMaxMemberBytes(n int) Option {
	return func(a *Authorizer) error {
		if n < 1 {
			return fmt.Errorf("WithMaxMemberBytes(%d): at least 1 is required", n)
		}
		a.maxMemberBytes = n
		return nil
	}
}

// WithLogger sets the logger of the handlers. They log why a request was rejected,
// because the response does not contain it. The default is [slog.Default] at the time
// of logging.
func WithLogger(logger *slog.Logger) Option {
	return func(a *Authorizer) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		a.logger = logger
		return nil
	}
}

// check returns an [ErrConfiguration] if a was not created with [New].
func (a *Authorizer) check() error {
	if a == nil || a.secret == nil {
		return misconfigured(errors.New("the Authorizer was not created with auth.New"))
	}
	return nil
}

func invalid(err error) error { return sentinel.New("auth", ErrInvalid, err) }

func misconfigured(err error) error { return sentinel.New("auth", ErrConfiguration, err) }
