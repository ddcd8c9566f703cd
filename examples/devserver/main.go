// Command devserver runs a Pusher Channels server for development: the server of
// package pushertest, on a fixed port. It prints the settings for pusher-js and for
// the app that is being developed, and logs what it rejects. With -v it logs
// everything that happens.
//
// All state is lost when it exits. The secret of its only app is on the command line,
// so it protects nothing.
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
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/openchannels/pusher-go/pushertest"
)

// maxEvents limits the recorded events, which nothing reads here.
const maxEvents = 100

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "devserver:", err)
		os.Exit(1)
	}
}

// run runs the server until ctx is done.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("devserver", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:6001", "`address` to listen on")
	app := pushertest.App{}
	// Several SDKs accept only app IDs of digits.
	flags.StringVar(&app.ID, "app-id", "1", "`ID` of the app")
	flags.StringVar(&app.Key, "key", "app-key", "`key` of the app")
	flags.StringVar(&app.Secret, "secret", "app-secret", "`secret` of the app")
	webhook := flags.String("webhook", "", "`URL` to post webhooks to")
	verbose := flags.Bool("v", false, "log connections, messages, events and webhook deliveries")
	if err := flags.Parse(args); err != nil {
		return err
	}

	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	logger := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	opts := []pushertest.Option{pushertest.WithApp(app), pushertest.WithLogger(logger), pushertest.WithMaxEvents(maxEvents)}
	if *webhook != "" {
		opts = append(opts, pushertest.WithWebhook(*webhook))
	}
	server, err := pushertest.New(opts...)
	if err != nil {
		return err
	}
	defer server.Close()

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if err := printSettings(out, server, listener.Addr()); err != nil {
		_ = listener.Close()
		return err
	}
	defer context.AfterFunc(ctx, server.Close)()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func printSettings(out io.Writer, server *pushertest.Server, addr net.Addr) error {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	pusherURL, err := server.PusherURLAt("http://" + net.JoinHostPort(host, port))
	if err != nil {
		return err
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

Rejected requests are logged below. Press Ctrl-C to stop the server.
`, "\n"), pusherURL, server.App().Key, host, port)
	return err
}
