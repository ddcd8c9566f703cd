package pusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/openchannels/pusher-go/internal/compat"
	"github.com/openchannels/pusher-go/internal/redact"
	"github.com/openchannels/pusher-go/signing"
)

// Get requests a resource below /apps/APP_ID, such as "/channels", and returns the
// JSON of the response. Path and query are given unescaped. Get returns [ErrInvalid]
// for a path that is not that of a resource and for a query with a parameter of the
// signature, such as auth_key.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	return c.request(ctx, "Get", http.MethodGet, path, query, "")
}

// Post sends a request to a resource below /apps/APP_ID and returns the JSON of the
// response, or {} if it is empty. The body is encoded like the data of
// [Client.Trigger]; nil is sent as {}. A POST request is retried like a publish, see
// [WithRetry]. The body is not validated, except that an event with unencrypted data
// for an encrypted channel is rejected as [ErrInvalid].
func (c *Client) Post(ctx context.Context, path string, body any) (json.RawMessage, error) {
	const op = "Post"
	if body == nil {
		body = "{}"
	}
	text, err := encode(body)
	if err != nil {
		return nil, invalid(op, err)
	}
	return c.request(ctx, op, http.MethodPost, path, nil, text)
}

func (c *Client) request(ctx context.Context, op, method, path string, query url.Values, body string) (json.RawMessage, error) {
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(validatePath(path), validateQuery(query)); err != nil {
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
	return send(c, ctx, call{op: op}, req, compat.Raw)
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
