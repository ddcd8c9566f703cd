package pusher

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// responseHint returns the likely cause of an error response, and what to do.
func responseHint(e *Error, req *http.Request) string {
	query := req.Method == http.MethodGet
	channel := query && strings.Contains(req.URL.Path, "/channels/")
	message := strings.ToLower(e.Message)
	switch {
	case e.Kind == ErrUnknownKey:
		return "check the key and the cluster"
	case e.Kind == ErrClockSkew:
		return "set this machine's clock"
	case e.Kind == ErrAuthentication && strings.Contains(message, "you should have sent"):
		return "check the secret"
	case e.Kind == ErrAuthentication && query && hasOwnParameters(req):
		return "check the secret, the app ID and this machine's clock; some servers, such as AnyCable, reject every query with parameters"
	case e.Kind == ErrAuthentication:
		return "check the secret, the app ID and this machine's clock, and that no proxy changes the path"
	case e.Status == http.StatusNotFound && channel && meansVacant(e):
		return "the app ID may be wrong, or the server responds in this way to a query for a vacant channel, see WithVacantOnNotFound"
	case e.Status == http.StatusNotFound:
		return "check the app ID, the host and the path; the server may lack this operation"
	case e.Status == http.StatusBadRequest && strings.Contains(message, "http request to an https server"):
		return "use an https:// URL"
	case e.Status == http.StatusBadRequest && meansVacant(e):
		return "this server responds in this way to a query for a vacant channel, see WithVacantOnNotFound"
	case e.Status == http.StatusForbidden && query:
		return "the app may be disabled or over its quota, the app ID may be wrong, or the server may lack this operation"
	case e.Status == http.StatusForbidden:
		return "the app may be disabled or over its quota, or the app ID may be wrong"
	case e.Status == http.StatusRequestEntityTooLarge:
		return tooLargeHint(message)
	case e.Status == http.StatusProxyAuthRequired:
		return proxyHint
	}
	return ""
}

// hasOwnParameters reports whether a signed request has parameters besides those of the
// signature.
func hasOwnParameters(req *http.Request) bool {
	return req.URL.Query().Has("info") || req.URL.Query().Has("filter_by_prefix")
}

// tooLargeHint explains a 413 by its text in lower case.
func tooLargeHint(message string) string {
	switch {
	case strings.Contains(message, "channels"):
		return "the server allows fewer channels per request"
	case strings.Contains(message, "event name"):
		return "the name of the event is too long for the server"
	case strings.Contains(message, "event"), strings.Contains(message, "data"):
		return "the data of an event is too large for the server"
	}
	return "the request as a whole is too large for the server: see WithMaxBodyBytes"
}

const proxyHint = "the proxy requires a user and password, see WithHTTPProxy"

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// explainTransportError sets the kind and the hint of errors whose cause is known.
func explainTransportError(e *Error, conn *connTrace, err error) {
	var (
		record   tls.RecordHeaderError
		untrust  *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		proxy    *proxyError
		dns      *net.DNSError
	)
	text := err.Error()
	switch {
	case errors.As(err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		e.Kind, e.Hint = ErrTLS, "the server does not use TLS on this port: use an http:// URL"
	case errors.As(err, &hostname):
		e.Kind, e.Hint = ErrTLS, "the certificate is for another host name: check the host"
	case errors.As(err, &untrust), errors.As(err, &unknown):
		e.Kind, e.Hint = ErrTLS, "the server's certificate is not trusted: add its authority to the TLS configuration of the transport given to WithHTTPClient"
	case !conn.obtained.Load() && conn.handshakes.Load() > 0 && isTimeout(err), strings.Contains(text, "TLS handshake timeout"):
		e.Kind, e.Hint = ErrTLS, "the server did not answer the TLS handshake: if it does not use TLS on this port, use an http:// URL"
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired, strings.HasSuffix(text, "Proxy Authentication Required"):
		e.Status, e.Hint = http.StatusProxyAuthRequired, proxyHint
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Hint = "check the cluster or the host"
	case strings.Contains(text, "failed to parse Location header"):
		e.Kind, e.Err = ErrServer, fmt.Errorf("redirects are not followed: %w", e.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Err = fmt.Errorf("the server closed the connection: %w", e.Err)
	}
}
