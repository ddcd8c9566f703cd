package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/internal/control"
	"github.com/openchannels/pusher-go/internal/tlsdetect"
	"github.com/openchannels/pusher-go/pushertest"
)

// defaultSecret protects nothing, so it is printed wherever it was found.
const defaultSecret = "app-secret"

// A service has the flags of serve.
type service struct {
	addr            string
	apps            []string
	appsFile        string
	tls             bool
	certFile        string
	keyFile         string
	webhooks        []string
	delay           time.Duration
	webhookDelay    time.Duration
	maxEventBytes   int
	activityTimeout time.Duration
	authTimeout     time.Duration
	clientEvents    bool
	counting        bool
	idempotencyKeys bool
	authEndpoints   bool
	console         bool
	consoleHosts    []string
	controlToken    string
	showSecrets     bool
	quiet           bool
}

func (t *tool) serveCommand() *cobra.Command {
	var s service
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run a server for development",
		Long: `Run a Pusher Channels server for development and tests. It prints the settings for
client and server libraries, and logs connections, subscriptions, events with the number
of their receivers, webhooks, and everything it rejects with the reason. All state is
lost when it exits.

Without further flags it has one app, with the ID 1, the key app-key and the secret
app-secret. --app-id, --key and --secret, or PUSHER_APP_ID, PUSHER_APP_KEY,
PUSHER_APP_SECRET and PUSHER_URL, change it. For several apps use --app, the variable
PUSHERCTL_APPS with the same values separated by spaces, or --apps-file.

With --tls it creates a certificate for localhost, keeps it for the next start, and
prints how to trust it. GET /health responds with 200 while the server runs.

The page at /console/ shows connections, channels and events. Tests in any language use
the control API below /control/, see /control/openapi.yaml. Both accept no requests of
pages of other origins, and need a token if --addr is not a loopback address or
--console-host is set; --control-token or PUSHERCTL_CONTROL_TOKEN sets it.`,
		Example: `  pusherctl serve
  pusherctl serve --addr :6001 --tls --webhook http://localhost:8000/webhooks
  pusherctl serve --app 1:shop-key:shop-secret --app 2:blog-key:blog-secret
  pusherctl serve --auth-endpoints`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&s.addr, "addr", "127.0.0.1:6001", "`address` to listen on")
	flags.StringArrayVar(&s.apps, "app", nil, "app as `ID:KEY:SECRET`; repeatable")
	flags.StringVar(&s.appsFile, "apps-file", "", `JSON `+"`file`"+` with a list of apps, such as [{"id": "1", "key": "…", "secret": "…"}]`)
	flags.BoolVar(&s.tls, "tls", false, "serve https and wss, with a self-signed certificate unless --tls-cert is set")
	flags.StringVar(&s.certFile, "tls-cert", "", "`file` with a certificate, as PEM; implies --tls")
	flags.StringVar(&s.keyFile, "tls-key", "", "`file` with the key of the certificate, as PEM")
	flags.StringArrayVar(&s.webhooks, "webhook", nil, "`URL` to post webhooks to; repeatable")
	flags.DurationVar(&s.delay, "delay", 0, "`time` that responses of the HTTP API and WebSocket handshakes are delayed")
	flags.DurationVar(&s.webhookDelay, "webhook-delay", 0, "`time` that channel_vacated and member_removed wait; Pusher waits up to 3s")
	flags.IntVar(&s.maxEventBytes, "max-event-bytes", 10240, "limit of the data of an event in `bytes`")
	flags.DurationVar(&s.activityTimeout, "activity-timeout", 2*time.Minute, "`time` after which an idle connection is pinged, in whole seconds")
	flags.DurationVar(&s.authTimeout, "authorization-timeout", 0, "`time` after which a connection without an authorization is closed; 0 for never")
	flags.BoolVar(&s.clientEvents, "client-events", true, "accept client events")
	flags.BoolVar(&s.counting, "subscription-counting", true, "count subscriptions")
	flags.BoolVar(&s.idempotencyKeys, "idempotency-keys", false, "support idempotency keys, as Sockudo does")
	flags.BoolVar(&s.authEndpoints, "auth-endpoints", false, "allow everything at /pusher/auth and /pusher/user-auth, for front ends without a back end")
	flags.BoolVar(&s.console, "console", true, "serve the page at /console/ and the control API at /control/")
	flags.StringArrayVar(&s.consoleHosts, "console-host", nil, "`host` that requests of the page and the control API may name, besides localhost; repeatable")
	flags.StringVar(&s.controlToken, "control-token", "", "`token` that the control API requires; the default is none on a loopback address")
	flags.BoolVar(&s.showSecrets, "show-secrets", false, "print secrets that are not from flags, too")
	flags.BoolVarP(&s.quiet, "quiet", "q", false, "log only what is rejected")
	command.RunE = func(command *cobra.Command, _ []string) error {
		return t.serve(command.Context(), s)
	}
	return command
}

