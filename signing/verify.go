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

// MaxClockSkew is how far the timestamp of a request may be from the server's time:
// less than 600 seconds.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
const MaxClockSkew = 600 * time.Second

// Verify reports as an error that r was not signed with the secret of its auth_key, or
// not at a time close to now. Body is what was read from r, which Verify neither reads
// nor changes. SecretOf returns the secret of a key, or nil if there is no such key. The
// zero now means the current time. Verify is safe for concurrent use if secretOf is.
//
// The checks run in this order: [ErrMalformed], [ErrUnknownKey], [ErrVersion],
// [ErrTimestamp], [ErrSignature], [ErrBodyMD5]. A missing parameter is a
// [*MissingParameterError] in the place of its check. Body_md5 is required unless the
// body is empty; Pusher's Python library also sends it for an empty body.
//
// The path is the one that was sent, also behind [http.StripPrefix]. A signature of
// the unescaped path is accepted as well, because clients differ, unless the path has
// an escaped slash, percent sign or line break.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication"; the order of the
// checks is that of the Ruby gem pusher-signature.
func Verify(r *http.Request, body []byte, secretOf func(key string) *Secret, now time.Time) error {
	if secretOf == nil {
		return fmt.Errorf("%w: secretOf is nil", ErrConfiguration)
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

// auth has the parameters of a signature.
type auth map[string]string

// authOf rejects a parameter that is given twice: a program between the client and
// this one may have checked the other value.
func authOf(query params) (auth, error) {
	a := auth{}
	for _, p := range query {
		name := p.name()
		if !IsAuthParameter(name) {
			continue
		}
		if _, twice := a[name]; twice || name != p.key {
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
	if !strings.HasPrefix(sent, "/") { // not received by a server, or sent to a proxy
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
