package pusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/openchannels/pusher-go/signing"
)

// Get asks for any resource below /apps/APP_ID, for example "/channels", and
// returns the JSON of the answer. Path and query are given unescaped. The
// signature's own parameters cannot be given: [ErrInvalid].
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	return c.raw("Get", ctx, http.MethodGet, path, query, "")
}

// Post sends to any resource below /apps/APP_ID and returns the JSON of the
// answer, {} if it is empty. The body is encoded as the data of [Client.Trigger];
// nil is sent as {}. A POST is repeated as little as a publish, see [WithRetry].
func (c *Client) Post(ctx context.Context, path string, body any) (json.RawMessage, error) {
	const op = "Post"
	if body == nil {
		body = "{}"
	}
	text, err := encode(body)
	if err != nil {
		return nil, refused(op, err)
	}
	return c.raw(op, ctx, http.MethodPost, path, nil, text)
}

func (c *Client) raw(op string, ctx context.Context, method, path string, query url.Values, body string) (json.RawMessage, error) {
	if err := c.ready(op, ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(checkPath(path), checkQuery(query)); err != nil {
		return nil, refused(op, err)
	}
	resource := (&url.URL{Path: "/apps/" + c.app.AppID + "/" + strings.TrimPrefix(path, "/")}).EscapedPath()
	req, err := http.NewRequestWithContext(ctx, method, c.baseURL+resource, strings.NewReader(body))
	if err != nil {
		return nil, refused(op, safeCause(err))
	}
	req.URL.RawQuery = query.Encode()
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	// The generated client's own doer, so that raw requests take the same way.
	answer, err := c.transport.Do(req)
	if err != nil {
		return nil, failed(op, err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, failed(op, err)
	}
	return content, nil
}

func checkPath(path string) error {
	if strings.Trim(path, "/") == "" {
		return errors.New("the path is empty")
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("path %q has an empty, . or .. segment", redact(path))
		}
	}
	if strings.ContainsAny(path, "?#") || strings.ContainsFunc(path, unicode.IsControl) {
		return fmt.Errorf("path %q has a query, a fragment or control characters", redact(path))
	}
	return nil
}

func checkQuery(query url.Values) error {
	for key := range query {
		if signing.IsAuthParameter(key) {
			return fmt.Errorf("query parameter %q belongs to the signature", key)
		}
	}
	return nil
}
