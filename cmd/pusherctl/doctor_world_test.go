package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

const doctorSecret = "the-secret-of-doctor"

var doctorApp = pushertest.App{ID: "404404", Key: "key-of-doctor", Secret: doctorSecret}

// A world is an app whose settings are right, with its server and its network. Each
// misconfiguration changes something of it.
type world struct {
	url                         string // of the server, if it is not in a cluster
	cluster, appID, key, secret string
	scheme, host                string            // instead of those of url
	extra                       []string          // further arguments
	names                       map[string]string // hosts that DNS knows, with the address that they stand for
	network                     network
}

func newWorld(t *testing.T) *world {
	w := &world{appID: doctorApp.ID, key: doctorApp.Key, secret: doctorApp.Secret, names: map[string]string{"pusher.com": "127.0.0.1:1"}}
	w.network = network{
		dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(addr)
			if to, ok := w.names[host]; ok {
				addr = to
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
		proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
	w.serve(t)
	return w
}

// startDNS starts a name server for the names of the world, and returns a resolver that
// asks it. It responds to queries for IPv4 addresses with 127.0.0.1.
//
// Source: RFC 1035, sections 3.2 and 4.1.
func (w *world) startDNS(t *testing.T) *net.Resolver {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if response := w.resolve(query[:n]); response != nil {
				_, _ = server.WriteTo(response, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func (w *world) resolve(query []byte) []byte {
	if w.names == nil {
		return nil
	}
	var labels []string
	end := 12 // the length of the header
	for ; query[end] != 0; end += 1 + int(query[end]) {
		labels = append(labels, string(query[end+1:end+1+int(query[end])]))
	}
	isIPv4 := query[end+2] == 1
	response := slices.Clone(query[:end+5])           // header and question
	response[2], response[3] = response[2]|0x80, 0x80 // a response, recursion available
	response[6], response[7] = 0, 0                   // answers
	copy(response[8:12], []byte{0, 0, 0, 0})          // further records
	_, known := w.names[strings.Join(labels, ".")]
	switch {
	case !known:
		response[3] |= 3 // no such name
	case isIPv4:
		response[7] = 1
		response = append(response, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1) // the name, A, IN, 60 s, 4 bytes
	}
	return response
}

// serve replaces the server of the world.
func (w *world) serve(t *testing.T, opts ...pushertest.Option) *pushertest.Server {
	server := newDoctorServer(t, opts...)
	w.url = server.URL
	return server
}

func newDoctorServer(t *testing.T, opts ...pushertest.Option) *pushertest.Server {
	server := pushertest.NewServer(append([]pushertest.Option{pushertest.WithApp(doctorApp)}, opts...)...)
	t.Cleanup(server.Close)
	return server
}

// doctorHandler returns a server of the app as a handler, which can be wrapped.
func doctorHandler(t *testing.T, opts ...pushertest.Option) *pushertest.Server {
	server, err := pushertest.New(append([]pushertest.Option{pushertest.WithApp(doctorApp)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func serveHTTP(t *testing.T, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func (w *world) args() []string {
	args := []string{"doctor", "--app-id", w.appID, "--key", w.key, "--secret", w.secret}
	if w.cluster != "" {
		args = append(args, "--cluster", w.cluster)
	} else {
		u, err := url.Parse(w.url)
		if err != nil {
			panic(err)
		}
		if w.host != "" {
			u.Host = w.host
		}
		args = append(args, "--host", u.Host)
		if w.scheme == "" {
			w.scheme = u.Scheme
		}
	}
	if w.scheme != "" {
		args = append(args, "--scheme", w.scheme)
	}
	return append(args, w.extra...)
}

// A doctorReport is the output of doctor.
type doctorReport struct {
	status int
	text   string
}

type doctorLine struct {
	Step          string
	Verdict       verdict
	Found, Advice string
}

// run runs the command as main does, on the network of the world.
func (w *world) run(t *testing.T, flags ...string) doctorReport {
	t.Helper()
	var out, errs bytes.Buffer
	tool := &tool{output: output{stdout: &out, stderr: &errs}, stdin: strings.NewReader("")}
	root := tool.rootCommand()
	for _, command := range root.Commands() {
		if command.Name() == "doctor" {
			root.RemoveCommand(command)
		}
	}
	w.network.lookup = w.startDNS(t).LookupHost
	root.AddCommand(tool.doctorCommand(w.network))
	root.SetArgs(append(append(w.args(), "--json"), flags...))
	err := root.ExecuteContext(t.Context())
	if err != nil && err != errReported {
		t.Fatalf("doctor: %v", err)
	}
	return doctorReport{exitStatus(err), out.String() + errs.String()}
}

// lines returns the lines of the report by the names of their steps.
func (r doctorReport) lines(t *testing.T) []doctorLine {
	t.Helper()
	var lines []doctorLine
	for text := range strings.Lines(r.text) {
		var line doctorLine
		if !strings.HasPrefix(text, "{") {
			continue
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// diagnosis returns the first line that has failed, or otherwise the first warning.
func (r doctorReport) diagnosis(t *testing.T) doctorLine {
	t.Helper()
	for _, want := range []verdict{failed, warning} {
		for _, line := range r.lines(t) {
			if line.Verdict == want {
				return line
			}
		}
	}
	return doctorLine{}
}

func (w *world) checkSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{doctorSecret, w.secret, "token-of-a-session"} {
		if strings.Contains(text, secret) {
			t.Errorf("the output has the secret %q:\n%s", secret, text)
		}
	}
}

// What each misconfiguration changes.

func mistypedCluster(_ *testing.T, w *world) {
	w.cluster = "euu"
	w.names["api-eu.pusher.com"] = "127.0.0.1:1"
}

func noDNS(_ *testing.T, w *world) {
	w.cluster = "eu"
	w.names = nil
}

func internalDNS(_ *testing.T, w *world) {
	w.cluster = "eu"
	w.names = map[string]string{"intranet.test": "127.0.0.1:1"}
}

func mistypedHost(_ *testing.T, w *world) { w.host = "soketi.internl:6001" }

func serverNotRunning(t *testing.T, w *world) { w.url = "http://" + closedAddr(t) }

// closedAddr returns an address on which nothing listens.
func closedAddr(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}

func firewall(_ *testing.T, w *world) {
	w.network.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
}

func (w *world) useProxy(address string) {
	w.network.proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address})
}

func proxyNotRunning(t *testing.T, w *world) { w.useProxy(closedAddr(t)) }

func proxyNeedsPassword(t *testing.T, w *world) {
	w.cluster = "eu"
	proxy := serveHTTP(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusProxyAuthRequired)
	}))
	w.useProxy(strings.TrimPrefix(proxy, "http://"))
}

func httpsToHTTP(_ *testing.T, w *world) { w.scheme = "https" }

// httpsToSilentHTTP has a server that waits for the end of an HTTP request, as soketi and
// Reverb do.
func httpsToSilentHTTP(t *testing.T, w *world) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				var request []byte
				buffer := make([]byte, 1024)
				for !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					request = append(request, buffer[:n]...)
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}()
		}
	}()
	w.url = "https://" + listener.Addr().String()
}

func newTLSServer(t *testing.T, certificates ...tls.Certificate) *httptest.Server {
	server := httptest.NewUnstartedServer(doctorHandler(t))
	server.TLS = &tls.Config{Certificates: certificates}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func httpToHTTPS(t *testing.T, w *world) {
	w.url = newTLSServer(t).URL
	w.scheme = "http"
}

func untrustedCertificate(t *testing.T, w *world) { w.url = newTLSServer(t).URL }

// trust passes the certificate of the server to doctor.
func (w *world) trust(t *testing.T, server *httptest.Server) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.extra = append(w.extra, "--cacert", file)
}

func expiredCertificate(t *testing.T, w *world) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := newTLSServer(t, tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key})
	w.trust(t, server)
	w.url = server.URL
}

func otherCertificate(t *testing.T, w *world) {
	server := newTLSServer(t)
	w.trust(t, server)
	w.url, w.host = server.URL, "ws.doctor.test"
	w.names["ws.doctor.test"] = server.Listener.Addr().String()
}

func otherWebServer(t *testing.T, w *world) {
	w.url = serveHTTP(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(rw, "<html><head><title>404 Not Found</title></head></html>")
	}))
}

