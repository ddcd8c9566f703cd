package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/signing"
)

var (
	// ErrInvalid is a socket ID, channel, member or user that breaks a rule of
	// the protocol. Nothing was signed.
	ErrInvalid = errors.New("auth: invalid")

	// ErrConfiguration is an Authorizer that cannot do what is asked of it: a
	// bad key, secret or option, or an encrypted channel without a master key.
	// Nothing was signed.
	ErrConfiguration = errors.New("auth: configuration")

	// ErrForbidden is for the functions given to [Authorizer.ChannelHandler] and
	// [Authorizer.UserHandler] to return when the answer is no. Any other error
	// refuses as well.
	ErrForbidden = errors.New("auth: forbidden")
)

// An Authorizer signs authorizations for one app. Nothing in it changes after
// [New]: any number of goroutines may use it. The zero value signs nothing, with
// [ErrConfiguration].
type Authorizer struct {
	prefix         string // of every signature: the app's key and a colon
	secret         *signing.Secret
	masterKey      *encryption.MasterKey // nil without encrypted channels
	maxMemberBytes int
	logger         *slog.Logger
	scratch        sync.Pool // of *[]byte, to sign in
}

// An Option adjusts an [Authorizer].
type Option func(*Authorizer) error

// New returns an Authorizer for the app with this key and secret. The error is
// an [ErrConfiguration] that names everything that is wrong.
func New(key, secret string, opts ...Option) (*Authorizer, error) {
	a := &Authorizer{
		prefix:         key + ":",
		secret:         signing.NewSecret(secret),
		maxMemberBytes: protocol.MaxMemberBytes,
		logger:         slog.Default(),
	}
	errs := []error{signing.CheckCredentials(key, secret)}
	for _, opt := range opts {
		errs = append(errs, opt(a))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfiguration, err)
	}
	return a, nil
}

// WithEncryptionMasterKey allows private-encrypted- channels, whose subscribers
// are handed the channel's key. The master key is 32 bytes in standard base64
// with padding, the same wherever the app publishes.
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

// WithMaxMemberBytes sets how many bytes of JSON a member or user may have, for
// a server that allows other sizes than Pusher's 1,024 bytes.
func WithMaxMemberBytes(n int) Option {
	return func(a *Authorizer) error {
		if n < 1 {
			return fmt.Errorf("WithMaxMemberBytes(%d): want at least 1", n)
		}
		a.maxMemberBytes = n
		return nil
	}
}

// WithLogger sets where the handlers say why they refused a request, which the
// sender is not told. The default is [slog.Default] as [New] finds it.
func WithLogger(logger *slog.Logger) Option {
	return func(a *Authorizer) error {
		if logger == nil {
			return errors.New("WithLogger: logger is nil")
		}
		a.logger = logger
		return nil
	}
}

// ready is the first line of every signature: the zero Authorizer has no secret.
func (a *Authorizer) ready() error {
	if a == nil || a.secret == nil {
		return fmt.Errorf("%w: the Authorizer was not made with New", ErrConfiguration)
	}
	return nil
}
