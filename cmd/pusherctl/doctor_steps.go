package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/realtime"
)

// A step is one question about the app, in the order in which a request meets it.
type step struct {
	name    string
	needs   []string // steps that must not have failed
	changes bool     // it subscribes or publishes
	check   func(*doctor, context.Context) finding
}

var steps = []step{
	{name: "settings", check: (*doctor).checkSettings},
	{name: "DNS", needs: []string{"settings"}, check: (*doctor).checkDNS},
	{name: "TCP", needs: []string{"DNS"}, check: (*doctor).checkTCP},
	{name: "proxy", needs: []string{"TCP"}, check: (*doctor).checkProxy},
	{name: "TLS", needs: []string{"proxy"}, check: (*doctor).checkTLS},
	{name: "HTTP", needs: []string{"TLS"}, check: (*doctor).checkHTTP},
	{name: "clock", needs: []string{"HTTP"}, check: (*doctor).checkClock},
	{name: "key", needs: []string{"HTTP"}, check: (*doctor).checkKey},
	{name: "secret", needs: []string{"key"}, check: (*doctor).checkSecret},
	{name: "app ID", needs: []string{"key"}, check: (*doctor).checkAppID},
	{name: "quota", needs: []string{"key"}, check: (*doctor).checkQuota},
	{name: "server", needs: []string{"HTTP"}, check: (*doctor).checkServer},
	{name: "WebSocket", needs: []string{"key", "quota"}, check: (*doctor).checkWebSocket},
	{name: "delivery", needs: []string{"WebSocket", "secret", "app ID"}, changes: true, check: (*doctor).checkDelivery},
	{name: "private", needs: []string{"WebSocket", "secret"}, changes: true, check: (*doctor).checkPrivate},
	{name: "presence", needs: []string{"WebSocket", "secret"}, changes: true, check: (*doctor).checkPresence},
	{name: "client events", needs: []string{"private"}, changes: true, check: (*doctor).checkClientEvents},
	{name: "counts", needs: []string{"secret", "app ID", "quota"}, check: (*doctor).checkCounts},
	{name: "auth endpoint", needs: []string{"WebSocket"}, changes: true, check: (*doctor).checkAuthEndpoint},
	{name: "webhook", needs: []string{"settings"}, changes: true, check: (*doctor).checkWebhook},
}

func (d *doctor) checkSettings(context.Context) finding {
	var err error
	if d.api, err = d.client(d.apiOptions()...); err != nil {
		return fail("set them as flags, in the environment or in .env; Pusher's dashboard shows them under App Keys", "%s", reason(err))
	}
	server := d.host
	if !server.isSet() {
		server = d.cluster
	}
	return ok("app ID %s (%s), key %s (%s), secret of %d characters (%s), server %s (%s)", d.appID.value, d.appID.source,
		d.key.value, d.key.source, len(d.secret.value), d.secret.source, d.baseURL(), server.source)
}

func (d *doctor) apiOptions() []pusher.Option {
	return []pusher.Option{pusher.WithHTTPClient(d.http), pusher.WithRetry(pusher.Retry{Attempts: 1})}
}