func missingPathPrefix(t *testing.T, w *world) {
	mux := http.NewServeMux()
	mux.Handle("/reverb/", http.StripPrefix("/reverb", doctorHandler(t)))
	w.url = serveHTTP(t, mux)
}

func wrongAppID(_ *testing.T, w *world) { w.appID = "404405" }

func wrongKey(_ *testing.T, w *world) { w.key = "key-of-nobody" }

func otherCluster(t *testing.T, w *world) {
	other := newDoctorServer(t, pushertest.WithApp(pushertest.App{ID: "1", Key: "key-of-another-app", Secret: "secret"}))
	for name, to := range map[string]string{"eu": other.URL, "us2": w.url} {
		w.names["api-"+name+".pusher.com"] = strings.TrimPrefix(to, "http://")
		w.names["ws-"+name+".pusher.com"] = strings.TrimPrefix(to, "http://")
	}
	w.cluster, w.scheme = "eu", "http"
}

// keyOfWebSocketsOnly has a server that identifies apps by their ID and does not compare
// the key, as soketi and Reverb do.
func keyOfWebSocketsOnly(t *testing.T, w *world) {
	server := doctorHandler(t)
	w.url = serveHTTP(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/apps/") {
			_, _ = io.WriteString(rw, `{"occupied":false}`)
			return
		}
		server.ServeHTTP(rw, r)
	}))
	w.key = "key-of-nobody"
}

func wrongSecret(_ *testing.T, w *world) { w.secret = "the-secret-of-another-app" }

func anHourLater() time.Time { return time.Now().Add(time.Hour) }

func wrongClock(t *testing.T, w *world) { w.serve(t, pushertest.WithClock(anHourLater)) }

