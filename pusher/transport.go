package pusher

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/redact"
)

// call describes a call for errors, logs, retries and the observer.
type call struct {
	op               string // "Trigger"
	channels, events int
	queued           []QueuedEvent // of a publisher's batch
	once             bool          // the caller retries itself
}

// transport sends the requests of a client. The only thing that changes in it is the
// clock.
type transport struct {
	http     *http.Client
	own      *http.Transport // of http; nil with WithHTTPClient
	timeout  time.Duration   // of one attempt
	sign     gen.RequestEditorFn
	clock    *clock
	retry    Retry
	logger   *slog.Logger // nil for slog.Default
	observer Observer     // nil for none
}

func newTransport(cfg *config, sign gen.RequestEditorFn, clock *clock) *transport {
	t := &transport{
		timeout:  cfg.timeout,
		sign:     sign,
		clock:    clock,
		retry:    cfg.retry,
		logger:   cfg.logger,
		observer: cfg.observer,
	}
	hc := http.Client{}
	if cfg.httpClient != nil {
		hc = *cfg.httpClient
		t.timeout = cmp.Or(t.timeout, hc.Timeout)
		hc.Timeout = 0 // each attempt has a context with the timeout
	} else {
		t.own = newHTTPTransport(cfg.proxy)
		hc.Transport = t.own
	}
	if cfg.discard {
		hc.Transport = discarder{t.log}
	}
	// A followed 301 turns a POST into an empty GET that succeeds.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.http = &hc
	t.timeout = cmp.Or(t.timeout, defaultTimeout)
	return t
}

// send makes a call: it signs and sends the request until a response is accepted,
// until the server rejects the request for good, or until the retry policy gives up.
// Decode is called with the body of the accepted response.
func (t *transport) send(req *http.Request, call call, decode func(body []byte) error) (err error) {
	ctx, end := t.observe(req.Context(), call, 0, req)
	attempts, clockCorrected := 0, false
	var last *response
	defer func() { end(last, attempts, err) }()
	for {
		attempts++
		resp, failure := t.attempt(req.WithContext(ctx), call, attempts, decode)
		last = resp
		if failure == nil {
			return nil
		}
		delay := time.Duration(0)
		if !clockCorrected && t.clock.correct(failure, resp) {
			clockCorrected = true
		} else {
			var ok bool
			if delay, ok = t.retry.next(req, call, attempts, failure); !ok {
				return failure
			}
		}
		t.log().WarnContext(ctx, "pusher: retrying", "op", call.op, "attempt", attempts, "delay", delay, "error", failure)
		if err := sleep(ctx, delay); err != nil {
			interrupted := *failure
			interrupted.Err = joinCause(failure.Err, err)
			return &interrupted
		}
	}
}

// joinCause returns the cause of a call whose context ended before a retry.
func joinCause(last, ended error) error {
	if last == nil {
		return ended
	}
	return fmt.Errorf("%w; then %w", last, ended)
}

// attempt signs and sends a clone of the request once. An HTTP/2 connection may still
// be reading the previous one.
func (t *transport) attempt(original *http.Request, call call, n int, decode func([]byte) error) (*response, *Error) {
	ctx, end := t.observe(original.Context(), call, n, original)
	resp, failure := t.roundTrip(ctx, original, call, n, decode)
	if failure != nil {
		end(resp, n, failure)
	} else {
		end(resp, n, nil)
	}
	return resp, failure
}

