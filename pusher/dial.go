package pusher

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// A dial continues after the request that started it has ended; this bounds it.
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	keepAlive        = 30 * time.Second
	idleTimeout      = 90 * time.Second
)

func newHTTPTransport(proxy *url.URL) *http.Transport {
	proxyOf := http.ProxyFromEnvironment
	if proxy != nil {
		proxyOf = http.ProxyURL(proxy)
	}
	return &http.Transport{
		Proxy:       proxyOf,
		DialContext: (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{resp.StatusCode}
			}
			return nil
		},
		// All requests go to one host: with the default of 2, concurrent publishers
		// would reconnect most of the time.
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       idleTimeout,
		TLSHandshakeTimeout:   handshakeTimeout,
		ExpectContinueTimeout: time.Second,
		// Responses have a few hundred bytes of header; the default is 10 MiB.
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// proxyError is the response of a proxy that rejected CONNECT.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy rejected CONNECT with status %d %s", e.status, http.StatusText(e.status))
}

// connTrace records how far an attempt got. net/http may call its hooks concurrently, and
// a custom RoundTripper may call none of them.
type connTrace struct {
	requested, obtained atomic.Bool // a connection
	handshakes          atomic.Int32
	incomplete          atomic.Bool // a part of the request could not be written
}

func (c *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:           func(string) { c.requested.Store(true) },
		GotConn:           func(httptrace.GotConnInfo) { c.obtained.Store(true) },
		TLSHandshakeStart: func() { c.handshakes.Add(1) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { c.handshakes.Add(-1) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			c.incomplete.Store(info.Err != nil)
		},
	}
}

// transportError returns the error of an attempt that received no response.
func (d doer) transportError(ctx context.Context, conn *connTrace, err error) *Error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	e := &Error{Op: d.info.op, Err: safe(err), Kind: ErrTransport, sent: mayBeSent(conn, err), incomplete: conn.incomplete.Load()}
	explainTransportError(e, conn, err)
	return e
}

// mayBeSent reports whether the server may have received the whole request. It cannot
// without a connection, or if a part of the request could not be written.
func mayBeSent(conn *connTrace, err error) bool {
	if conn.requested.Load() || conn.obtained.Load() {
		return conn.obtained.Load() && !conn.incomplete.Load()
	}
	var (
		network *net.OpError
		dns     *net.DNSError
	)
	dialFailed := errors.As(err, &network) && (network.Op == "dial" || network.Op == "proxyconnect") || errors.As(err, &dns)
	return !dialFailed
}
