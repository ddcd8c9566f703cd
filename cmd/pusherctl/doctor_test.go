package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A misconfiguration is something that is set up wrongly, and what doctor has to find. The
// misconfigurations in a group look alike to the developer.
type misconfiguration struct {
	group, name string
	sees        string // what the developer sees without doctor
	seed        func(t *testing.T, w *world)

	step    string // the first step that is not ok
	verdict verdict
	found   string // part of what was found
	advice  string // part of what to do
}

var misconfigurations = []misconfiguration{
	{"the host is not found", "mistyped cluster", "no such host", mistypedCluster,
		"DNS", failed, "api-euu.pusher.com does not exist", "cluster"},
	{"the host is not found", "no DNS", "no such host", noDNS,
		"DNS", failed, "name servers of this machine did not answer", "network"},
	{"the host is not found", "name server without the internet", "no such host", internalDNS,
		"DNS", failed, "neither api-eu.pusher.com nor pusher.com", "network"},
	{"the host is not found", "mistyped host", "no such host", mistypedHost,
		"DNS", failed, "soketi.internl does not exist", "host"},

	{"no connection", "server not running", "connection refused", serverNotRunning,
		"TCP", failed, "refused", "start the server"},
	{"no connection", "firewall drops packets", "timeout", firewall,
		"TCP", failed, "no response", "firewall"},
	{"no connection", "proxy not running", "connection refused", proxyNotRunning,
		"TCP", failed, "the proxy", "HTTPS_PROXY"},
	{"no connection", "proxy needs a password", "status 407", proxyNeedsPassword,
		"proxy", failed, "407", "USER:PASSWORD"},

	{"https and http", "https to an http port", "first record does not look like a TLS handshake", httpsToHTTP,
		"TLS", failed, "speaks http", "--scheme http"},
	{"https and http", "https to an http port that never answers", "timeout", httpsToSilentHTTP,
		"TLS", failed, "speaks http", "--scheme http"},
	{"https and http", "http to an https port", "status 400", httpToHTTPS,
		"TLS", failed, "speaks https", "--scheme https"},

	{"the certificate", "not trusted", "certificate signed by unknown authority", untrustedCertificate,
		"TLS", failed, "not trusted", "--cacert"},
	{"the certificate", "expired", "certificate has expired", expiredCertificate,
		"TLS", failed, "expired", "clock"},
	{"the certificate", "for another host", "certificate is not valid for", otherCertificate,
		"TLS", failed, "another host", "the host"},

	{"status 404", "another web server", "404 and HTML", otherWebServer,
		"HTTP", failed, "HTML", "host and port"},
	{"status 404", "path prefix missing", "status 404", missingPathPrefix,
		"HTTP", failed, "404", "--path-prefix"},
	{"status 404", "wrong app ID", "status 404", wrongAppID,
		"app ID", failed, "ID 404405", "compare the app ID (--app-id)"},

	{"the key", "wrong key", "Unknown auth_key", wrongKey,
		"key", failed, "does not know the key", "compare the key (--key)"},
	{"the key", "app of another cluster", "Unknown auth_key", otherCluster,
		"key", failed, "cluster us2", "us2"},
	{"the key", "wrong key that the HTTP API accepts", "published events do not arrive", keyOfWebSocketsOnly,
		"key", failed, "HTTP API accepts", "compare the key (--key)"},

	{"status 401", "wrong secret", "Invalid signature", wrongSecret,
		"secret", failed, "does not match", "copy the secret (--secret)"},
	{"status 401", "wrong clock", "Timestamp expired", wrongClock,
		"clock", failed, "1h0m", "clock"},
	{"status 401", "wrong clock and a server that sends no time", "Timestamp expired", wrongClockWithoutDate,
		"clock", failed, "Timestamp expired", "clock"},

	{"limits", "app disabled", "status 403", appDisabled,
		"quota", failed, "403", "disabled"},
	{"limits", "too many connections", "publishing works, browsers do not connect", tooManyConnections,
		"quota", failed, "4004", "quota"},

	{"limits", "too many messages", "status 403 when publishing", tooManyMessages,
		"delivery", failed, "publishing: forbidden", "quota"},

	{"published events do not arrive", "proxy without WebSockets", "publishing works, browsers do not connect", withoutUpgrade,
		"WebSocket", failed, "instead of opening a WebSocket", "Upgrade"},
	{"published events do not arrive", "servers without a common adapter", "publishing works, browsers connect", separateServers,
		"delivery", failed, "did not arrive", "several"},

	{"settings of the app", "client events disabled", "client events do not arrive", clientEventsDisabled,
		"client events", warning, "enable", "client events"},
	{"settings of the app", "subscription counting disabled", "counts are missing", countsDisabled,
		"counts", warning, "subscription", "enable"},

	{"private channels do not subscribe", "authorization endpoint not called", "no request in the log of the app", endpointNotCalled,
		"auth endpoint", failed, "do not call", "Access-Control"},
	{"private channels do not subscribe", "authorization endpoint called, response unreadable", "status 200 in the log of the app", endpointUnreadable,
		"auth endpoint", failed, "discard", "Access-Control-Allow-Origin"},
	{"private channels do not subscribe", "authorization endpoint rejecting", "status 403", endpointRejecting,
		"auth endpoint", failed, "403", "session"},
	{"private channels do not subscribe", "authorization endpoint redirecting", "status 302", endpointRedirecting,
		"auth endpoint", failed, "redirects", "sign in"},
	{"private channels do not subscribe", "authorization endpoint with another secret", "Invalid signature", endpointOtherSecret,
		"auth endpoint", failed, "Invalid signature", "secret"},

	{"webhooks are not handled", "webhook with another secret", "status 401", webhookOtherSecret,
		"webhook", failed, "401", "secret"},
	{"webhooks are not handled", "webhook path missing", "no webhook in the log of the app", webhookNotFound,
		"webhook", failed, "404", "path"},
	{"webhooks are not handled", "webhook not verified", "anybody can send webhooks", webhookNotVerified,
		"webhook", warning, "wrong signature", "verify"},
}

