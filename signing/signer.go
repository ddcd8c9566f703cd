package signing

import (
	"context"
	"crypto/md5" // the protocol's choice; what protects the body is the HMAC over its sum
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Signer signs requests with one app's credentials. It prints as [REDACTED]
// whatever the verb. Any number of goroutines may use it. [New] makes one; the
// zero value cannot sign.
type Signer struct {
	concealed
	key        []byte
	keyIsPlain bool
	scratch    sync.Pool // of *scratch
}

// scratch is the memory that one signing needs and the next one can use again.
type scratch struct {
	mac   *mac
	md5   hash.Hash
	sum   [md5.Size]byte
	query query
	text  []byte // the string to sign
	sent  []byte // the query as it is sent
}

// New returns a signer for an app's key and secret. The error is that of
// [CheckCredentials].
func New(key, secret string) (*Signer, error) {
	if err := CheckCredentials(key, secret); err != nil {
		return nil, err
	}
	s := &Signer{key: []byte(key), keyIsPlain: isPlain(key)}
	hmacKey := []byte(secret)
	s.scratch.New = func() any { return &scratch{mac: newMAC(hmacKey), md5: md5.New()} }
	return s, nil
}

// CheckCredentials returns [ErrConfiguration] if an app's key or secret is empty or
// has a space or an unprintable character, such as the line feed of a file it was
// read from, or if the key has a colon, which ends it in an authorization.
func CheckCredentials(key, secret string) error {
	err := errors.Join(checkCredential("key", key), checkCredential("secret", secret))
	if strings.Contains(key, ":") {
		err = errors.Join(err, fmt.Errorf("%w: key has a colon", ErrConfiguration))
	}
	return err
}

// checkCredential quotes no value: people swap the key and the secret.
func checkCredential(what, value string) error {
	if value == "" {
		return fmt.Errorf("%w: %s is empty", ErrConfiguration, what)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }) {
		return fmt.Errorf("%w: %s has a space or an unprintable character", ErrConfiguration, what)
	}
	return nil
}

// Edit signs req as [Signer.Sign] does, with the present time. It has the shape
// of a generated client's request editor and must be the last one to run:
// whatever changes the method, path, query or body later breaks the signature.
// If ctx is done, nothing is signed and the error is ctx.Err().
func (s *Signer) Edit(ctx context.Context, req *http.Request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Sign(req, time.Time{})
}

// Sign signs req as of at, of which whole seconds count; the zero time means
// now. It changes req in place:
//
//   - The query gets auth_key, auth_timestamp, auth_version, auth_signature and,
//     if the body is not empty, body_md5. Earlier ones are replaced, so that a
//     request can be signed again for a retry. Other parameters keep their
//     values, and are sent sorted, escaped and with keys in lower case.
//   - The path is sent with the characters of a channel name, such as "," and
//     ";", unescaped, as Pusher's own libraries send it. It is signed as it is
//     sent, with whatever prefix the base URL has. Only a path with an escaped
//     slash stays as it is, because unescaped it would name another resource.
//   - A body without GetBody is read into memory and gets a GetBody and a
//     Content-Length. Otherwise the body is not touched.
//
// A request that cannot be signed is [ErrMalformed]. An error of the body's
// reader is wrapped. After an error the URL is as it was.
//
// Source: Pusher Channels docs, HTTP API reference, "Authentication".
func (s *Signer) Sign(req *http.Request, at time.Time) error {
	if err := checkURL(req.URL); err != nil {
		return err
	}
	w := s.scratch.Get().(*scratch)
	defer s.scratch.Put(w)

	bodyLength, err := hashBody(w.md5, req)
	if err != nil {
		return err
	}
	if at.IsZero() {
		at = time.Now()
	}
	// A query on the stack: appending to one on the heap costs more.
	q := query{w.query.text[:0], w.query.pairs[:0]}
	var text [2 * md5.Size]byte
	q.add(paramKey, s.key, s.keyIsPlain)
	q.add(paramTimestamp, strconv.AppendInt(text[:0], at.Unix(), 10), true)
	q.add(paramVersion, []byte(version), true)
	if bodyLength > 0 {
		q.add(paramBodyMD5, hex.AppendEncode(text[:0], w.md5.Sum(w.sum[:0])), true)
	}
	own := len(q.pairs)
	if err := q.parse(req.URL.RawQuery); err != nil {
		return err
	}
	q.drop(own)
	q.sort()

	unescapePath(req.URL)
	w.text = appendStringToSign(w.text[:0], req.Method, pathOnWire(req.URL), &q)
	sent := q.appendEncoded(w.sent[:0])
	sent = append(sent, "&"+paramSignature+"="...)
	sent = append(sent, w.mac.sign(w.text)...)
	req.URL.RawQuery = string(sent)
	w.query, w.sent = q, sent
	return nil
}
