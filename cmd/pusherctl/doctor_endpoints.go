package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/realtime"
	"github.com/openchannels/pusher-go/webhook"
)

// webhookTimeout is how long Pusher waits for the response to a webhook. Source: Pusher
// support, "Channels webhook timeouts and retries".
const webhookTimeout = 4 * time.Second

// checkAuthEndpoint subscribes with an authorization of the app's endpoint, which it
// requests as pusher-js does.
func (d *doctor) checkAuthEndpoint(ctx context.Context) finding {
	if d.authEndpoint == "" {
		return skip("no --auth-endpoint")
	}
	if f := d.preflight(ctx); f.Verdict == failed {
		return f
	}
	header := d.header.Clone()
	if d.origin != "" {
		header.Set("Origin", d.origin)
	}
	conn, err := d.connect(ctx, realtime.WithAuthEndpoint(d.authEndpoint, header))
	if err != nil {
		return fail("look into the log of the server", "a further connection failed: %s", reason(err))
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	start := time.Now()
	_, err = conn.Subscribe(ctx, d.authChannel)
	if f := explainEndpoint(err, d.crossOrigin()); f.Verdict == failed {
		return f
	}
	if origin := d.transport.latest(hostOf(d.authEndpoint)).header.Get("Access-Control-Allow-Origin"); d.crossOrigin() && origin != "*" && origin != d.origin {
		return fail(fmt.Sprintf("set the header Access-Control-Allow-Origin to %s in the endpoint's responses", d.origin),
			"the endpoint authorizes, and browsers discard the response for pages of %s: its Access-Control-Allow-Origin is %q", d.origin, origin)
	}
	return ok("authorized %s in %d ms", d.authChannel, time.Since(start).Milliseconds())
}

// explainEndpoint returns what to do about the error of a subscription that the app's
// endpoint authorizes.
func explainEndpoint(err error, crossOrigin bool) finding {
	var e *realtime.Error
	switch {
	case err == nil:
		return finding{}
	case !errors.As(err, &e) || errors.Is(err, realtime.ErrTimeout):
		return fail("look into the log of the server", "%s", reason(err))
	case errors.Is(err, realtime.ErrRejected):
		return fail("the endpoint uses the key or secret of another app: compare them with these settings", "the server rejects the authorization of the endpoint: %s", reason(err))
	case e.Status >= 300 && e.Status < 400:
		return fail("check the path of the endpoint, and sign in with --auth-header", "the endpoint redirects with status %d, often to a page to sign in", e.Status)
	case e.Status == http.StatusNotFound, e.Status == http.StatusMethodNotAllowed:
		return fail("check the path: the endpoint has to accept POST", "the endpoint responds with status %d", e.Status)
	case e.Status == 419:
		return fail("exclude the endpoint from the CSRF check, or send the token with --auth-header", "the endpoint rejects the request without a CSRF token (status 419): %s", e.Message)
	case e.Status >= 400 && e.Status < 500:
		advice := "pass the session of a user with --auth-header and a channel of this user with --auth-channel; the app's log has the reason"
		if crossOrigin {
			advice += "; pusher-js sends no cookies to another origin, so use a header"
		}
		return fail(advice, "the endpoint rejects the request with status %d: %s", e.Status, e.Message)
	case e.Status >= 500:
		return fail("look into the log of the app", "the endpoint has failed with status %d: %s", e.Status, e.Message)
	case e.Status == http.StatusOK:
		return fail("respond with {\"auth\": \"KEY:SIGNATURE\"}; a page to sign in is HTML", "%s", reason(err))
	}
	return fail("check the URL, and that the app is running", "the endpoint cannot be reached: %s", reason(err))
}

func (d *doctor) crossOrigin() bool {
	return d.origin != "" && !strings.HasPrefix(d.authEndpoint+"/", strings.TrimSuffix(d.origin, "/")+"/")
}

// preflight sends the request with which browsers ask whether a page of another origin
// may send the headers.
//
// Source: Fetch standard, "CORS-preflight fetch".
func (d *doctor) preflight(ctx context.Context) finding {
	var names []string
	for name := range d.header {
		if !slices.Contains([]string{"Accept", "Accept-Language", "Content-Language", "Cookie"}, http.CanonicalHeaderKey(name)) {
			names = append(names, strings.ToLower(name))
		}
	}
	if !d.crossOrigin() || len(names) == 0 {
		return finding{}
	}
	slices.Sort(names)
	resp, err := d.send(ctx, d.timeout, http.MethodOptions, d.authEndpoint, http.Header{
		"Origin":                         {d.origin},
		"Access-Control-Request-Method":  {http.MethodPost},
		"Access-Control-Request-Headers": {strings.Join(names, ",")},
	}, nil)
	if err != nil {
		return fail("check the URL, and that the app is running", "the endpoint cannot be reached: %s", err)
	}
	origin, allowed := resp.header.Get("Access-Control-Allow-Origin"), strings.ToLower(resp.header.Get("Access-Control-Allow-Headers"))
	missing := slices.DeleteFunc(names, func(name string) bool {
		return slices.Contains(strings.FieldsFunc(allowed, func(r rune) bool { return r == ',' || r == ' ' }), name) || allowed == "*" && name != "authorization"
	})
	problem := ""
	switch {
	case resp.status < 200 || resp.status > 299:
		problem = fmt.Sprintf("its status is %d", resp.status)
	case origin != "*" && origin != d.origin:
		problem = fmt.Sprintf("its Access-Control-Allow-Origin is %q", origin)
	case len(missing) > 0:
		problem = fmt.Sprintf("its Access-Control-Allow-Headers lacks %s", strings.Join(missing, ", "))
	default:
		return finding{}
	}
	return fail(fmt.Sprintf("respond to OPTIONS with status 204, Access-Control-Allow-Origin: %s and Access-Control-Allow-Headers: %s", d.origin, strings.Join(names, ", ")),
		"browsers do not call the endpoint from pages of %s, because of the response to OPTIONS: %s", d.origin, problem)
}

// checkWebhook posts a webhook as Pusher does, and one with a wrong signature.
func (d *doctor) checkWebhook(ctx context.Context) finding {
	if d.webhook == "" {
		return skip("no --webhook")
	}
	body, err := json.Marshal(map[string]any{
		"time_ms": time.Now().UnixMilli(),
		"events":  []map[string]string{{"name": "channel_occupied", "channel": d.channel}},
	})
	if err != nil {
		return fail("", "%s", err)
	}
	start := time.Now()
	resp, err := d.send(ctx, webhookTimeout, http.MethodPost, d.webhook, webhook.SignedHeader(d.key.value, d.secret.value, body), body)
	elapsed := time.Since(start).Milliseconds()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fail("respond first and do slow work afterwards", "no response within %v, so Pusher would send the webhook again", webhookTimeout)
	case err != nil:
		return fail("check the URL, and that the app is running", "the endpoint cannot be reached: %s", err)
	case resp.status >= 300 && resp.status < 400:
		return fail("use the URL that the redirect leads to, often with https or a slash at the end", "the endpoint redirects with status %d", resp.status)
	case resp.status == http.StatusUnauthorized, resp.status == http.StatusForbidden:
		return fail("the app verifies with another key or secret: compare them with these settings", "the endpoint rejects the signature with status %d", resp.status)
	case resp.status == http.StatusNotFound, resp.status == http.StatusMethodNotAllowed:
		return fail("check the path: the endpoint has to accept POST", "the endpoint responds with status %d", resp.status)
	case resp.status < 200 || resp.status > 299:
		return fail("look into the log of the app", "the endpoint responds with status %d", resp.status)
	}
	forged, err := d.send(ctx, d.timeout, http.MethodPost, d.webhook, webhook.SignedHeader(d.key.value, d.secret.value, append(body, ' ')), body)
	if err == nil && forged.status >= 200 && forged.status <= 299 {
		return warn("verify the header X-Pusher-Signature: otherwise anybody can send webhooks", "accepted in %d ms, and so is one with a wrong signature", elapsed)
	}
	if d.cluster.isSet() && isLocal(d.webhook) {
		return warn("give the app a public address, for example with a tunnel", "accepted in %d ms; Pusher cannot reach this address", elapsed)
	}
	return ok("accepted in %d ms, and one with a wrong signature was rejected", elapsed)
}

func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Host
}

func isLocal(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}

// send sends a request that is not signed.
func (d *doctor) send(ctx context.Context, timeout time.Duration, method, to string, header http.Header, body []byte) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return response{}, errors.New("the URL is invalid")
	}
	if header != nil {
		request.Header = header
	}
	resp, err := d.http.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) { // whose text has the URL, which may have a token
			err = withURL.Err
		}
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return response{status: resp.StatusCode, header: resp.Header, body: strings.TrimSpace(string(text))}, nil
}