func (t *transport) roundTrip(ctx context.Context, original *http.Request, call call, n int, decode func([]byte) error) (*response, *Error) {
	if err := ctx.Err(); err != nil {
		return nil, newError(call.op, ErrTransport, context.Cause(ctx)) // not every RoundTripper checks it
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	var conn connTrace
	req := original.Clone(httptrace.WithClientTrace(ctx, conn.clientTrace()))
	if original.GetBody != nil {
		body, err := original.GetBody()
		if err != nil {
			return nil, newError(call.op, ErrInvalid, safe(err))
		}
		req.Body = body
	} else if n > 1 && original.Body != nil && original.Body != http.NoBody {
		return nil, newError(call.op, ErrInvalid, errors.New("the body cannot be sent again"))
	}
	req.Header.Set("X-Pusher-Library", "pusher-go "+Version)
	signed := t.clock.now()
	if err := t.sign(ctx, req); err != nil {
		if ctx.Err() != nil {
			return nil, t.transportError(original, ctx, call, &connTrace{requested: true}, err)
		}
		return nil, newError(call.op, ErrInvalid, safe(err))
	}
	start := time.Now()
	resp, err := t.http.Do(req)
	if err != nil {
		t.trace(ctx, call, req, n, 0, start)
		return nil, t.transportError(original, ctx, call, &conn, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, failure := readResponse(resp, call, isPublish(req))
	result := &response{status: resp.StatusCode, bytes: len(body), signed: signed, header: resp.Header}
	if failure == nil {
		if err := decode(body); err != nil {
			failure = &Error{Op: call.op, Status: resp.StatusCode, Message: "the response does not belong to this API", Err: safe(err), kind: ErrServer}
		}
	}
	if failure != nil {
		failure.sent = true
		if failure.Status != 0 {
			result.status = failure.Status
		}
		failure.hint = hint(failure, req)
	}
	t.trace(ctx, call, req, n, result.status, start)
	return result, failure
}

// transportError returns the error of an attempt that received no response.
func (t *transport) transportError(original *http.Request, ctx context.Context, call call, conn *connTrace, err error) *Error {
	if ctx.Err() != nil && original.Context().Err() == nil {
		err = fmt.Errorf("no response within %v: %w", t.timeout, ctx.Err())
	}
	e := &Error{Op: call.op, Err: safe(err), kind: ErrTransport, sent: !conn.failed() && !isDialError(err)}
	classifyTransport(e, err)
	return e
}

// connTrace records whether an attempt obtained a connection. Without one the server
// cannot have processed the request.
type connTrace struct {
	requested, obtained bool
}

func (c *connTrace) clientTrace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { c.requested = true },
		GotConn: func(info httptrace.GotConnInfo) {
			c.obtained = true
			startRequest(info.Conn)
		},
	}
}

// failed reports whether a connection was requested and never obtained. A custom
// RoundTripper may report neither.
func (c *connTrace) failed() bool { return c.requested && !c.obtained }

// isDialError recognizes a failed dial also if a custom RoundTripper does not report
// its connections.
func isDialError(err error) bool {
	var (
		network *net.OpError
		dns     *net.DNSError
	)
	return errors.As(err, &network) && (network.Op == "dial" || network.Op == "proxyconnect") || errors.As(err, &dns)
}

func (t *transport) log() *slog.Logger {
	if t == nil || t.logger == nil {
		return slog.Default()
	}
	return t.logger
}

func (t *transport) trace(ctx context.Context, call call, req *http.Request, n, status int, start time.Time) {
	if logger := t.log(); logger.Enabled(ctx, slog.LevelDebug) {
		logger.DebugContext(ctx, "pusher: request", "op", call.op, "method", req.Method,
			"path", redact.Line(req.URL.Path, maxOpBytes), "attempt", n, "status", status, "duration", time.Since(start))
	}
}

func newHTTPTransport(proxy *url.URL) *http.Transport {
	proxyOf := http.ProxyFromEnvironment
	if proxy != nil {
		proxyOf = http.ProxyURL(proxy)
	}
	// A dial continues after the request that started it has ended; the timeout
	// bounds it.
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: proxyOf,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &readFirstConn{Conn: conn}, nil
		},
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{resp.StatusCode}
			}
			return nil
		},
		// All requests go to one host: with the default of 2, concurrent publishers
		// would reconnect most of the time.
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		// Responses have a few hundred bytes of header; the default is 10 MiB.
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// readFirstConn pretends that a failed write succeeded, so that net/http goes on to
// read. A server that closes the connection during an upload, as Laravel Reverb does
// with 413, has sent its response by then; otherwise the read fails. If the first write
// of a request fails, the server had closed the idle connection, and net/http uses
// another one.
type readFirstConn struct {
	net.Conn
	started atomic.Bool // a part of the current request was written
}

func (c *readFirstConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	var timeout net.Error
	if err == nil || !c.started.Load() || errors.Is(err, net.ErrClosed) || errors.As(err, &timeout) && timeout.Timeout() {
		c.started.Store(c.started.Load() || n > 0)
		return n, err
	}
	return len(p), nil
}

// startRequest prepares the connection that an attempt has obtained.
func startRequest(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if c, ok := conn.(*readFirstConn); ok {
		c.started.Store(false)
	}
}

// proxyError is the response of a proxy that rejected CONNECT.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy rejected CONNECT with status %d %s", e.status, http.StatusText(e.status))
}

// apiDoer sends the requests of the generated client.
type apiDoer struct{ client *Client }

// Do implements gen.HttpRequestDoer.
func (d apiDoer) Do(req *http.Request) (*http.Response, error) {
	op := redact.Line(req.Method+" "+req.URL.Path, maxOpBytes)
	if err := d.client.ready(op, req.Context()); err != nil {
		return nil, err
	}
	if isPublish(req) {
		if err := bufferBody(req); err != nil {
			return nil, invalid(op, safe(err))
		}
	}
	var body []byte
	err := d.client.transport.send(req, call{op: op}, func(received []byte) (err error) {
		body, err = normalize(req, d.client.basePath, received)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}, nil
}

// maxOpBytes limits how much of a path becomes part of an error or a log line.
const maxOpBytes = 200

// bufferBody reads the body of a request, so that it can be validated and sent more
// than once.
func bufferBody(req *http.Request) error {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err := errors.Join(err, req.Body.Close()); err != nil {
		return err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength = int64(len(body))
	return checkEncrypted(req.URL.Path, body)
}