func wrongClockWithoutDate(t *testing.T, w *world) {
	server := doctorHandler(t, pushertest.WithClock(anHourLater))
	w.url = serveHTTP(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		server.ServeHTTP(withoutDate{rw}, r)
	}))
}

type withoutDate struct{ http.ResponseWriter }

func (w withoutDate) WriteHeader(status int) {
	w.Header()["Date"] = nil
	w.ResponseWriter.WriteHeader(status)
}

func (w withoutDate) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/apps/") }

func appDisabled(t *testing.T, w *world) {
	server := w.serve(t)
	if err := server.FailContext(t.Context(), pushertest.Failure{Status: http.StatusForbidden, Body: "App is disabled\n", Match: isAPI}); err != nil {
		t.Fatal(err)
	}
}

func tooManyMessages(t *testing.T, w *world) {
	server := w.serve(t)
	publishes := func(r *http.Request) bool { return isAPI(r) && r.Method == http.MethodPost }
	if err := server.FailContext(t.Context(), pushertest.Failure{Status: http.StatusForbidden, Body: "over quota\n", Match: publishes}); err != nil {
		t.Fatal(err)
	}
}

func tooManyConnections(t *testing.T, w *world) {
	server := w.serve(t)
	if err := server.FailContext(t.Context(), pushertest.Failure{CloseCode: 4004, Body: "Account over quota"}); err != nil {
		t.Fatal(err)
	}
}

// withoutUpgrade has a reverse proxy that removes the headers of a connection, as nginx
// does unless it is told otherwise.
func withoutUpgrade(t *testing.T, w *world) {
	to, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.url = serveHTTP(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Del("Upgrade")
		r.Out.Header.Del("Connection")
	}})
}

func separateServers(t *testing.T, w *world) {
	api, sockets := doctorHandler(t), doctorHandler(t)
	w.url = serveHTTP(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if isAPI(r) {
			api.ServeHTTP(rw, r)
			return
		}
		sockets.ServeHTTP(rw, r)
	}))
}

func clientEventsDisabled(t *testing.T, w *world) { w.serve(t, pushertest.WithClientEvents(false)) }

func countsDisabled(t *testing.T, w *world) { w.serve(t, pushertest.WithSubscriptionCounting(false)) }

// authEndpoint makes doctor test an endpoint of the app, for pages of another origin with
// a token in a header, as Laravel Echo sends it.
func (w *world) authEndpoint(t *testing.T, endpoint http.Handler) {
	w.extra = append(w.extra, "--auth-endpoint", serveHTTP(t, endpoint)+"/broadcasting/auth?api_token=token-of-a-session",
		"--origin", "http://localhost:5173", "--auth-header", "Authorization: Bearer token-of-a-session")
}

// authorizing returns an endpoint that authorizes every channel.
func authorizing(t *testing.T, secret string) http.Handler {
	authorizer, err := auth.New(doctorApp.Key, secret, auth.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	return authorizer.ChannelHandler(func(*http.Request, auth.ChannelRequest) (*auth.Member, error) { return nil, nil })
}

// withCORS allows pages of other origins to send requests with a token to next.
func withCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Access-Control-Allow-Origin", "http://localhost:5173")
		rw.Header().Set("Access-Control-Allow-Headers", "Authorization")
		if r.Method == http.MethodOptions {
			rw.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func endpointNotCalled(t *testing.T, w *world) { w.authEndpoint(t, authorizing(t, doctorSecret)) }

func endpointUnreadable(t *testing.T, w *world) {
	endpoint := authorizing(t, doctorSecret)
	preflight := withCORS(endpoint)
	w.authEndpoint(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			preflight.ServeHTTP(rw, r)
			return
		}
		endpoint.ServeHTTP(rw, r)
	}))
}

func endpointRejecting(t *testing.T, w *world) {
	w.authEndpoint(t, withCORS(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "Unauthenticated.", http.StatusForbidden)
	})))
}

func endpointRedirecting(t *testing.T, w *world) {
	w.authEndpoint(t, withCORS(http.RedirectHandler("/login", http.StatusFound)))
}

func endpointOtherSecret(t *testing.T, w *world) {
	w.authEndpoint(t, withCORS(authorizing(t, "the-secret-of-another-app")))
}

// webhookEndpoint makes doctor test an endpoint for webhooks.
func (w *world) webhookEndpoint(t *testing.T, endpoint http.Handler) {
	w.extra = append(w.extra, "--webhook", serveHTTP(t, endpoint)+"/pusher/webhook")
}

func verifying(t *testing.T, secret string) http.Handler {
	verifier, err := webhook.New(doctorApp.Key, secret, webhook.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	return verifier.Handler(func(context.Context, *webhook.Webhook) error { return nil })
}

func webhookOtherSecret(t *testing.T, w *world) {
	w.webhookEndpoint(t, verifying(t, "the-secret-of-another-app"))
}

func webhookNotFound(t *testing.T, w *world) { w.webhookEndpoint(t, http.NotFoundHandler()) }

func webhookNotVerified(t *testing.T, w *world) {
	w.webhookEndpoint(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}
