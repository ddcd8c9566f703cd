package signing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Signer signs requests with the credentials of an app. It is safe for concurrent
// use and formats as [REDACTED]. The zero value returns [ErrConfiguration].
type Signer struct {
	redacted
	key    string
	secret *Secret
	now    func() time.Time
}

// An Option configures a [Signer].
type Option func(*Signer) error

// WithClock sets the clock that provides the timestamp of a signature. The default is
// [time.Now].
func WithClock(now func() time.Time) Option {
	return func(s *Signer) error {
		if now == nil {
			return errors.New("WithClock: the clock is nil")
		}
		s.now = now
		return nil
	}
}

// New returns a signer for the key and secret of an app. It returns
// [ErrConfiguration] if [CheckCredentials] rejects them or an option is invalid.
func New(key, secret string, opts ...Option) (*Signer, error) {
	if err := CheckCredentials(key, secret); err != nil {
		return nil, misconfigured(err)
	}
	s := &Signer{key: key, secret: NewSecret(secret), now: time.Now}
	for _, opt := range opts {
		if opt == nil {
			return nil, misconfigured(errors.New("an option is nil"))
		}
		if err := opt(s); err != nil {
			return nil, misconfigured(err)
		}
	}
	return s, nil
}

func misconfigured(err error) error { return fmt.Errorf("signing: %w: %w", ErrConfiguration, err) }

// CheckCredentials returns [ErrConfiguration] if the key or the secret of an app is
// empty or contains a space or a non-printable character, such as the line feed of
// the file it was read from, or if the key contains a colon, which ends the key in an
// authorization. The text of the error is one line with all problems and does not
// name the package or the kind of error, so that constructors can wrap it.
func CheckCredentials(key, secret string) error {
	problems := slices.Concat(checkCredential("key", key), checkCredential("secret", secret))
	if strings.Contains(key, ":") {
		problems = append(problems, "the key contains a colon")
	}
	if problems == nil {
		return nil
	}
	return configurationError(strings.Join(problems, "; "))
}

// checkCredential does not quote the value, because people swap the key and the secret.
func checkCredential(name, value string) []string {
	if value == "" {
		return []string{"the " + name + " is empty"}
	}
	if strings.ContainsFunc(value, isSpaceOrNotPrintable) {
		return []string{"the " + name + " contains a space or a non-printable character"}
	}
	return nil
}

func isSpaceOrNotPrintable(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }

// Edit signs req with the current time. It is a request editor for clients generated
// by oapi-codegen, and it has to be the last one: an editor that runs later and
// changes the method, path, query or body makes the signature invalid, and the server
// responds with 401. A generated client runs the editors of its options first, and then
// the editors given to a single call, which therefore may only change headers.
//
// Edit changes req in place:
//
//   - The query gets auth_key, auth_timestamp, auth_version, auth_signature and,
//     unless the body is empty, body_md5. Existing ones are replaced. Other
//     parameters keep their values and are sorted, with keys in lower case.
//   - The characters of a channel name, such as "," and ";", are sent unescaped in
//     the path, as Pusher's own libraries send them. A path with an escaped slash is
//     not changed.
//   - A body without GetBody is read into memory and gets GetBody and a
//     Content-Length. Any other body is not changed.
//
// Edit returns [ErrMalformed] for a request that cannot be signed, the error of a
// body that cannot be read, and ctx.Err() if ctx is done. It does not change the URL
// if it returns an error.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
func (s *Signer) Edit(ctx context.Context, req *http.Request) error {
	if s == nil || s.secret == nil {
		return misconfigured(errors.New("the Signer was not created with signing.New"))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkURL(req); err != nil {
		return err
	}
	sum, err := bodyMD5(req)
	if err != nil {
		return err
	}
	query, err := parseQuery(req.URL.RawQuery)
	if err != nil {
		return err
	}
	signed := slices.DeleteFunc(query, func(p param) bool { return IsAuthParameter(p.name()) })
	signed = append(signed,
		param{paramKey, s.key},
		param{paramTimestamp, strconv.FormatInt(s.now().Unix(), 10)},
		param{paramVersion, version})
	if sum != "" {
		signed = append(signed, param{paramBodyMD5, sum})
	}
	signed.sort()

	unescapePath(req.URL)
	text := appendStringToSign(make([]byte, 0, 512), req.Method, sentPath(req.URL), signed)
	signature := s.secret.Sign(text)
	signed = append(signed, param{paramSignature, signature}) // after the sorted parameters
	req.URL.RawQuery = string(signed.appendEncoded(text[:0]))
	return nil
}
