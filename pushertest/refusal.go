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

// What Pusher is on record to answer.
//
// Source: acceptance tests of Pusher's libraries and reports of their users; for
// the missing and unsupported authentication parameters the Ruby gem
// pusher-signature, whose other texts are those that Pusher answers.
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

// Where Pusher's words are not on record, these are said instead.
const (
	textQuery        = "Malformed query string"
	textBodyMD5      = "Invalid body_md5: it is not the MD5 of the body"
	textBody         = "The body cannot be read"
	textBodyTooLarge = "The body exceeds the allowed maximum (%d bytes)"
	textNotObject    = "Expected the body to be a JSON object"
	textSpelling     = "Expected the parameter %q, not %q"
	textBothChannels = "Expected either the channel or the channels parameter, not both"
	textEncrypted    = "An event for an encrypted channel cannot be triggered on other channels too"
	textNoRules      = "This server does not know the operation %s"
	textCache        = "Cannot retrieve the cache unless the channel is a cache channel"
)

// A refusal is an answer that says what is wrong, in one line of plain text.
type refusal struct {
	status int
	text   string
	cause  error // stands in for a text that quotes a signature
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.cause.Error()
	}
	return r.text
}

// badRequest keeps the text on one line, whatever it quotes.
func badRequest(format string, args ...any) error {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	return &refusal{status: http.StatusBadRequest, text: text}
}

func notFound() error {
	return &refusal{status: http.StatusNotFound, text: textNotFound}
}

func tooLarge(format string, limit int64) error {
	return &refusal{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf(format, limit)}
}

// unauthorized puts into Pusher's words what [signing.Verify] found.
func unauthorized(r *http.Request, query url.Values, now time.Time, found error) error {
	status, text := http.StatusUnauthorized, ""
	var missing *signing.MissingParameterError
	switch {
	case errors.As(found, &missing):
		text = missingText(r, query, missing.Name)
	case errors.Is(found, signing.ErrUnknownKey):
		status, text = http.StatusBadRequest, textUnknownKey
	case errors.Is(found, signing.ErrVersion):
		text = textVersionUnknown
	case errors.Is(found, signing.ErrTimestamp):
		text = timestampText(now, found)
	case errors.Is(found, signing.ErrSignature):
		text = signatureText(r, query)
	case errors.Is(found, signing.ErrBodyMD5):
		text = textBodyMD5
	default:
		status, text = http.StatusBadRequest, textQuery
	}
	return &refusal{status, text, found}
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

// timestampText takes a timestamp that is no number for 0, as Ruby does.
func timestampText(now time.Time, found error) string {
	given := time.Unix(0, 0)
	var skewed *signing.TimestampError
	if errors.As(found, &skewed) {
		given = skewed.Given
	}
	return fmt.Sprintf(textTimestamp, given.UTC().Format(time.RFC3339),
		signing.MaxClockSkew/time.Second, now.UTC().Format(time.RFC3339))
}

// signatureText quotes what should have been signed and what came, in Ruby's
// notation, which is Go's but for "nil".
func signatureText(r *http.Request, query url.Values) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // a request made by hand
		path = r.URL.EscapedPath()
	}
	sent := "nil"
	if query.Has("auth_signature") {
		sent = strconv.Quote(query.Get("auth_signature"))
	}
	return fmt.Sprintf(textSignature, strconv.Quote(signing.StringToSign(r.Method, path, query)), sent)
}
