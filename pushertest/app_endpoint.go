package pushertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// maxAppResponse is the number of bytes that are read of an app's response. A member
// has at most 1 KB.
const maxAppResponse = 64 << 10

// The paths to which pusher-js sends requests by default.
//
// Source: pusher-js 8.6.0, src/core/defaults.ts.
const (
	authPath     = "/pusher/auth"
	userAuthPath = "/pusher/user-auth"
)

// An appEndpoint is an endpoint of the app under test: a handler in this process, or
// a URL if there is no handler.
type appEndpoint struct {
	handler http.Handler
	url     string // the path, if there is a handler
}

// post sends a form and decodes the strings of the JSON object in the response, by
// property name. It returns the body. Only status 200 is a success, as for pusher-js.
// The error is an [*AuthorizationError] if there was a response.
//
// Source: pusher-js 8.6.0, src/runtimes/web/auth/xhr_auth.ts.
func (e *appEndpoint) post(ctx context.Context, form url.Values, header http.Header, fields map[string]any) (string, error) {
	response, err := e.send(ctx, form, header)
	if err != nil {
		return "", fmt.Errorf("requesting the authorization from the app: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAppResponse))
	text := string(body)
	switch {
	case err != nil:
		return "", &AuthorizationError{response.StatusCode, text, withoutURL(err).Error()}
	case response.StatusCode != http.StatusOK:
		return "", &AuthorizationError{Status: response.StatusCode, Body: text}
	case decodeObject(body, fields) != nil:
		return "", &AuthorizationError{http.StatusOK, text, "the body is not a JSON object of strings"}
	}
	return text, nil
}

func (e *appEndpoint) send(ctx context.Context, form url.Values, header http.Header) (*http.Response, error) {
	body := strings.NewReader(form.Encode())
	if e.handler != nil {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, e.url, body)
		setHeader(r, header)
		w := httptest.NewRecorder()
		e.handler.ServeHTTP(w, r)
		return w.Result(), nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, body)
	if err != nil {
		return nil, err
	}
	setHeader(r, header)
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(r)
}

func setHeader(r *http.Request, header http.Header) {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
}

// withoutURL returns the cause of an error of net/http. The URL may have a password.
func withoutURL(err error) error {
	var urlError *url.Error
	if errors.As(err, &urlError) {
		return urlError.Err
	}
	return err
}

// An AuthorizationError is returned by [Server.Subscribe] if the app rejects the
// request of [WithAuthorizer] or [WithAuthenticator], or sends a response that
// pusher-js does not accept.
type AuthorizationError struct {
	Status int    // status code of the app's response
	Body   string // body of the response, at most 64 KiB of it

	reason string // why a response with status 200 is not accepted
}

// Error returns the status code and the beginning of the body, without signatures.
func (e *AuthorizationError) Error() string {
	text := fmt.Sprintf("authorization rejected by the app: status %d", e.Status)
	if e.reason != "" {
		text += ", " + e.reason
	}
	return text + ": " + logText(strings.TrimSpace(e.Body))
}
