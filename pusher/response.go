package pusher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/compat"
	"github.com/openchannels/pusher-go/internal/redact"
)

const (
	maxQueryBytes   = 32 << 20 // of the response to a query: more than a million channels
	maxPublishBytes = 1 << 20  // of the response to a publish: the counts of 100 channels are 30 KiB
	maxErrorBytes   = 4 << 10  // of an error response
)

// isPublish reports whether the request changes something on the server.
func isPublish(req *http.Request) bool { return req.Method != http.MethodGet }

// checkResponse returns the body of an accepted response, or the error that the
// response stands for.
func checkResponse(resp *http.Response, op string, publish bool) ([]byte, *Error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, errorResponse(resp, op)
	}
	limit := maxQueryBytes
	if publish {
		limit = maxPublishBytes
	}
	body, err := readBody(resp, limit)
	text := bytes.TrimSpace(body)
	switch {
	case isHTML(text):
		return nil, unexpectedResponse(op, resp.StatusCode, errors.New(describeHTML(text)))
	case err != nil && publish:
		// The status has already reported that the event was accepted.
		return emptyObject, nil
	case errors.Is(err, errTooLong):
		return nil, unexpectedResponse(op, resp.StatusCode, err)
	case err != nil:
		return nil, &Error{Op: op, Status: resp.StatusCode, Err: safe(err), Kind: ErrTransport}
	}
	if e := compat.ErrorUnderSuccess(text); e != nil {
		return nil, newErrorResponse(op, e.Status, tidy(e.Message))
	}
	if publish && compat.IsAccepted(text) && !json.Valid(text) {
		return emptyObject, nil // the word ok, or nothing
	}
	return body, nil
}

// acceptedResponse returns the response with a body that has been read. Its request has
// no signature.
func acceptedResponse(resp *http.Response, original *http.Request, op string, body []byte) *http.Response {
	resp.Request = original
	resp.Body = &responseBody{Reader: bytes.NewReader(body), op: op, status: resp.StatusCode}
	resp.TransferEncoding = nil
	resp.ContentLength = int64(len(body))
	if resp.Header.Get("Content-Length") != "" {
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return resp
}

// unexpectedResponse returns the error for a 2xx response that another program than
// a Pusher server must have sent.
func unexpectedResponse(op string, status int, cause error) *Error {
	return &Error{Op: op, Status: status, Message: "the response does not belong to this API", Err: cause, Kind: ErrServer, sent: true}
}

// A responseBody is the body of an accepted response. Closing it ends the attempt and
// the operation for the observer.
type responseBody struct {
	*bytes.Reader
	op      string
	status  int
	failure error    // of Decode
	closed  []func() // called by Close
}

// Decode decodes the body into a model. Package gen calls it instead of
// [json.Unmarshal], so that the responses of compatible servers are accepted and any
// other one is an [*Error].
func (b *responseBody) Decode(body []byte, v any) error {
	if err := compat.Decode(body, v); err != nil {
		b.failure = unexpectedResponse(b.op, b.status, safe(err))
	}
	return b.failure
}

func (b *responseBody) Close() error {
	for _, fn := range b.closed {
		fn()
	}
	b.closed = nil
	return nil
}

var (
	emptyObject = []byte("{}")
	errTooLong  = errors.New("the response is too long")
)

// readBody returns the body, and what was read of it together with an error.
func readBody(resp *http.Response, limit int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if len(body) > limit {
		err = fmt.Errorf("%w: more than %d bytes", errTooLong, limit)
	}
	return body, err
}

// errorResponse returns the error for a status other than 2xx.
func errorResponse(resp *http.Response, op string) *Error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// After 101 the body is the raw connection; reading it could block forever.
		return &Error{Op: op, Status: resp.StatusCode, Message: "the server wants to switch to another protocol", Kind: ErrServer}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	if err == nil {
		// Reading to the end allows the connection to be reused.
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBytes)
	}
	if err != nil || len(body) == maxErrorBytes {
		// Half a signature would not be recognized and redacted.
		body = bytes.TrimRight(body, "0123456789abcdefABCDEF")
	}
	message := tidy(compat.ErrorMessage(body))
	if isHTML(bytes.TrimSpace(body)) {
		message = describeHTML(body)
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		message = tidy("redirects are not followed; this one leads to " + location(resp))
	}
	e := newErrorResponse(op, resp.StatusCode, message)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), dateOf(resp))
	}
	return e
}

func newErrorResponse(op string, status int, message string) *Error {
	return &Error{Op: op, Status: status, Message: message, Kind: kindOf(status, message)}
}

// dateOf returns the server's time, to which a date in Retry-After refers.
func dateOf(resp *http.Response) time.Time {
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

func kindOf(status int, message string) error {
	switch status {
	case http.StatusBadRequest:
		switch {
		case strings.HasPrefix(message, "Unknown auth_key"):
			return ErrUnknownKey
		case strings.Contains(message, "is not enabled"):
			return ErrAttributeDisabled
		}
		return ErrInvalid
	case http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return ErrInvalid
	case http.StatusUnauthorized:
		if strings.HasPrefix(message, "Timestamp expired") {
			return ErrClockSkew
		}
		return ErrAuthentication
	case http.StatusPaymentRequired, http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		if strings.HasPrefix(message, "Application key not found") { // Sockudo
			return ErrUnknownKey
		}
		return ErrNotFound
	case http.StatusProxyAuthRequired:
		return ErrTransport
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	return ErrServer
}

// location returns where a redirect leads, without its query, which is signed.
func location(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "an unknown address"
	}
	return (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()
}

func tidy(message string) string { return redact.Line(message, maxMessageBytes) }

func isHTML(body []byte) bool { return len(body) > 0 && body[0] == '<' }

var htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// describeHTML returns the title of an HTML page instead of its text.
func describeHTML(body []byte) string {
	if match := htmlTitle.FindSubmatch(body); match != nil {
		return "an HTML page with the title " + fmt.Sprintf("%q", redact.Line(html.UnescapeString(string(match[1])), 100))
	}
	return "an HTML page"
}
