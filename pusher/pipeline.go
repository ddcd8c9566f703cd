package pusher

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/redact"
)

// callInfo describes a call of a Client method for errors, logs, retries and the
// observer.
type callInfo struct {
	op               string // the method, such as "Trigger"
	channels, events int
	queued           []QueuedEvent // the events of a publisher's batch
	once             bool          // the caller retries by itself
}

// A pipeline sends the requests of a client: it signs and sends each attempt, checks
// the response, and decides about a retry. Only its clock changes.
type pipeline struct {
	http     *http.Client
	own      *http.Transport // the transport of http, nil with WithHTTPClient
	timeout  time.Duration   // of one attempt
	maxBody  int             // bytes; 0 for no limit
	prefix   string          // path in front of the signed path
	sign     gen.RequestEditorFn
	clock    *clock
	retry    Retry
	logger   *slog.Logger // nil for slog.Default
	observer Observer     // nil for none
}

func newPipeline(cfg *config, sign gen.RequestEditorFn, clock *clock) *pipeline {
	p := &pipeline{
		timeout:  cfg.timeout,
		maxBody:  cfg.maxBodyBytes,
		prefix:   cfg.pathPrefix,
		sign:     sign,
		clock:    clock,
		retry:    cfg.retry,
		logger:   cfg.logger,
		observer: cfg.observer,
	}
	hc := http.Client{}
	if cfg.httpClient != nil {
		hc = *cfg.httpClient
		p.timeout = cmp.Or(p.timeout, max(0, hc.Timeout)) // net/http ignores a negative one
		hc.Timeout = 0                                    // each attempt has a context with the timeout
	} else {
		p.own = newHTTPTransport(cfg.proxy)
		hc.Transport = p.own
	}
	if cfg.discard {
		hc.Transport = discarder{p.log}
	}
	// A followed 301 turns a POST into an empty GET that succeeds.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.http = &hc
	p.timeout = cmp.Or(p.timeout, defaultTimeout)
	return p
}

// A doer sends the requests of one call. It is the HTTP client of the generated
// client.
type doer struct {
	*pipeline
	info callInfo
}

// Do sends req until a response is accepted, until the server rejects req for good, or
// until the retry policy gives up. Every error is an [*Error]. Do implements
// [gen.HttpRequestDoer].
func (d doer) Do(req *http.Request) (*http.Response, error) {
	if err := d.checkBodySize(int(req.ContentLength)); err != nil {
		return nil, invalid(d.info.op, err)
	}
	ctx, end := d.observe(req.Context(), 0, req)
	clockCorrected := false
	for attempt := 1; ; attempt++ {
		signed := d.clock.now()
		resp, failure := d.attempt(ctx, req, attempt)
		if failure == nil {
			d.endWithBody(end, resp, attempt)
			return resp, nil
		}
		delay, again := time.Duration(0), false
		switch {
		case !clockCorrected && d.clock.correct(failure, resp, signed):
			clockCorrected, again = true, true
		case !d.info.once:
			delay, again = d.retry.next(ctx, isPublish(req), attempt, failure)
		}
		if again {
			d.log().WarnContext(ctx, "pusher: retrying", "op", d.info.op, "attempt", attempt, "delay", delay, "error", failure)
			if err := sleep(ctx, delay); err != nil {
				failure = failure.then(err)
				again = false
			}
		}
		if !again {
			end(failure.Status, 0, attempt, failure)
			return nil, failure
		}
	}
}

// attempt signs, sends and checks a clone of the request: HTTP/2 may still be reading
// the body of the previous attempt. With a failure, it returns the response that
// caused it, if there was one, without its body.
func (d doer) attempt(ctx context.Context, original *http.Request, n int) (*http.Response, *Error) {
	ctx, end := d.observe(ctx, n, original)
	resp, failure := d.roundTrip(ctx, original, n)
	if failure != nil {
		end(failure.Status, 0, n, failure)
		return resp, failure
	}
	d.endWithBody(end, resp, n)
	return resp, nil
}

func (d doer) roundTrip(ctx context.Context, original *http.Request, n int) (*http.Response, *Error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, &timeoutError{d.timeout})
	defer cancel()
	var conn connTrace
	req := original.Clone(httptrace.WithClientTrace(ctx, conn.hooks()))
	if original.GetBody != nil {
		body, err := original.GetBody()
		if err != nil {
			return nil, newError(d.info.op, ErrInvalid, safe(err))
		}
		req.Body = body
	}
	req.Header.Set("X-Pusher-Library", "pusher-go "+Version)
	switch err := d.sign(ctx, req); {
	case original.Context().Err() != nil && n == 1:
		return nil, canceled(d.info.op, original.Context())
	case ctx.Err() != nil: // not every RoundTripper checks it
		return nil, newError(d.info.op, ErrTransport, context.Cause(ctx))
	case err != nil:
		return nil, newError(d.info.op, ErrInvalid, safe(err))
	}
	addPrefix(req.URL, d.prefix)
	start := time.Now()
	resp, err := d.http.Do(req)
	if err != nil {
		d.logAttempt(ctx, req, n, 0, start)
		return nil, d.transportError(ctx, &conn, err)
	}
	defer func(received io.Closer) { _ = received.Close() }(resp.Body)
	body, failure := checkResponse(resp, d.info.op, isPublish(req))
	if failure != nil {
		failure.sent = true
		failure.Hint = responseHint(failure, req)
		d.logAttempt(ctx, req, n, failure.Status, start)
		return resp, failure
	}
	d.logAttempt(ctx, req, n, resp.StatusCode, start)
	return acceptedResponse(resp, original, d.info.op, body), nil
}

func (p *pipeline) checkBodySize(n int) error {
	if p.maxBody > 0 && n > p.maxBody {
		return &argumentError{ErrTooLarge, fmt.Sprintf("the body of the request has %d bytes, the limit of WithMaxBodyBytes is %d", n, p.maxBody)}
	}
	return nil
}

// addPrefix puts a path in front of the signed path.
func addPrefix(u *url.URL, prefix string) {
	u.Path = prefix + u.Path
	if u.RawPath != "" {
		u.RawPath = prefix + u.RawPath
	}
}

// timeoutError is the cause of an attempt's context that has ended.
type timeoutError struct{ timeout time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("no response within %v", e.timeout) }

// Unwrap makes the error a [context.DeadlineExceeded].
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

func (p *pipeline) closeIdleConnections() {
	if p.own != nil {
		p.own.CloseIdleConnections()
	}
}

func (p *pipeline) log() *slog.Logger {
	if p == nil || p.logger == nil {
		return slog.Default()
	}
	return p.logger
}

func (d doer) logAttempt(ctx context.Context, req *http.Request, n, status int, start time.Time) {
	if logger := d.log(); logger.Enabled(ctx, slog.LevelDebug) {
		logger.DebugContext(ctx, "pusher: request", "op", d.info.op, "method", req.Method,
			"path", redact.Line(req.URL.Path, maxOpBytes), "attempt", n, "status", status, "duration", time.Since(start))
	}
}
