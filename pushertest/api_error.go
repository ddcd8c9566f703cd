package pushertest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

// Texts that Pusher's HTTP API is known to respond with.
//
// Source: acceptance tests of Pusher's libraries and reports of their users. The texts
// for missing and unsupported authentication parameters are from the Ruby gem
// pusher-signature, whose other texts are known to be Pusher's.
const (
	textNotFound          = "404 NOT FOUND"
	textUnknownKey        = "Unknown auth_key"
	textMissingAuth       = "Missing parameter: %s"
	textVersionRequired   = "Version required"
	textVersionUnknown    = "Version not supported"
	textTimestampRequired = "Timestamp required"
	textTimestamp         = "Timestamp expired: Given timestamp (%s) not within %ds of server time (%s)"
	textSignature         = "Invalid signature: you should have sent HmacSHA256Hex(%s, your_secret_key), but you sent %s"
	textExtraneous        = "The following query string parameters are extraneous: %s"
	textMissing           = "Missing required parameter: %s"
	textNotString         = "Expected %s parameter to be a string"
	textReserved          = "The 'pusher' namespace is reserved for internal usage"
	textChannelName       = "Invalid channel name"
	textBatchTooLarge     = "Batch too large (%d > %d)"
	textDataTooLarge      = "The data content of this event exceeds the allowed maximum (%d bytes). See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info"
	textInfo              = "info should be a comma separated list of attributes"
	textUserCount         = "Cannot retrieve the user count unless the channel is a presence channel"
	textUserCounts        = "user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-"
	textSubscriptionCount = "Cannot retrieve the subscription count because subscription counting is not enabled"
	textUsers             = "Users can only be retrieved for presence channels"
)

// Texts of this package, for errors whose text on Pusher is not known.
const (
	textQuery          = "Malformed query string"
	textBodyMD5        = "Invalid body_md5: it is not the MD5 of the body"
	textBody           = "The body cannot be read"
	textBodyTooLarge   = "The body exceeds the allowed maximum (%d bytes)"
	textNotObject      = "Expected the body to be a JSON object"
	textSpelling       = "Expected the parameter %q, not %q"
	textInvalid        = "Invalid parameter %s: %s"
	textInvalidBody    = "Invalid body: %v"
	textBothChannels   = "Expected either the channel or the channels parameter, not both"
	textEncrypted      = "An event for an encrypted channel cannot be triggered on other channels too"
	textNotEncrypted   = "The data of an event for an encrypted channel has to be a JSON object with nonce and ciphertext in base64"
	textIdempotencyKey = "An idempotency_key has 1 to %d bytes"
	textUnknownOp      = "This server does not know the operation %s"
	textCacheAttribute = "Cannot retrieve the cache unless the channel is a cache channel"
)

// An apiError is an error response of the HTTP API: one line of plain text.
type apiError struct {
	status int
	text   string
	log    string // if not "", logged instead of text, which may quote a signature
}

func (e *apiError) Error() string {
	if e.log != "" {
		return e.log
	}
	return e.text
}

// badRequest keeps the text on one line. Arguments may be a client's and have line feeds.
func badRequest(format string, args ...any) error {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	return &apiError{status: http.StatusBadRequest, text: text}
}

// notFound returns an error whose reason is only logged. Pusher does not send one.
func notFound(format string, args ...any) error {
	return &apiError{status: http.StatusNotFound, text: textNotFound, log: fmt.Sprintf(format, args...)}
}

func tooLarge(format string, limit int64) error {
	return &apiError{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf(format, limit)}
}

// unauthorized returns Pusher's error response for an error of [signing.Verify].
func unauthorized(r *http.Request, query url.Values, now time.Time, err error) error {
	e := &apiError{status: http.StatusUnauthorized, log: err.Error()}
	var missing *signing.MissingParameterError
	switch {
	case errors.As(err, &missing):
		e.text = missingText(r, query, missing.Name)
	case errors.Is(err, signing.ErrUnknownKey):
		e.status, e.text = http.StatusBadRequest, textUnknownKey
	case errors.Is(err, signing.ErrVersion):
		e.text = textVersionUnknown
	case errors.Is(err, signing.ErrTimestamp):
		e.text = timestampText(now, err)
	case errors.Is(err, signing.ErrSignature):
		e.text = signatureText(r, query)
		// Developers compare it with the string that their client signed.
		e.log += fmt.Sprintf(", the string to sign is %s", strconv.Quote(stringToSign(r, query)))
	case errors.Is(err, signing.ErrBodyMD5):
		e.text = textBodyMD5
	default:
		e.status, e.text = http.StatusBadRequest, textQuery
	}
	return e
}

func missingText(r *http.Request, query url.Values, name string) string {
	switch name {
	case "auth_version":
		return textVersionRequired
	case "auth_timestamp":
		return textTimestampRequired
	case "auth_signature":
		return signatureText(r, query)
	}
	return fmt.Sprintf(textMissingAuth, name)
}

// timestampText treats a timestamp that is not a number as 0, like Ruby.
func timestampText(now time.Time, err error) string {
	given := time.Unix(0, 0)
	var skew *signing.TimestampError
	if errors.As(err, &skew) {
		given = skew.Given
	}
	return fmt.Sprintf(textTimestamp, given.UTC().Format(time.RFC3339),
		signing.MaxClockSkew/time.Second, now.UTC().Format(time.RFC3339))
}

// signatureText quotes the string to sign and the client's signature like Ruby, which
// differs from Go only in printing nil for a missing signature.
func signatureText(r *http.Request, query url.Values) string {
	signature := "nil"
	if query.Has("auth_signature") {
		signature = strconv.Quote(query.Get("auth_signature"))
	}
	return fmt.Sprintf(textSignature, strconv.Quote(stringToSign(r, query)), signature)
}

func stringToSign(r *http.Request, query url.Values) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // r was not received by net/http
		path = r.URL.EscapedPath()
	}
	return signing.StringToSign(r.Method, path, query)
}
