package control

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxBodyBytes limits the body of a request.
const maxBodyBytes = 1 << 20

// A Guard decides which requests may reach the console and the control API, so that a page
// that a developer visits cannot read what the apps publish. The Pusher API needs no
// guard: its requests are signed.
type Guard struct {
	Hosts  []string // allowed hosts besides those of this machine, without a port
	Token  string   // that requests of the control API need, or "" for none
	Logger *slog.Logger
}

// Page returns a handler that rejects requests whose Host header is not allowed. A page of
// another site could have a name that resolves to this machine (DNS rebinding).
func (g Guard) Page(next http.Handler) http.Handler { return g.handler(next, g.checkHost) }

// API returns a handler that also rejects requests of pages of other origins and those
// without the token, and limits the body.
func (g Guard) API(next http.Handler) http.Handler {
	return g.handler(next, g.checkHost, checkOrigin, g.checkToken, checkContentType)
}

func (g Guard) handler(next http.Handler, checks ...func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		for _, check := range checks {
			if err := check(r); err != nil {
				g.Logger.WarnContext(r.Context(), "control request rejected", "method", r.Method, "path", short(r.URL.Path),
					"host", short(r.Host), "origin", short(r.Header.Get("Origin")), "reason", err)
				writeError(w, r, err)
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

// short limits a text of the sender for the log.
func short(text string) string { return text[:min(len(text), 200)] }

func (g Guard) checkHost(r *http.Request) error {
	host := canonicalHost(r.Host)
	if isLocal(host) || host != "" && slices.ContainsFunc(g.Hosts, func(allowed string) bool { return canonicalHost(allowed) == host }) {
		return nil
	}
	return &statusError{http.StatusForbidden, "host not allowed: use a loopback address or localhost, or start the server with --console-host"}
}

// isLocal reports whether browsers resolve a host to this machine without asking a name
// server.
//
// Source: RFC 6761, section 6.3.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// canonicalHost returns a host without a port, brackets and the dot at the end, in lower
// case. An HTTP/1.0 request may have no host.
func canonicalHost(hostport string) string {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	} else if inner, ok := strings.CutPrefix(hostport, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// checkOrigin checks requests of all methods, because the response to a GET request
// contains what the apps publish.
func checkOrigin(r *http.Request) error {
	unsafe := r.WithContext(r.Context())
	unsafe.Method = http.MethodPost
	var protection http.CrossOriginProtection
	if err := protection.Check(unsafe); err != nil {
		return &statusError{http.StatusForbidden, err.Error()}
	}
	return nil
}

func (g Guard) checkToken(r *http.Request) error {
	if g.Token == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+g.Token)) == 1 {
		return nil
	}
	return &statusError{http.StatusUnauthorized, "token missing or wrong: send the one that the server printed, in the header Authorization: Bearer TOKEN"}
}

// checkContentType rejects bodies that a form can send.
func checkContentType(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &statusError{http.StatusBadRequest, "the body must have the header Content-Type: application/json"}
	}
	return nil
}

// A statusError is an error response.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// apiNames replaces the names of package pushertest in its errors.
var apiNames = strings.NewReplacer("pushertest: ", "", "invalid configuration: WithApp: ", "", "Fail: ", "", "CloseConnections: ", "",
	"Status", "status", "CloseCode", "close_code")

// writeError responds with an error of the guard, of an operation or of the generated
// code.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client is gone, and may have received half of a response
	}
	rejected := &statusError{http.StatusBadRequest, apiNames.Replace(err.Error())}
	errors.As(err, &rejected)
	if rejected.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rejected.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": rejected.text})
}
