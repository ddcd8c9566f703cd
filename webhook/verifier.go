package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/signing"
)

// A Verifier verifies and decodes webhooks. It is safe for concurrent use. The
// methods of a nil or zero Verifier return [ErrConfiguration], and its handler
// responds with status code 500.
type Verifier struct {
	config // not changed after New
}

// config is separate from Verifier so that an Option cannot change a Verifier in use.
type config struct {
	secrets    map[string]*signing.Secret // by key
	masterKeys []*encryption.MasterKey    // current key first
	maxBytes   int64
	maxAge     time.Duration  // 0 means no limit
	duplicates DuplicateStore // nil means that duplicates are handled
	keep       time.Duration  // how long the store remembers a handled webhook
	logger     *slog.Logger   // nil means slog.Default
}

// New returns a Verifier of the webhooks signed with the given key and secret of
// an app. If an argument is invalid, it returns an [ErrConfiguration] with all
// problems in one line.
func New(key, secret string, opts ...Option) (*Verifier, error) {
	cfg := config{
		secrets:  map[string]*signing.Secret{},
		maxBytes: defaultMaxBytes,
	}
	errs := []error{cfg.addKey(key, secret)}
	for _, opt := range opts {
		if opt == nil {
			errs = append(errs, errors.New("an option is nil"))
			continue
		}
		errs = append(errs, opt(&cfg))
	}
	if err := sentinel.Join(errs...); err != nil {
		return nil, newError(ErrConfiguration, err)
	}
	return &Verifier{cfg}, nil
}

func (c *config) addKey(key, secret string) error {
	if err := signing.CheckCredentials(key, secret); err != nil {
		return err
	}
	if _, ok := c.secrets[key]; ok {
		return fmt.Errorf("key %q is given twice", key)
	}
	c.secrets[key] = signing.NewSecret(secret)
	return nil
}

// Parse verifies and decodes a webhook request. It reads the body up to the limit
// of [WithMaxBytes]. It does not read the body if the key is unknown.
//
// Method, Content-Type and Content-Encoding are ignored: the signature covers only
// the bytes of the body, and proxies rewrite headers. A compressed body is
// therefore [ErrMalformed].
//
// Parse returns the errors of [Verifier.ParseBytes]. If the body cannot be read, the
// error wraps the cause.
func (v *Verifier) Parse(r *http.Request) (*Webhook, error) {
	return v.parse(nil, r)
}

// ParseBytes verifies and decodes the body of a webhook request. The names in
// header may be in any case. It does not retain body.
//
// The errors are, in the order of the checks, [ErrConfiguration], [ErrUnknownKey],
// [ErrSignature], [ErrTooLarge], [ErrMalformed] and [ErrTooOld]; a body that is
// too large is not verified. A client event that cannot be decrypted is not an
// error of the webhook, see [ClientEvent].
//
// Source: Pusher Channels docs, Webhooks.
func (v *Verifier) ParseBytes(header http.Header, body []byte) (*Webhook, error) {
	key, signature, err := v.credentials(header)
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > v.maxBytes {
		return nil, v.tooLarge()
	}
	return v.verify(key, signature, body)
}

// parse is Parse for an optional ResponseWriter.
func (v *Verifier) parse(w http.ResponseWriter, r *http.Request) (*Webhook, error) {
	key, signature, err := v.credentials(r.Header)
	if err != nil {
		return nil, err
	}
	body, err := v.readBody(w, r)
	if err != nil {
		return nil, err
	}
	return v.verify(key, signature, body)
}

// readBody returns the body. If w is not nil and the body exceeds the limit, the
// server closes the connection after the response.
func (v *Verifier) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > v.maxBytes {
		return nil, v.tooLarge()
	}
	if r.Body == nil {
		return nil, nil
	}
	// Without MinRead free bytes ReadFrom grows the buffer before it finds the end. A
	// sender cannot make the server allocate more than the default limit in advance.
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), defaultMaxBytes)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, v.maxBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, v.tooLarge()
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: reading the body: %w", err)
	}
	return body.Bytes(), nil
}

func (v *Verifier) tooLarge() error {
	return newError(ErrTooLarge, fmt.Errorf("body has more than %d bytes, see WithMaxBytes", v.maxBytes))
}

// verify checks the signature, then decodes, checks the age and decrypts.
func (v *Verifier) verify(key, signature string, body []byte) (*Webhook, error) {
	if !v.secrets[key].Verify(body, signature) {
		if len(body) == 0 {
			return nil, newError(ErrSignature, errors.New("body is empty; it may have been read before, by a middleware for example"))
		}
		return nil, newError(ErrSignature, fmt.Errorf("%s does not match the body and the secret of this key", signatureHeader))
	}
	hook, err := decode(body)
	if err != nil {
		return nil, err
	}
	if age := time.Since(hook.Time); v.maxAge > 0 && age > v.maxAge {
		return nil, newError(ErrTooOld, fmt.Errorf("created %v ago, at most %v is allowed, see WithMaxAge", age.Round(time.Second), v.maxAge))
	}
	v.decrypt(hook.Events)
	hook.ID = idOf(key, body)
	return hook, nil
}

// idOf returns the [Webhook].ID. The key is part of it because two apps can receive
// the same body.
func idOf(key string, body []byte) string {
	sum := sha256.Sum256(append([]byte(key+"\n"), body...))
	return hex.EncodeToString(sum[:])
}
