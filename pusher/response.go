package pusher

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/compat"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/redact"
)

const (
	maxQueryBytes   = 32 << 20 // of the response to a query: more than a million channels
	maxPublishBytes = 1 << 20  // of the response to a publish: the counts of 100 channels are 30 KiB
	maxErrorBytes   = 4 << 10  // of an error response
)

// isPublish reports whether the request changes something on the server.
func isPublish(req *http.Request) bool { return req.Method != http.MethodGet }

// readResponse returns the body of a successful response, or an error.
func readResponse(resp *http.Response, call call, publish bool) ([]byte, *Error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, errorResponse(resp, call)
	}
	limit := maxQueryBytes
	if publish {
		limit = maxPublishBytes
	}
	body, err := readBody(resp, limit)
	body = bytes.TrimSpace(body)
	unexpected := func(cause error) *Error {
		return &Error{Op: call.op, Status: resp.StatusCode, Message: "the response does not belong to this API", Err: cause, kind: ErrServer}
	}
	switch {
	case isHTML(body):
		return nil, unexpected(errors.New(describeHTML(body)))
	case err != nil && publish:
		// The status has already reported that the event was accepted.
		return emptyObject, nil
	case errors.Is(err, errTooLong):
		return nil, unexpected(err)
	case err != nil:
		return nil, &Error{Op: call.op, Status: resp.StatusCode, Err: safe(err), kind: ErrTransport}
	}
	if e := compat.ErrorUnderSuccess(body); e != nil {
		return nil, newErrorResponse(call, e.Status, tidy(e.Message))
	}
	if publish && !compat.IsPublishSuccess(body) {
		return nil, unexpected(fmt.Errorf("the body is %q", redact.Line(string(body), 100)))
	}
	if publish && !json.Valid(body) {
		body = emptyObject // the word ok, or nothing
	}
	return body, nil
}

var (
	emptyObject = []byte("{}")
	errTooLong  = errors.New("the response is too long")
)

// readBody returns the body, and what was read of it together with an error.
func readBody(resp *http.Response, limit int) ([]byte, error) {
	var body bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= int64(limit) {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(resp.Body, int64(limit)+1))
	if body.Len() > limit {
		err = fmt.Errorf("%w: more than %d bytes", errTooLong, limit)
	}
	return body.Bytes(), err
}

// errorResponse returns the error for a status other than 2xx.
func errorResponse(resp *http.Response, call call) *Error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the connection, which no context ends.
		return &Error{Op: call.op, Status: resp.StatusCode, Message: "the server wants to switch to another protocol", kind: ErrServer}
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
	e := newErrorResponse(call, resp.StatusCode, message)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), dateOf(resp))
	}
	return e
}

func newErrorResponse(call call, status int, message string) *Error {
	return &Error{Op: call.op, Status: status, Message: message, kind: kindOf(status, message)}
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

// hint returns the likely cause of an error response, and what to do.
func hint(e *Error, req *http.Request) string {
	switch e.Status {
	case http.StatusUnauthorized:
		if e.kind == ErrAuthentication && !strings.Contains(e.Message, "but you sent") {
			return "check the secret, the app ID and this machine's clock, and that no proxy changes the path"
		}
	case http.StatusNotFound:
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/channels/") {
			return "the app ID may be wrong, or the server responds with 404 to a query for a vacant channel, see WithVacantOnNotFound"
		}
		return "check the app ID, the host and the path; the server may lack this operation"
	case http.StatusBadRequest:
		switch {
		case strings.Contains(e.Message, "HTTP request to an HTTPS server"):
			return "use https:// or WithTLS(true)"
		case strings.HasPrefix(e.Message, "Could not find a channel"):
			return "this server responds in this way to a query for a vacant channel, see WithVacantOnNotFound"
		case e.kind == ErrUnknownKey:
			return "check the key and the cluster"
		}
	case http.StatusForbidden:
		return "the app may be disabled or over its quota, or the app ID may be wrong"
	case http.StatusRequestEntityTooLarge:
		if strings.Contains(e.Message, "event") || strings.Contains(e.Message, "data") {
			return "the data of an event is too large for the server"
		}
		return "the request as a whole is too large for the server: send less data or fewer events per request"
	case http.StatusProxyAuthRequired:
		return proxyHint
	}
	return ""
}

const proxyHint = "the proxy requires a user and password, see WithHTTPProxy"

// classifyTransport recognizes errors that no retry can fix.
func classifyTransport(e *Error, err error) {
	var (
		record   tls.RecordHeaderError
		untrust  *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		proxy    *proxyError
	)
	switch {
	case errors.As(err, &record):
		e.kind, e.hint = ErrTLS, "the server does not use TLS on this port: use http:// or WithTLS(false)"
	case errors.As(err, &hostname):
		e.kind, e.hint = ErrTLS, "the certificate is for another host name: check the host"
	case errors.As(err, &untrust), errors.As(err, &unknown):
		e.kind, e.hint = ErrTLS, "the server's certificate is not trusted: add its authority to the TLS configuration of the transport given to WithHTTPClient"
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired, strings.HasSuffix(err.Error(), "Proxy Authentication Required"):
		e.Status, e.hint = http.StatusProxyAuthRequired, proxyHint
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.kind, e.hint = ErrTLS, "the server does not use TLS on this port: use http:// or WithTLS(false)"
	}
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

// normalize returns the body of a successful response as openapi.yaml describes it,
// for the generated client, which decodes it again.
func normalize(req *http.Request, basePath string, body []byte) ([]byte, error) {
	resource := strings.TrimPrefix(req.URL.EscapedPath(), basePath+"/apps/")
	_, resource, _ = strings.Cut(resource, "/") // behind the app ID
	return compat.Normalize(req.Method, resource, body)
}

// checkEncrypted reports an event for an encrypted channel whose data is not
// encrypted, in a request that was not built by this package.
func checkEncrypted(path string, body []byte) error {
	if !strings.HasSuffix(path, "/events") && !strings.HasSuffix(path, "/batch_events") || !bytes.Contains(body, []byte("encrypted-")) {
		return nil
	}
	var request struct {
		gen.TriggerRequest
		Batch []gen.BatchEvent `json:"batch"`
	}
	if json.Unmarshal(body, &request) != nil {
		return nil // the server reports why
	}
	targets := request.Channels
	if request.Channel != nil {
		targets = append(targets, *request.Channel)
	}
	for _, channel := range targets {
		if protocol.IsEncrypted(channel) && !isEncryptedData(request.Data) {
			return fmt.Errorf("data for encrypted channel %q is not encrypted: use Trigger", channel)
		}
	}
	for _, event := range request.Batch {
		if protocol.IsEncrypted(event.Channel) && !isEncryptedData(event.Data) {
			return fmt.Errorf("data for encrypted channel %q is not encrypted: use TriggerBatch", event.Channel)
		}
	}
	return nil
}

func isEncryptedData(data string) bool {
	var sealed struct{ Nonce, Ciphertext []byte }
	return json.Unmarshal([]byte(data), &sealed) == nil && len(sealed.Nonce) == 24 && len(sealed.Ciphertext) > 0
}
