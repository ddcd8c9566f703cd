package pusher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxAnswerBytes  = 32 << 20 // of a 2xx answer: more than a million channels
	maxReceiptBytes = 1 << 20  // of the one to a publish: the counts of 100 channels are 30 KiB
	maxRefusalBytes = 4 << 10  // read of any other answer
)

// judge makes resp what openapi.yaml describes, or returns why it is no success.
func judge(resp *http.Response, op operation) *Error {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp)
	}
	return accept(resp, op)
}

// refusal is the error for an answer outside 2xx.
func refusal(resp *http.Response) *Error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the connection, which no context ends.
		return &Error{Kind: ErrServer, Status: resp.StatusCode, Message: "the server wants to speak another protocol"}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBytes))
	if err == nil {
		// A little more, so that the connection can be used again.
		_, _ = io.CopyN(io.Discard, resp.Body, maxRefusalBytes)
	}
	if err != nil || len(body) == maxRefusalBytes {
		// Half a signature would not look like one.
		body = bytes.TrimRight(body, "0123456789abcdefABCDEF")
	}
	e := &Error{Status: resp.StatusCode, Message: message(body)}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Message = tidy("redirects are not followed; this one leads to " + location(resp))
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), dateOf(resp))
	}
	e.Kind = kindOf(e.Status, e.Message)
	return e
}

// dateOf is the server's time, by which a date in Retry-After is meant.
func dateOf(resp *http.Response) time.Time {
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

func kindOf(status int, message string) error {
	switch status {
	case http.StatusBadRequest:
		// Pusher answers a key of another cluster so.
		if strings.HasPrefix(message, "Unknown auth_key") {
			return ErrAuthentication
		}
		return ErrInvalid
	case http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return ErrInvalid
	case http.StatusUnauthorized:
		return ErrAuthentication
	case http.StatusPaymentRequired, http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusProxyAuthRequired:
		return ErrHTTP
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	return ErrServer
}

// location is where a redirect leads, without its query, which is the signed one.
func location(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	return (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()
}

// message is what the body of a refusal says: the text, or the words of the JSON
// that servers other than Pusher answer with.
func message(body []byte) string {
	text := strings.TrimSpace(string(body))
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) == nil {
		text = errorWords(object, text)
	}
	if text == "{}" || text == "null" {
		return ""
	}
	return tidy(text)
}

// errorWords finds the words in {"error": text}, {"message": text}, or the map of
// field names to complaints that Laravel's servers answer with.
func errorWords(object map[string]json.RawMessage, otherwise string) string {
	for _, key := range []string{"error", "message"} {
		var text string
		if json.Unmarshal(object[key], &text) == nil && text != "" {
			return text
		}
	}
	var fields []string
	for field, raw := range object {
		var complaints []string
		if json.Unmarshal(raw, &complaints) != nil {
			return otherwise
		}
		fields = append(fields, field+": "+strings.Join(complaints, ", "))
	}
	if len(fields) == 0 {
		return otherwise
	}
	slices.Sort(fields)
	return strings.Join(fields, "; ")
}

// accept turns a 2xx answer into the one that openapi.yaml describes, or finds
// out that it is none. It reads the whole body, so that the answer outlives its
// connection.
func accept(resp *http.Response, op operation) *Error {
	body, err := readAnswer(resp, op.maxAnswerBytes())
	body = bytes.TrimSpace(body)

	unusable := func(err error) *Error {
		return &Error{Kind: ErrServer, Status: resp.StatusCode, Message: "the answer is not this API's", Err: err}
	}
	switch {
	case err == nil && isPlainSuccess(body, op):
		body = emptyObject
	case isPage(body):
		// A portal or a wrong host answers so; the API never does.
		return unusable(errors.New("it is a page of HTML"))
	case err != nil && op.publishes():
		// The status has told that the event was accepted; the rest adds little.
		body = emptyObject
	case errors.Is(err, errTooLong):
		return unusable(err)
	case err != nil:
		return &Error{Kind: ErrHTTP, Status: resp.StatusCode, Err: safeCause(err)}
	default:
		if refused := hiddenRefusal(body); refused != nil {
			return refused
		}
		if body, err = op.mend(body); err != nil {
			return unusable(err)
		}
	}

	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	if resp.Header == nil { // of a transport made by hand
		resp.Header = http.Header{}
	}
	if resp.Header.Get("Content-Type") != "application/json" {
		resp.Header.Set("Content-Type", "application/json")
	}
	resp.Body, resp.ContentLength = &kept{*bytes.NewReader(body)}, int64(len(body))
	resp.Request = nil // its URL is the signed one
	return nil
}

// kept is a body in memory.
type kept struct{ bytes.Reader }

func (*kept) Close() error { return nil }

// readAnswer gives what it has read also beside an error.
func readAnswer(resp *http.Response, limit int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if len(body) > limit {
		err = errTooLong
	}
	return body, err
}

var errTooLong = fmt.Errorf("it has more than %d bytes", maxAnswerBytes)

var emptyObject = []byte("{}")

// isPlainSuccess spares the usual answers to a publish the closer look.
func isPlainSuccess(body []byte, op operation) bool {
	return op.publishes() && (len(body) == 0 || string(body) == "{}" || string(body) == `{"ok":true}`)
}

func isPage(body []byte) bool { return len(body) > 0 && body[0] == '<' }

// hiddenRefusal finds the failure in a 2xx answer of soketi's, whose real status
// is only in the body: {"error": text, "code": 400 or more}.
func hiddenRefusal(body []byte) *Error {
	if !bytes.Contains(body, []byte(`"error"`)) {
		return nil
	}
	var answer struct {
		Error        *string
		Code, Status any
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == nil {
		return nil
	}
	for _, code := range []any{answer.Code, answer.Status} {
		if code, ok := code.(float64); ok && code >= 400 && code < 600 {
			words := message(body)
			return &Error{Kind: kindOf(int(code), words), Status: int(code), Message: words}
		}
	}
	return nil
}
