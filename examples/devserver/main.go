// Command devserver is a Pusher Channels server for development: the server of
// pushertest as a program on a fixed port. It prints what to paste into pusher-js
// and into the environment of the app that is being developed.
//
// It forgets everything when it ends and nothing before, so restart it now and
// then. Its one app is not protected: the secret is on the command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "devserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("devserver", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:6001", "the `address` to listen on")
	app := pushertest.App{}
	flags.StringVar(&app.ID, "app-id", "app-id", "the app's `ID`")
	flags.StringVar(&app.Key, "key", "app-key", "the app's `key`")
	flags.StringVar(&app.Secret, "secret", "app-secret", "the app's `secret`")
	hook := flags.String("webhook", "", "post webhooks to this `URL`")
	if err := flags.Parse(args); err != nil {
		return err
	}

	opts := []pushertest.Option{pushertest.WithApp(app), pushertest.WithLogger(slog.New(slog.NewTextHandler(out, nil)))}
	if *hook != "" {
		opts = append(opts, pushertest.WithWebhook(*hook))
	}
	pusher, err := pushertest.New(opts...)
	if err != nil {
		return err
	}
	defer pusher.Close()

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if err := printSettings(out, app, listener.Addr()); err != nil {
		_ = listener.Close()
		return err
	}

	server := &http.Server{Handler: pusher, ReadHeaderTimeout: 10 * time.Second}
	ended := context.AfterFunc(ctx, func() {
		pusher.Close()
		_ = server.Close()
	})
	defer ended()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func printSettings(out io.Writer, app pushertest.App, addr net.Addr) error {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	pusherURL := url.URL{
		Scheme: "http", User: url.UserPassword(app.Key, app.Secret),
		Host: net.JoinHostPort(host, port), Path: "/apps/" + app.ID,
	}
	_, err = fmt.Fprintf(out, strings.TrimLeft(`
For the app's server:

    export PUSHER_URL=%s

For pusher-js:

    new Pusher(%q, {
      cluster: "",
      wsHost: %q,
      wsPort: %s,
      forceTLS: false,
      enabledTransports: ["ws"],
    })

Refusals are logged below; Ctrl-C ends the server.
`, "\n"), &pusherURL, app.Key, host, port)
	return err
}
