package pusher

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

func newHTTPTransport(proxy *url.URL) *http.Transport {
	proxyOf := http.ProxyFromEnvironment
	if proxy != nil {
		proxyOf = http.ProxyURL(proxy)
	}
	return &http.Transport{
		Proxy: proxyOf,
		// A dial continues after the request that started it has ended; the timeout
		// bounds it.
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
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

// proxyError is the response of a proxy that rejected CONNECT.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy rejected CONNECT with status %d %s", e.status, http.StatusText(e.status))
}

// connTrace records whether an attempt obtained a connection. net/http may call its
// hooks concurrently, and a custom RoundTripper may call none of them.
type connTrace struct {
	requested, obtained atomic.Bool
}

func (c *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { c.requested.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.obtained.Store(true) },
	}
}

// transportError returns the error of an attempt that received no response.
func (d doer) transportError(ctx context.Context, conn *connTrace, err error) *Error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	e := &Error{Op: d.info.op, Err: safe(err), kind: ErrTransport, sent: mayBeSent(conn, err)}
	classifyTransportError(e, err)
	return e
}

// mayBeSent reports whether the server may have received a request that failed with
// err. It cannot if there was no connection.
func mayBeSent(conn *connTrace, err error) bool {
	if conn.requested.Load() || conn.obtained.Load() {
		return conn.obtained.Load()
	}
	var (
		network *net.OpError
		dns     *net.DNSError
	)
	dialFailed := errors.As(err, &network) && (network.Op == "dial" || network.Op == "proxyconnect") || errors.As(err, &dns)
	return !dialFailed
}

// classifyTransportError recognizes errors that no retry can fix.
func classifyTransportError(e *Error, err error) {
	var (
		record   tls.RecordHeaderError
		untrust  *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		proxy    *proxyError
	)
	switch {
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.kind, e.hint = ErrTLS, "the server does not use TLS on this port: use an http:// URL"
	case errors.As(err, &hostname):
		e.kind, e.hint = ErrTLS, "the certificate is for another host name: check the host"
	case errors.As(err, &untrust), errors.As(err, &unknown):
		e.kind, e.hint = ErrTLS, "the server's certificate is not trusted: add its authority to the TLS configuration of the transport given to WithHTTPClient"
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired, strings.HasSuffix(err.Error(), "Proxy Authentication Required"):
		e.Status, e.hint = http.StatusProxyAuthRequired, proxyHint
	}
}

const proxyHint = "the proxy requires a user and password, see WithHTTPProxy"