// base returns the URL in front of /apps.
func (d *doctor) base() *url.URL {
	base, err := url.Parse(d.baseURL())
	if err != nil { // pusher.New has parsed it
		return &url.URL{}
	}
	return base
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// firstHop returns the host and port of the proxy, if there is one, and otherwise of the
// server.
func (d *doctor) firstHop() (host, port string, proxy *url.URL) {
	hop := d.base()
	if proxy, _ = d.proxy(&http.Request{URL: hop}); proxy != nil {
		hop = proxy
	}
	return hop.Hostname(), cmp.Or(hop.Port(), defaultPorts[hop.Scheme]), proxy
}

const proxyAdvice = "check HTTPS_PROXY and HTTP_PROXY, or exclude the server with NO_PROXY"

func (d *doctor) checkDNS(ctx context.Context) finding {
	host, _, proxy := d.firstHop()
	if net.ParseIP(host) != nil {
		return ok("not needed for %s", host)
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	addrs, err := d.lookup(ctx, host)
	var dns *net.DNSError
	switch {
	case err == nil:
		return ok("%s is %s", host, strings.Join(addrs, ", "))
	case !errors.As(err, &dns) || !dns.IsNotFound:
		return fail("check the network, the VPN and the name servers of this machine", "the name servers of this machine did not answer for %s: %s", host, err)
	case proxy != nil:
		return fail(proxyAdvice, "the proxy %s does not exist", host)
	case d.host.isSet():
		return fail(fmt.Sprintf("check the host in %s", d.host.source), "%s does not exist", host)
	}
	if _, err := d.lookup(ctx, "pusher.com"); err != nil {
		return fail("check the network, the VPN and the name servers of this machine; behind a proxy, set HTTPS_PROXY", "neither %s nor pusher.com is found", host)
	}
	return fail(fmt.Sprintf("check the cluster in %s; Pusher's dashboard shows it under App Keys", d.cluster.source), "%s does not exist", host)
}

func (d *doctor) checkTCP(ctx context.Context) finding {
	host, port, proxy := d.firstHop()
	addr := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	start := time.Now()
	conn, err := d.dial(ctx, "tcp", addr)
	switch {
	case err == nil:
		_ = conn.Close()
		return ok("connected to %s in %d ms", addr, time.Since(start).Milliseconds())
	case proxy != nil:
		return fail(proxyAdvice, "cannot connect to the proxy %s: %s", addr, err)
	case ctx.Err() != nil:
		return fail("allow outgoing connections to this port in the firewall; check host and port", "no response from %s within %v", addr, d.timeout)
	}
	return fail("start the server, or check host and port; inside a container, localhost is the container itself", "%s", err)
}

func (d *doctor) checkProxy(context.Context) finding {
	_, _, proxy := d.firstHop()
	if proxy == nil {
		return ok("none")
	}
	var e *pusher.Error
	status := d.transport.latest(http.MethodConnect).status
	if err := d.ping(); errors.As(err, &e) && e.Status == http.StatusProxyAuthRequired {
		status = e.Status
	}
	switch {
	case status == http.StatusProxyAuthRequired:
		return fail("set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT", "%s requires a user and password (status 407)", proxy.Redacted())
	case status > 299:
		return fail("allow the server in the proxy, or exclude it with NO_PROXY", "%s rejects the server with status %d", proxy.Redacted(), status)
	}
	return ok("%s", proxy.Redacted())
}

func (d *doctor) checkTLS(ctx context.Context) finding {
	err := d.ping()
	if d.scheme.value == "http" {
		strange := errors.Is(err, pusher.ErrTransport) || errors.Is(err, pusher.ErrServer) || errors.Is(err, pusher.ErrInvalid)
		if strange && d.speaks(ctx, "https") {
			return fail("use --scheme https, or PUSHER_SCHEME=https or an https URL", "%s speaks https, and the settings say http", d.base().Host)
		}
		return ok("not used (%s)", d.scheme.source)
	}
	var wrongHost x509.HostnameError
	var expired x509.CertificateInvalidError
	var untrusted *tls.CertificateVerificationError
	switch {
	case !errors.Is(err, pusher.ErrTransport):
		return ok("the certificate is trusted")
	case !errors.Is(err, pusher.ErrTLS):
		return ok("the handshake has not failed")
	case errors.As(err, &wrongHost):
		return fail("check the host, or get a certificate with its name", "the certificate is for another host: %s", wrongHost)
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return fail("renew the certificate, or set the clock of this machine", "%s", expired)
	case errors.As(err, &untrusted):
		return fail("install a certificate of a known authority, or pass the file of the authority with --cacert", "the certificate is not trusted: %s", untrusted)
	case d.speaks(ctx, "http"):
		return fail("use --scheme http, or PUSHER_SCHEME=http or an http URL", "%s speaks http, and the settings say https", d.base().Host)
	}
	return fail("check that the server uses TLS on this port; if not, use --scheme http", "%s", reason(err))
}

// speaks reports whether the server responds to the other scheme on the same port.
func (d *doctor) speaks(ctx context.Context, scheme string) bool {
	other := *d.settings
	other.port.value = cmp.Or(d.port.value, defaultPorts[d.scheme.value])
	other.scheme.value, other.timeout = scheme, d.timeout/2
	api, err := other.client(d.apiOptions()...)
	if err != nil {
		return false
	}
	err = api.Ping(ctx)
	var untrusted *tls.CertificateVerificationError
	return !errors.Is(err, pusher.ErrTransport) || errors.As(err, &untrusted)
}

// checkHTTP looks for errors that are not about this app.
func (d *doctor) checkHTTP(context.Context) finding {
	err := d.ping()
	var e *pusher.Error
	switch {
	case err == nil, !errors.As(err, &e):
		return ok("the HTTP API responds")
	case e.Is(pusher.ErrAuthentication), e.Is(pusher.ErrForbidden), e.Is(pusher.ErrRateLimited):
		return ok("the HTTP API responds with status %d", e.Status)
	case e.Is(pusher.ErrNotFound):
		_, err := d.socket()
		var rejected *realtime.Error
		if !errors.As(err, &rejected) || rejected.Status != http.StatusNotFound && rejected.Code != 4005 {
			return ok("the HTTP API responds with status %d", e.Status)
		}
		return fail("check host and port; if the server is below a path, set --path-prefix", "neither the HTTP API nor WebSockets are there: %s", reason(e))
	case e.Status >= 300 && e.Status < 400:
		return fail("use the scheme and the host of that address", "%s", reason(err))
	case e.Status >= 500:
		return fail("look into the log of the server, or at https://status.pusher.com", "the server has failed: %s", reason(err))
	case e.Status == 0:
		return fail("check host and port, and the log of the server", "%s", reason(err))
	}
	return fail("check host and port: another program seems to respond", "%s", reason(err))
}

func (d *doctor) checkClock(context.Context) finding {
	const advice = "set the clock of this machine, for example with NTP"
	if err := d.ping(); errors.Is(err, pusher.ErrClockSkew) {
		return fail(advice, "%s", reason(err))
	}
	resp := d.transport.latest(d.base().Host)
	date, err := http.ParseTime(resp.header.Get("Date"))
	if err != nil {
		return ok("the server does not send its time")
	}
	skew := resp.time.Sub(date).Round(time.Minute)
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	text := fmt.Sprintf("this machine's clock is %s %s the server's", skew.Abs(), direction)
	switch {
	case skew.Abs() >= 10*time.Minute:
		return fail(advice, "%s; Pusher rejects requests from 10 minutes on, and libraries other than pusher-go do not correct it", text)
	case skew.Abs() >= time.Minute:
		return warn(advice, "%s", text)
	}
	return ok("differs from the server's by less than a minute")
}

func (d *doctor) checkKey(ctx context.Context) finding {
	err := d.ping()
	if errors.Is(err, pusher.ErrUnknownKey) {
		if cluster := d.findCluster(ctx); cluster != "" {
			return fail("set --cluster "+cluster+" or PUSHER_APP_CLUSTER="+cluster, "the key belongs to an app of cluster %s: %s", cluster, reason(err))
		}
		return fail(d.keyAdvice(), "the server does not know the key: %s", reason(err))
	}
	_, socketErr := d.socket()
	var rejected *realtime.Error
	switch {
	case socketErr == nil:
		return ok("known to the server")
	case !errors.As(socketErr, &rejected) || rejected.Code != 4001:
		return ok("not rejected")
	case err == nil:
		return fail(d.keyAdvice(), "the HTTP API accepts the key, and WebSockets reject it: %s", reason(rejected))
	}
	return fail(d.keyAdvice(), "the server does not know the key: %s", reason(rejected))
}

func (d *doctor) keyAdvice() string {
	advice := fmt.Sprintf("compare the key (%s) with the app's settings; browsers need the same key", d.key.source)
	if d.cluster.isSet() {
		advice += ", and check the cluster"
	}
	return advice
}

// clusters are the public clusters. Source: Pusher Channels docs, "Clusters".
var clusters = []string{"mt1", "us2", "us3", "eu", "ap1", "ap2", "ap3", "ap4", "sa1"}

// findCluster returns the cluster of Pusher that knows the key, or "".
func (d *doctor) findCluster(ctx context.Context) string {
	if !d.cluster.isSet() {
		return ""
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	known := make(chan string, len(clusters))
	for _, cluster := range clusters {
		wg.Go(func() {
			other := *d.settings
			other.cluster.value = cluster
			conn, err := other.connect(ctx, realtime.WithHTTPClient(d.http))
			if err == nil {
				known <- cluster
				cancel()
				_ = conn.Close()
			}
		})
	}
	wg.Wait()
	close(known)
	return <-known
}

func (d *doctor) checkSecret(context.Context) finding {
	err := d.ping()
	switch {
	case errors.Is(err, pusher.ErrClockSkew):
		return skip("unknown until the clock is right")
	case errors.Is(err, pusher.ErrAuthentication):
		return fail(fmt.Sprintf("copy the secret (%s) from the app's settings again; if it is right, check that no proxy changes the path", d.secret.source), "the secret does not match the key: %s", reason(err))
	case err != nil:
		return skip("unknown until the other problem is solved")
	}
	return ok("the server accepts the signature")
}

func (d *doctor) checkAppID(context.Context) finding {
	err := d.ping()
	switch {
	case errors.Is(err, pusher.ErrNotFound):
		return fail(fmt.Sprintf("compare the app ID (%s) with the app's settings: it is not the key", d.appID.source), "the server has no app with ID %s: %s", d.appID.value, reason(err))
	case err != nil:
		return skip("unknown until the other problem is solved")
	}
	return ok("the server has the app %s", d.appID.value)
}

// The codes of the WebSocket protocol for apps that may not connect. Source: Pusher
// Channels docs, "Pusher Channels Protocol".
var quotaCodes = map[int]string{4003: "the app is disabled", 4004: "the account is over its connection quota", 4100: "the server is over capacity"}

const quotaAdvice = "look into the dashboard or the server's settings: the app may be disabled or over its quota"

func (d *doctor) checkQuota(context.Context) finding {
	err := d.ping()
	var rejected *realtime.Error
	_, socketErr := d.socket()
	switch {
	case errors.Is(err, pusher.ErrForbidden), errors.Is(err, pusher.ErrRateLimited):
		return fail(quotaAdvice+"; some servers respond so to a wrong app ID", "the HTTP API rejects the app: %s", reason(err))
	case errors.As(socketErr, &rejected) && quotaCodes[rejected.Code] != "":
		return fail(quotaAdvice, "%s: %s", quotaCodes[rejected.Code], reason(rejected))
	}
	return ok("no sign of a disabled app or a limit")
}

// fingerprints tell servers apart by the response to an unsigned request. Source: the
// source code of the servers.
var fingerprints = []struct{ path, header, body, name string }{
	{"/health", "", "ok", "pusherctl serve"},
	{"/health", "", `{"ok":true}`, "laravel-websockets"},
	{"/ready", "", "OK", "soketi"},
	{"/up", "", `{"health":"OK"}`, "Laravel Reverb"},
	{"/up", "X-Health-Check", "OK", "Sockudo"},
}

func (d *doctor) checkServer(ctx context.Context) finding {
	if d.cluster.isSet() {
		return ok("Pusher, cluster %s", d.cluster.value)
	}
	for _, f := range fingerprints {
		resp, err := d.send(ctx, d.timeout/4, http.MethodGet, d.base().JoinPath(d.pathPrefix.value, f.path).String(), nil, nil)
		if err == nil && resp.status == http.StatusOK && resp.body == f.body && (f.header == "" || resp.header.Get(f.header) != "") {
			return ok("it seems to be %s", f.name)
		}
	}
	return ok("unknown")
}

func (d *doctor) checkWebSocket(context.Context) finding {
	start := time.Now()
	_, err := d.socket()
	var e *realtime.Error
	switch {
	case err == nil:
		return ok("connected to %s", strings.TrimSuffix(d.webSocketURL(), d.key.value))
	case errors.As(err, &e) && e.Status != 0:
		return fail("a proxy in between must pass WebSockets on: with nginx, proxy_http_version 1.1 and the headers Upgrade and Connection",
			"the server responds with status %d instead of opening a WebSocket", e.Status)
	case errors.As(err, &e) && e.Code != 0:
		return fail("look up the code in Pusher's documentation of the WebSocket protocol", "the server closes the connection: %s", reason(err))
	}
	return fail("check that the network allows WebSockets to this host", "%s after %d ms", reason(err), time.Since(start).Milliseconds())
}

func (d *doctor) checkDelivery(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.socket()
	if err != nil {
		return fail("", "%s", reason(err))
	}
	channel, err := conn.Subscribe(ctx, d.channel)
	if err != nil {
		return fail("look into the log of the server", "subscribing: %s", reason(err))
	}
	start := time.Now()
	if _, err := d.api.Trigger(ctx, d.channel, "doctor", map[string]string{"from": "pusherctl"}); err != nil {
		if errors.Is(err, pusher.ErrForbidden) || errors.Is(err, pusher.ErrRateLimited) {
			return fail(quotaAdvice, "publishing: %s", reason(err))
		}
		return fail("look into the log of the server", "publishing: %s", reason(err))
	}
	if err := nextMessage(ctx, channel); err != nil {
		return fail("if there are several servers or processes, they need a common adapter such as Redis; check that the HTTP API and WebSockets reach the same server; on others, that the queue that publishes is running",
			"the server accepted the event, and it did not arrive within %v", d.timeout)
	}
	return ok("an event arrived %d ms after it was published", time.Since(start).Milliseconds())
}

// nextMessage waits for a message.
func nextMessage(ctx context.Context, channel *realtime.Channel) error {
	for {
		if event, err := channel.Next(ctx); err != nil || event.Kind == realtime.KindMessage {
			return err
		}
	}
}

const authAdvice = "check the secret: the server that has the WebSockets may have another one"

func (d *doctor) checkPrivate(ctx context.Context) finding {
	if _, err := d.subscribe(ctx, "private-"+d.channel); err != nil {
		return fail(authAdvice, "%s", reason(err))
	}
	return ok("subscribed, authorized with the secret")
}

func (d *doctor) checkPresence(ctx context.Context) finding {
	member := auth.Member{UserID: "pusherctl", UserInfo: map[string]string{"name": "doctor"}}
	channel, err := d.subscribe(ctx, "presence-"+d.channel, realtime.WithMember(member))
	if err != nil {
		return fail(authAdvice, "%s", reason(err))
	}
	members := channel.Members()
	if len(members) != 1 || members[0].ID != member.UserID {
		return warn("", "subscribed; the server reports %d members instead of 1", len(members))
	}
	if members[0].Info == "" {
		return warn("", "subscribed; the server does not send the info of members")
	}
	return ok("subscribed; the server reports members and their info")
}

func (d *doctor) subscribe(ctx context.Context, name string, opts ...realtime.SubscribeOption) (*realtime.Channel, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.socket()
	if err != nil {
		return nil, err
	}
	return conn.Subscribe(ctx, name, opts...)
}

func (d *doctor) checkClientEvents(ctx context.Context) finding {
	const advice = "enable client events in the app's settings, if the app uses them"
	sender, err := d.subscribe(ctx, "private-"+d.channel)
	if err != nil {
		return fail("", "%s", reason(err))
	}
	conn, err := d.connect(ctx)
	if err != nil {
		return warn("", "a second connection failed: %s", reason(err))
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, d.timeout/2)
	defer cancel()
	receiver, err := conn.Subscribe(ctx, "private-"+d.channel)
	if err != nil {
		return warn("", "a second subscription failed: %s", reason(err))
	}
	ctx, rejected := context.WithCancelCause(ctx)
	go func() {
		first, _ := d.socket()
		for event, err := range first.Events(ctx) {
			if err == nil && event.Kind == realtime.KindError {
				rejected(event.Err)
			}
		}
	}()
	if err := sender.Trigger(ctx, "client-doctor", map[string]string{"from": "pusherctl"}); err != nil {
		return warn(advice, "%s", reason(err))
	}
	var refusal *realtime.Error
	switch err := nextMessage(ctx, receiver); {
	case err == nil:
		return ok("enabled")
	case errors.As(context.Cause(ctx), &refusal):
		return warn(advice, "disabled: %s", reason(refusal))
	}
	return warn(advice, "a client event did not arrive, and the server sent no error")
}

func (d *doctor) checkCounts(ctx context.Context) finding {
	public, err := d.api.ChannelInfo(ctx, d.channel, pusher.SubscriptionCount)
	if errors.Is(err, pusher.ErrAttributeDisabled) {
		return warn("enable subscription counting in the app's settings, if the app uses it", "subscription counts are disabled: %s", reason(err))
	}
	if err != nil {
		return warn("", "subscription counts: %s", reason(err))
	}
	presence, err := d.api.ChannelInfo(ctx, "presence-"+d.channel, pusher.UserCount)
	if err != nil {
		return warn("", "user counts: %s", reason(err))
	}
	users, err := d.api.ChannelUsers(ctx, "presence-"+d.channel)
	if err != nil {
		return warn("", "users: %s", reason(err))
	}
	_, subscriptions := public.Subscriptions()
	count, counted := presence.Users()
	return ok("subscription counts: %s; user counts: %s; users of the presence channel: %d of %d", yesNo(subscriptions), yesNo(counted), len(users.Users), count)
}

func yesNo(b bool) string {
	if b {
		return "enabled"
	}
	return "not reported"
}
