package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/realtime"
)

// doctorTimeout limits each step, so that a report takes less than 5 seconds.
const doctorTimeout = 2 * time.Second

// A network is how doctor reaches other machines.
type network struct {
	lookup func(ctx context.Context, host string) (addrs []string, err error)
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	proxy  func(*http.Request) (*url.URL, error)
}

var systemNetwork = network{net.DefaultResolver.LookupHost, (&net.Dialer{}).DialContext, http.ProxyFromEnvironment}

func (t *tool) doctorCommand(n network) *cobra.Command {
	d := &doctor{network: n}
	var headers []string
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why nothing arrives",
		Long: `Find out why nothing arrives. Each step has a verdict, what was found and what to do. The
output has no secrets and is meant to be pasted into an issue; check the names of hosts.

doctor subscribes to channels named pusherctl-doctor-RANDOM and publishes an event and a
client event on them. They count as connections and messages of the app, and the server may
send webhooks about them. With --read-only it subscribes to nothing and publishes nothing.

The exit status is 1 if a step has failed.`,
		Example: `  pusherctl doctor
  pusherctl doctor --read-only --json
  pusherctl doctor --auth-endpoint http://localhost:8000/broadcasting/auth --origin http://localhost:5173 \
      --auth-channel private-orders.7 --auth-header 'Authorization: Bearer TOKEN'
  pusherctl doctor --webhook http://localhost:8000/pusher/webhook`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var err error
			if d.settings, err = t.settings(); err != nil {
				return err
			}
			if !command.Flags().Changed("timeout") {
				d.settings.timeout = doctorTimeout
			}
			if !t.flags.verbose {
				d.settings.logger = slog.New(slog.DiscardHandler)
			}
			if d.header, err = parseHeader(headers); err != nil {
				return err
			}
			if err := d.checkFlags(); err != nil {
				return err
			}
			return d.run(command.Context(), &t.output)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&d.readOnly, "read-only", false, "subscribe to nothing and publish nothing")
	flags.StringVar(&d.authEndpoint, "auth-endpoint", "", "also test this authorization endpoint of the app, a `URL`")
	flags.StringVar(&d.authChannel, "auth-channel", "", "private or presence `channel` to request from it (default private-pusherctl-doctor-RANDOM)")
	flags.StringArrayVar(&headers, "auth-header", nil, "`header` to send to it, such as 'Cookie: session=…'; can be repeated")
	flags.StringVar(&d.origin, "origin", "", "`origin` of the page, such as https://www.example.com, if it is not that of the endpoint")
	flags.StringVar(&d.webhook, "webhook", "", "also post a webhook to this `URL` of the app")
	return command
}

func parseHeader(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, usagef("--auth-header: want 'Name: value'")
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return header, nil
}

func (d *doctor) checkFlags() error {
	for flag, value := range map[string]string{"--auth-endpoint": d.authEndpoint, "--webhook": d.webhook, "--origin": d.origin} {
		if u, err := url.Parse(value); value != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return usagef("%s: want an http or https URL with a host", flag) // it may have a token
		}
	}
	if name := d.authChannel; name != "" && !strings.HasPrefix(name, "private-") && !strings.HasPrefix(name, "presence-") {
		return usagef("--auth-channel: %q needs no authorization: want a private or presence channel", name)
	}
	return nil
}

// A verdict is the result of a step.
type verdict string

const (
	passed  verdict = "ok"
	warning verdict = "warning"
	failed  verdict = "failed"
	skipped verdict = "skipped"
)

// A finding is what a step has found, and what to do about it.
type finding struct {
	Verdict verdict `json:"verdict"`
	Found   string  `json:"found"`
	Advice  string  `json:"advice,omitempty"`
}