// A servedApp is an app of the server, and where it was found.
type servedApp struct {
	pushertest.App
	source       string // of the secret
	secretPublic bool   // the default one, or given on the command line
}

func (t *tool) serve(ctx context.Context, s service) error {
	apps, err := t.servedApps(s)
	if err != nil {
		return err
	}
	certificate, err := s.certificate()
	if err != nil {
		return err
	}
	logs := t.logHandler(s.quiet)
	logger := slog.New(logs)
	served := control.NewApps(logs, s.delay, s.options()...)
	defer served.Close()
	for _, app := range apps {
		if err := served.Add(app.App); err != nil {
			return usagef("%w", err)
		}
	}

	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		var opErr *net.OpError
		if errors.As(err, &opErr) {
			err = opErr.Err
		}
		return usagef("--addr %s: %w", s.addr, err)
	}
	guard, token := s.guard(listener.Addr(), logger)
	server := &http.Server{Handler: s.handler(served, guard, logger), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(logs, slog.LevelWarn)}
	if err := t.printServed(s, apps, listener.Addr(), certificate, token); err != nil {
		_ = listener.Close()
		return err
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		served.Close() // closes WebSockets, which Shutdown does not know
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	})
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate.Certificate}}
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(tlsdetect.Listener(listener, func(remote net.Addr) {
			logger.Warn("an https or wss client, and this server has no TLS: use http and ws (forceTLS: false in pusher-js), or start it with --tls", "remote", remote)
		}))
	}
	if !stop() {
		<-stopped
		return nil
	}
	return err
}

// servedApps returns the apps of the flags, or else of the environment.
func (t *tool) servedApps(s service) ([]servedApp, error) {
	var apps []servedApp
	add := func(texts []string, source string, public bool) error {
		for _, text := range texts {
			parts := strings.SplitN(text, ":", 3)
			if len(parts) != 3 {
				return usagef("%s: want ID:KEY:SECRET", source)
			}
			apps = append(apps, servedApp{pushertest.App{ID: parts[0], Key: parts[1], Secret: parts[2]}, source, public})
		}
		return nil
	}
	if err := add(s.apps, "--app", true); err != nil {
		return nil, err
	}
	if s.appsFile != "" {
		text, err := os.ReadFile(s.appsFile)
		if err != nil {
			return nil, usagef("--apps-file: %w", err)
		}
		var found []struct{ ID, Key, Secret string }
		if err := json.Unmarshal(text, &found); err != nil {
			return nil, usagef(`--apps-file %s: want [{"id": "…", "key": "…", "secret": "…"}]`, s.appsFile)
		}
		for _, app := range found {
			apps = append(apps, servedApp{pushertest.App(app), s.appsFile, false})
		}
	}
	if apps == nil {
		if err := add(strings.Fields(os.Getenv("PUSHERCTL_APPS")), "PUSHERCTL_APPS", false); err != nil {
			return nil, err
		}
	}
	if apps == nil {
		found, err := t.settings()
		if err != nil {
			return nil, err
		}
		// Several SDKs accept only app IDs of digits.
		set(&found.appID, setting{"1", "default"})
		set(&found.key, setting{"app-key", "default"})
		set(&found.secret, setting{defaultSecret, "default"})
		public := found.secret.value == defaultSecret || strings.HasPrefix(found.secret.source, "--")
		apps = append(apps, servedApp{pushertest.App{ID: found.appID.value, Key: found.key.value, Secret: found.secret.value}, found.secret.source, public})
	}
	return apps, nil
}

// options returns the options of all apps.
func (s service) options() []pushertest.Option {
	opts := []pushertest.Option{
		pushertest.WithWebhookDelay(s.webhookDelay), pushertest.WithMaxEventBytes(s.maxEventBytes),
		pushertest.WithActivityTimeout(s.activityTimeout), pushertest.WithClientEvents(s.clientEvents),
		pushertest.WithSubscriptionCounting(s.counting), pushertest.WithIdempotencyKeys(s.idempotencyKeys),
	}
	if s.authTimeout != 0 {
		opts = append(opts, pushertest.WithAuthorizationTimeout(s.authTimeout))
	}
	for _, url := range s.webhooks {
		opts = append(opts, pushertest.WithWebhook(url))
	}
	return opts
}
