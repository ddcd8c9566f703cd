package signing

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxClockSkew is how far a request's timestamp may be from the server's time:
// 599 seconds pass, 600 do not.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
const MaxClockSkew = 600 * time.Second

// Verify is the server's half: it tells whether r, with the body that was read
// from it, was signed by the secret of its auth_key, at a time close to now. The
// zero now means the present time. secretOf returns the secret of a key, or nil
// if there is no such key. Verify does not read or change r, and is as safe for
// use by several goroutines as secretOf is.
//
// The first check that fails is the error: [ErrMalformed] before any other, then
// in this order a [*MissingParameterError] or [ErrUnknownKey] for auth_key,
// [ErrVersion], [ErrTimestamp], [ErrSignature] and [ErrBodyMD5], each of the
// four or a MissingParameterError. A body that is not empty needs a body_md5. An
// empty one may have that of the empty string, which Pusher's Python library sends.
//
// The path that counts is the one on the wire, also behind [http.StripPrefix].
// A signature of the decoded path passes too, because servers differ here and so
// do clients, unless an escaped slash, percent sign or line break makes it another
// path.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication"; the order
// of the checks is that of pusher-signature.
func Verify(r *http.Request, body []byte, secretOf func(key string) *Secret, now time.Time) error {
	if err := checkURL(r.URL); err != nil {
		return err
	}
	q := &query{text: make([]byte, 0, len(r.URL.RawQuery)), pairs: make([]pair, 0, 8)}
	if err := q.parse(r.URL.RawQuery); err != nil {
		return err
	}
	auth, err := authOf(q)
	if err != nil {
		return err
	}
	if now.IsZero() {
		now = time.Now()
	}

	key, err := auth.get(paramKey)
	if err != nil {
		return err
	}
	secret := secretOf(key)
	if secret == nil {
		return ErrUnknownKey
	}
	if err := auth.checkVersion(); err != nil {
		return err
	}
	if err := auth.checkTimestamp(now); err != nil {
		return err
	}
	if err := auth.checkSignature(r, q, secret); err != nil {
		return err
	}
	return auth.checkBody(body)
}

// auth has the parameters that authenticate a request.
type auth map[string]string

// authOf refuses a parameter given twice: another program on the way may go by
// the one that Verify does not look at.
func authOf(q *query) (auth, error) {
	a := auth{}
	for _, p := range q.pairs {
		name := q.name(p)
		if !authenticates(name) {
			continue
		}
		if _, twice := a[string(name)]; twice || len(name) != len(q.key(p)) {
			return nil, fmt.Errorf("%w: more than one %s", ErrMalformed, name)
		}
		a[string(name)] = string(q.value(p))
	}
	return a, nil
}

func (a auth) get(name string) (string, error) {
	value, ok := a[name]
	if !ok {
		return "", &MissingParameterError{Name: name}
	}
	return value, nil
}

func (a auth) checkVersion() error {
	given, err := a.get(paramVersion)
	if err == nil && given != version {
		err = ErrVersion
	}
	return err
}

func (a auth) checkTimestamp(now time.Time) error {
	text, err := a.get(paramTimestamp)
	if err != nil {
		return err
	}
	given, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: not an integer", ErrTimestamp)
	}
	const skew = int64(MaxClockSkew / time.Second)
	// No difference is computed: that of a hostile timestamp could overflow.
	if server := now.Unix(); given <= server-skew || given >= server+skew {
		return &TimestampError{Given: time.Unix(given, 0).UTC(), Server: now.UTC()}
	}
	return nil
}

func (a auth) checkSignature(r *http.Request, q *query, secret *Secret) error {
	signature, err := a.get(paramSignature)
	if err != nil {
		return err
	}
	q.pairs = slices.DeleteFunc(q.pairs, func(p pair) bool { return string(q.key(p)) == paramSignature })
	q.sort()
	var text []byte
	for _, path := range signedPaths(r) {
		text = appendStringToSign(slices.Grow(text[:0], len(path)+len(q.text)+16), r.Method, path, q)
		if secret.Verify(text, signature) {
			return nil
		}
	}
	return ErrSignature
}

// signedPaths are the paths that the client may have signed.
func signedPaths(r *http.Request) []string {
	wire, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(wire, "/") { // made by hand, or sent as to a proxy
		wire = pathOnWire(r.URL)
	}
	decoded, err := url.PathUnescape(wire)
	if err != nil || strings.Count(decoded, "/") != strings.Count(wire, "/") || strings.ContainsAny(decoded, "%\n") {
		return []string{wire}
	}
	return []string{wire, decoded}
}

func (a auth) checkBody(body []byte) error {
	given, err := a.get(paramBodyMD5)
	if err != nil {
		if len(body) == 0 {
			return nil
		}
		return err
	}
	if sum := md5.Sum(body); given != hex.EncodeToString(sum[:]) {
		return ErrBodyMD5
	}
	return nil
}
