package pusher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/redact"
	"github.com/openchannels/pusher-go/internal/sentinel"
	"github.com/openchannels/pusher-go/signing"
)

// Get requests a resource below /apps/APP_ID, such as "/channels", and returns the
// JSON of the response. Path and query are given unescaped. Get returns [ErrInvalid]
// if path has a query, a fragment or an empty, "." or ".." segment, or if query has a
// parameter of the signature, such as auth_key.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	const op = "Get"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	return c.request(ctx, op, http.MethodGet, path, query, "")
}

// Post sends a request to a resource below /apps/APP_ID and returns the JSON of the
// response, or {} if it is empty. The body is encoded like the data of
// [Client.Trigger]; nil is sent as {}. A POST request is retried like a publish, see
// [WithRetry]. The body is not validated, except that an event with unencrypted data
// for an encrypted channel is rejected as [ErrInvalid].
func (c *Client) Post(ctx context.Context, path string, body any) (json.RawMessage, error) {
	const op = "Post"
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	text, err := encodeBody(body)
	if err != nil {
		return nil, invalid(op, err)
	}
	return c.request(ctx, op, http.MethodPost, path, nil, text)
}

func encodeBody(body any) (string, error) {
	if body == nil {
		return "{}", nil
	}
	return encode(body)
}

func (c *Client) request(ctx context.Context, op, method, path string, query url.Values, body string) (json.RawMessage, error) {
	if err := sentinel.Join(validatePath(path), validateQuery(query)); err != nil {
		return nil, invalid(op, err)
	}
	resource := (&url.URL{Path: "apps/" + c.app.AppID + "/" + strings.TrimPrefix(path, "/")}).EscapedPath()
	req, err := http.NewRequestWithContext(ctx, method, c.server+resource, strings.NewReader(body))
	if err != nil {
		return nil, invalid(op, safe(err))
	}
	req.URL.RawQuery = query.Encode()
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		if err := checkEncrypted(req.URL.Path, []byte(body)); err != nil {
			return nil, invalid(op, err)
		}
	}
	resp, err := c.doer(callInfo{op: op}).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, newError(op, ErrTransport, err)
	}
	var raw json.RawMessage
	if err := resp.Body.(*responseBody).Decode(text, &raw); err != nil {
		return nil, err
	}
	return raw, nil
}

func validatePath(path string) error {
	if strings.Trim(path, "/") == "" {
		return errors.New("the path is empty")
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("path %q has an empty, . or .. segment", redact.Line(path, 100))
		}
	}
	if strings.ContainsAny(path, "?#") || strings.ContainsFunc(path, unicode.IsControl) {
		return fmt.Errorf("path %q has a query, a fragment or control characters", redact.Line(path, 100))
	}
	return nil
}

func validateQuery(query url.Values) error {
	for name := range query {
		if signing.IsAuthParameter(name) {
			return fmt.Errorf("query parameter %q is reserved for the signature", name)
		}
	}
	return nil
}

// API returns the client that is generated from openapi.yaml, whose methods take the
// app ID of [Client.AppID]. Its requests are signed, retried and checked like those of
// the other methods, which call it too. An error of the server is an [*Error]; errors
// of request editors and of arguments that cannot be part of a request are returned
// unchanged. Arguments are not validated, except that unencrypted data on encrypted
// channels is rejected as [ErrInvalid]. Request editors that are passed to a method run
// before the request is signed.
//
// API never returns nil. If c was not created by [New], the methods return
// [ErrConfiguration].
func (c *Client) API() *gen.ClientWithResponses {
	server := ""
	if c != nil {
		server = c.server
	}
	return &gen.ClientWithResponses{ClientInterface: &gen.Client{Server: server, Client: apiDoer{c}}}
}

// An apiDoer sends the requests that callers of API build.
type apiDoer struct{ client *Client }

// Do implements [gen.HttpRequestDoer].
func (d apiDoer) Do(req *http.Request) (*http.Response, error) {
	op := redact.Line(req.Method+" "+req.URL.Path, maxOpBytes)
	if err := d.client.ready(op, req.Context()); err != nil {
		return nil, err
	}
	body, err := bufferBody(req)
	if err == nil {
		err = checkEncrypted(req.URL.Path, body)
	}
	if err != nil {
		return nil, invalid(op, safe(err))
	}
	return d.client.doer(callInfo{op: op}).Do(req)
}

// maxOpBytes limits how much of a path becomes part of an error or a log line.
const maxOpBytes = 200

// bufferBody reads the body of a request, so that it can be validated and sent more
// than once.
func bufferBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	if err := errors.Join(err, req.Body.Close()); err != nil {
		return nil, err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.ContentLength = int64(len(body))
	return body, nil
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