func TestDoctor(t *testing.T) {
	for _, c := range misconfigurations {
		t.Run(c.group+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.seed(t, w)
			start := time.Now()
			report := w.run(t)
			elapsed := time.Since(start)
			got := report.diagnosis(t)
			if got.Step != c.step || got.Verdict != c.verdict || !strings.Contains(got.Found, c.found) || !strings.Contains(got.Advice, c.advice) {
				t.Errorf("got %+v\nwant step %q, verdict %q, found %q, advice %q\nreport:\n%s", got, c.step, c.verdict, c.found, c.advice, report.text)
			}
			if want := map[verdict]int{failed: 1, warning: 0}[c.verdict]; report.status != want {
				t.Errorf("exit status: got %d, want %d", report.status, want)
			}
			w.checkSecrets(t, report.text)
			t.Logf("| %s | %s | %s | %s | %s | %d ms |", c.group, c.name, got.Step, got.Verdict, got.Found, elapsed.Milliseconds())
		})
	}
}

// Without a misconfiguration, every step is ok.
func TestDoctor_Healthy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.serve(t)
	w.authEndpoint(t, withCORS(authorizing(t, doctorSecret)))
	w.webhookEndpoint(t, verifying(t, doctorSecret))
	report := w.run(t)
	for _, line := range report.lines(t) {
		if line.Verdict != passed || line.Advice != "" {
			t.Errorf("got %+v, want verdict ok", line)
		}
	}
	if report.status != 0 || len(report.lines(t)) != len(steps) {
		t.Errorf("got exit status %d and %d steps, want 0 and %d:\n%s", report.status, len(report.lines(t)), len(steps), report.text)
	}
	w.checkSecrets(t, report.text)
	for _, event := range server.Events() {
		if !strings.HasPrefix(event.Channel, "pusherctl-doctor-") {
			t.Errorf("published on %s", event.Channel)
		}
	}
}

func TestDoctor_ReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.serve(t)
	called := make(chan struct{}, 10)
	w.webhookEndpoint(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	hooks := serveHTTP(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	if err := server.SetWebhook(hooks); err != nil {
		t.Fatal(err)
	}
	report := w.run(t, "--read-only")
	server.Close() // delivers webhooks
	if n := len(server.Events()) + len(called); n != 0 || report.status != 0 {
		t.Errorf("got %d events and webhooks and exit status %d, want none:\n%s", n, report.status, report.text)
	}
	for _, line := range report.lines(t) {
		switch line.Step {
		case "delivery", "private", "presence", "client events", "auth endpoint", "webhook":
			if line.Verdict != skipped {
				t.Errorf("got %+v, want verdict skipped", line)
			}
		default:
			if line.Verdict != passed {
				t.Errorf("got %+v, want verdict ok", line)
			}
		}
	}
}

// If key and secret are swapped, the output has neither of them.
func TestDoctor_SwappedSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.key, w.secret = w.secret, w.key
	report := w.run(t)
	if got := report.diagnosis(t); got.Step != "key" || got.Verdict != failed {
		t.Errorf("got %+v, want the step key to fail", got)
	}
	w.checkSecrets(t, report.text)
}

// A proxy is used for the HTTP API and for WebSockets, and its password is not printed.
func TestDoctor_Proxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	paths := map[string]bool{}
	proxy, err := url.Parse(serveHTTP(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		mu.Lock()
		defer mu.Unlock()
		first, _, _ := strings.Cut(strings.TrimPrefix(r.In.URL.Path, "/"), "/")
		paths[first] = true
	}}))
	if err != nil {
		t.Fatal(err)
	}
	proxy.User = url.UserPassword("user", "password-of-the-proxy")
	w.network.proxy = http.ProxyURL(proxy)
	report := w.run(t)
	if got := report.diagnosis(t); got != (doctorLine{}) || !paths["apps"] || !paths["app"] {
		t.Errorf("got %+v and requests below %v, want no problem, and requests below apps and app:\n%s", got, paths, report.text)
	}
	if !strings.Contains(report.text, "http://user:xxxxx@127.0.0.1") || strings.Contains(report.text, "password-of-the-proxy") {
		t.Errorf("want the proxy without its password:\n%s", report.text)
	}
}
