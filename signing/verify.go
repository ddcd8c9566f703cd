package signing

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxClockSkew limits the difference between the timestamp of a request and the
// server's time: it has to be less than 600 seconds.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
const MaxClockSkew = 600 * time.Second

// Verify returns nil if r has the given body and was signed with the secret of its
// auth_key less than [MaxClockSkew] before or after now. SecretOf returns the secret
// of a key, or nil if the key is unknown. If now is zero, Verify uses the current
// time. It neither reads nor changes r, and is safe for concurrent use if secretOf is.
//
// Verify returns the first of these errors that applies: [ErrMalformed],
// [ErrUnknownKey], [ErrVersion], [ErrTimestamp], [ErrSignature], [ErrBodyMD5]. If the
// parameter to check is missing, it returns a [*MissingParameterError] instead.
// Body_md5 is required unless the body is empty; Pusher's Python library also sends it
// for an empty body.
//
// Verify uses the path that was sent, also behind [http.StripPrefix]. It also accepts a
// signature of the unescaped path, because clients differ, unless the path has an
// escaped slash, percent sign or line break.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication"; the order of the
// checks follows the Ruby gem pusher-signature.
func Verify(r *http.Request, body []byte, secretOf func(key string) *Secret, now time.Time) error {
	if secretOf == nil {
		return misconfigured(errors.New("secretOf is nil"))
	}
	if err := checkURL(r); err != nil {
		return err
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	auth, err := authOf(query)
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
	if err := auth.checkSignature(r, query, secret); err != nil {
		return err
	}
	return auth.checkBody(body)
}

// auth has the parameters that authenticate a request, by name.
type auth map[string]string

// authOf returns ErrMalformed if a parameter is given twice, because a program between
// the client and this one may have checked the other value.
func authOf(query params) (auth, error) {
	a := auth{}
	for _, p := range query {
		name := p.name()
		if !IsAuthParameter(name) {
			continue
		}
		if _, repeated := a[name]; repeated || name != p.key {
			return nil, fmt.Errorf("%w: more than one %s", ErrMalformed, name)
		}
		a[name] = p.value
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
	// Subtracting an arbitrary timestamp could overflow.
	if server := now.Unix(); given <= server-skew || given >= server+skew {
		return &TimestampError{Given: time.Unix(given, 0).UTC(), Server: now.UTC()}
	}
	return nil
}

func (a auth) checkSignature(r *http.Request, query params, secret *Secret) error {
	signature, err := a.get(paramSignature)
	if err != nil {
		return err
	}
	signed := slices.DeleteFunc(query, func(p param) bool { return p.key == paramSignature })
	signed.sort()
	for _, path := range possiblePaths(r) {
		if secret.Verify(appendStringToSign(nil, r.Method, path, signed), signature) {
			return nil
		}
	}
	return ErrSignature
}

// possiblePaths returns the paths that the client may have signed.
func possiblePaths(r *http.Request) []string {
	sent, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(sent, "/") { // r was not received by a server, or was sent to a proxy
		sent = sentPath(r.URL)
	}
	unescaped, err := url.PathUnescape(sent)
	if err != nil || strings.Count(unescaped, "/") != strings.Count(sent, "/") || strings.ContainsAny(unescaped, "%\n") {
		return []string{sent}
	}
	return []string{sent, unescaped}
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
