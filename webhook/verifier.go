package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/signing"
)

// A Verifier turns deliveries into webhooks. It does not change after
// [NewVerifier]; any number of goroutines may use it. The zero value verifies
// nothing, with [ErrConfiguration].
type Verifier struct {
	secrets    map[string]*signing.Secret // by key
	masterKey  *encryption.MasterKey      // nil when not configured
	maxBytes   int64
	maxAge     time.Duration // 0 is no limit
	duplicates *duplicates   // nil is no filter
	logger     *slog.Logger
}

// NewVerifier returns a verifier of deliveries signed with token; [WithToken]
// adds further ones. It reports everything that is wrong with its arguments at
// once, as [ErrConfiguration].
func NewVerifier(token Token, opts ...Option) (*Verifier, error) {
	cfg := config{tokens: []Token{token}, maxBytes: defaultMaxBytes, logger: slog.Default()}
	errs := []error{token.validate()}
	for _, opt := range opts {
		errs = append(errs, opt(&cfg))
	}
	secrets := make(map[string]*signing.Secret, len(cfg.tokens))
	for _, token := range cfg.tokens {
		if _, twice := secrets[token.Key]; twice {
			errs = append(errs, fmt.Errorf("the key %q is there twice", token.Key))
		}
		secrets[token.Key] = signing.NewSecret(token.Secret)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfiguration, err)
	}
	return &Verifier{
		secrets:    secrets,
		masterKey:  cfg.masterKey,
		maxBytes:   cfg.maxBytes,
		maxAge:     cfg.maxAge,
		duplicates: cfg.duplicates,
		logger:     cfg.logger,
	}, nil
}

// Parse returns the webhook that a request delivers. It reads the body to its
// end, up to the limit of [WithMaxBytes], whether its length was announced or
// not.
//
// Method, Content-Type and Content-Encoding are not looked at: the signature
// covers the body's bytes and nothing else, so that a proxy which rewrites a
// header costs no delivery, and bytes that are no JSON are refused anyway. A
// compressed body is therefore [ErrMalformed].
//
// The errors are those of [Verifier.ParseBytes], or the body's own when reading
// it failed.
func (v *Verifier) Parse(r *http.Request) (*Webhook, error) {
	hook, _, err := v.receive(nil, r)
	return hook, err
}

// ParseBytes returns the webhook whose body and headers these are. The names of
// the headers may be spelled in any case. It keeps no reference to body.
//
// The errors are, in the order of the checks, [ErrUnknownKey], [ErrSignature],
// [ErrTooLarge], [ErrMalformed] and [ErrTooOld]. A client event that cannot be
// decrypted is no error here, see [ClientEvent].
//
// Source: Pusher Channels docs, Webhooks.
func (v *Verifier) ParseBytes(header http.Header, body []byte) (*Webhook, error) {
	claimed, err := v.claimIn(header)
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > v.maxBytes {
		return nil, v.tooLarge()
	}
	return v.open(claimed, body)
}

// receive is Parse for the handler as well, which needs the signature to tell
// deliveries apart. The body of a sender with an unknown key is not even read.
func (v *Verifier) receive(w http.ResponseWriter, r *http.Request) (*Webhook, string, error) {
	claimed, err := v.claimIn(r.Header)
	if err != nil {
		return nil, "", err
	}
	body, err := v.read(w, r)
	if err != nil {
		return nil, "", err
	}
	hook, err := v.open(claimed, body)
	return hook, claimed.signature, err
}

// read returns the body. With a ResponseWriter the server also closes the
// connection of a sender that goes beyond the limit.
func (v *Verifier) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > v.maxBytes {
		return nil, v.tooLarge()
	}
	if r.Body == nil {
		return nil, nil
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, defaultMaxBytes)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, v.maxBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, v.tooLarge()
	case err != nil:
		return nil, fmt.Errorf("webhook: read the body: %w", err)
	}
	return body.Bytes(), nil
}

func (v *Verifier) tooLarge() error {
	return fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, v.maxBytes)
}

// open is the way of a body: verify, decode, check the age, decrypt.
func (v *Verifier) open(claimed claim, body []byte) (*Webhook, error) {
	if err := claimed.verify(body); err != nil {
		return nil, err
	}
	hook, err := decode(body)
	if err != nil {
		return nil, err
	}
	if age := time.Since(hook.Time); v.maxAge > 0 && age > v.maxAge {
		return nil, fmt.Errorf("%w: created %v ago, at most %v are allowed", ErrTooOld, age.Round(time.Second), v.maxAge)
	}
	v.decrypt(hook.Events)
	return hook, nil
}