func ok(format string, args ...any) finding {
	return finding{Verdict: passed, Found: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) finding {
	return finding{Verdict: skipped, Found: fmt.Sprintf(format, args...)}
}

func warn(advice, format string, args ...any) finding {
	return finding{warning, fmt.Sprintf(format, args...), advice}
}

func fail(advice, format string, args ...any) finding {
	return finding{failed, fmt.Sprintf(format, args...), advice}
}

// A doctor examines an app and its server.
type doctor struct {
	network
	*settings
	readOnly                                   bool
	authEndpoint, authChannel, origin, webhook string
	header                                     http.Header // of requests to the authorization endpoint

	transport *doctorTransport
	http      *http.Client
	api       *pusher.Client
	channel   string // pusherctl-doctor-RANDOM

	// Several steps look at the outcome of one query of the HTTP API and of one WebSocket
	// connection. ping returns nil if the API has accepted the query.
	ping   func() error
	socket func() (*realtime.Conn, error)
}

// run takes all steps and prints what they find.
func (d *doctor) run(ctx context.Context, out *output) error {
	d.prepare(ctx)
	if !d.readOnly {
		fmt.Fprintf(out.stderr, "Subscribing to %s and publishing 2 events on it; --read-only leaves that out.\n", d.channel)
	}
	if err := out.printf("pusherctl %s, %s/%s, %s", pusher.Version, runtime.GOOS, runtime.GOARCH, runtime.Version()); err != nil {
		return err
	}
	verdicts := map[string]verdict{}
	var failures []string
	for _, s := range steps {
		start := time.Now()
		f := d.take(ctx, s, verdicts)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		verdicts[s.name] = f.Verdict
		if f.Verdict == failed {
			failures = append(failures, s.name)
		}
		if err := d.print(out, s.name, f, time.Since(start)); err != nil {
			return err
		}
	}
	if verdicts["WebSocket"] == passed {
		if conn, err := d.socket(); err == nil {
			_ = conn.Close()
		}
	}
	if len(failures) == 0 {
		return out.printf("\nNo problem found.")
	}
	if err := out.printf("\nProblem: %s", strings.Join(failures, ", ")); err != nil {
		return err
	}
	return errReported
}

// take takes a step, unless it needs one that has failed or was skipped.
func (d *doctor) take(ctx context.Context, s step, verdicts map[string]verdict) finding {
	for _, need := range s.needs {
		if v := verdicts[need]; v == failed || v == skipped {
			return skip("needs %s", need)
		}
	}
	if s.changes && d.readOnly {
		return skip("--read-only")
	}
	return s.check(d, ctx)
}

func (d *doctor) print(out *output, name string, f finding, elapsed time.Duration) error {
	f.Found, f.Advice = oneLine(d.redact(f.Found)), oneLine(d.redact(f.Advice))
	if out.json {
		return out.printJSON(struct {
			Step string `json:"step"`
			finding
			Milliseconds int64 `json:"milliseconds"`
		}{name, f, elapsed.Milliseconds()})
	}
	paint := map[verdict]func(string) string{passed: out.green, warning: out.yellow, failed: out.red, skipped: out.dim}[f.Verdict]
	if err := out.printf("%s  %-14s %s", paint(fmt.Sprintf("%-7s", f.Verdict)), name, f.Found); err != nil || f.Advice == "" {
		return err
	}
	return out.printf("%24s %s", "→", f.Advice)
}

// redact removes secrets from a text, which may quote a server. It abbreviates the key,
// in case key and secret are swapped.
func (d *doctor) redact(text string) string {
	const placeholder = "[REDACTED]"
	var pairs []string
	add := func(secret, replacement string) {
		if secret != "" {
			pairs = append(pairs, secret, replacement)
		}
	}
	add(d.secret.value, placeholder)
	add(d.masterKey.value, placeholder)
	for _, values := range d.header {
		for _, value := range values {
			for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ;,=", r) }) {
				if len(word) >= 8 {
					add(word, placeholder)
				}
			}
		}
	}
	if key := d.key.value; len(key) >= 10 {
		add(key, key[:6]+"…")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (d *doctor) prepare(ctx context.Context) {
	d.channel = "pusherctl-doctor-" + strings.ToLower(rand.Text()[:10])
	d.authChannel = cmp.Or(d.authChannel, "private-"+d.channel)
	d.transport = &doctorTransport{responses: map[string]response{}, Transport: &http.Transport{
		DialContext: d.dial, Proxy: d.proxy, TLSClientConfig: &tls.Config{RootCAs: d.roots},
		ForceAttemptHTTP2: true, // and no TLSHandshakeTimeout: that of the request tells handshakes apart
	}}
	d.transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		d.transport.record(http.MethodConnect, resp)
		return nil
	}
	d.http = &http.Client{
		Transport:     d.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	d.ping = sync.OnceValue(func() error { return d.api.Ping(ctx) })
	d.socket = sync.OnceValues(func() (*realtime.Conn, error) { return d.connect(ctx) })
}

func (d *doctor) connect(ctx context.Context, opts ...realtime.Option) (*realtime.Conn, error) {
	return d.settings.connect(ctx, append(opts, realtime.WithHTTPClient(d.http))...)
}

// A doctorTransport keeps the latest response of each host, and that of the proxy to
// CONNECT.
type doctorTransport struct {
	*http.Transport
	mu        sync.Mutex
	responses map[string]response
}

type response struct {
	status int
	header http.Header
	body   string
	time   time.Time
}

func (r *doctorTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	resp, err := r.Transport.RoundTrip(request)
	if err == nil {
		r.record(request.URL.Host, resp)
	}
	return resp, err
}

func (r *doctorTransport) record(from string, resp *http.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.responses[from] = response{status: resp.StatusCode, header: resp.Header, time: time.Now()}
}

func (r *doctorTransport) latest(from string) response {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.responses[from]
}

// reason returns the text of an error without the names of methods and of Go options.
func reason(err error) string {
	var api *pusher.Error
	if errors.As(err, &api) {
		err = &pusher.Error{Status: api.Status, Message: api.Message, Err: api.Err, Kind: api.Kind}
		return strings.TrimPrefix(err.Error(), "pusher: ")
	}
	var socket *realtime.Error
	if errors.As(err, &socket) {
		err = &realtime.Error{Kind: socket.Kind, Code: socket.Code, Status: socket.Status, Message: socket.Message, Err: socket.Err}
		return strings.TrimPrefix(err.Error(), "realtime: ")
	}
	return err.Error()
}
