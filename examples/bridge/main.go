// Command bridge writes what it receives on channels to standard output, one JSON object
// per line, for jq, a file or another program:
//
//	bridge -url wss://ws-eu.pusher.com/app/KEY prices presence-lobby | jq .data
//
// Without -url it connects to the server of "pusherctl serve".
//
// Private and presence channels need the secret of the app in the environment variable
// PUSHER_SECRET. On presence channels the bridge is the member "bridge". Gaps, members and
// counts are lines as well. The log goes to standard error.
//
// The bridge runs until it is interrupted, and exits with status 1 when a subscription
// fails for good.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Getenv("PUSHER_SECRET"), os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bridge:", err)
		os.Exit(1)
	}
}

// run writes events to out until ctx is done or a subscription has failed.
func run(ctx context.Context, args []string, secret string, out, log io.Writer) error {
	flags := flag.NewFlagSet("bridge", flag.ContinueOnError)
	flags.SetOutput(log)
	url := flags.String("url", "ws://127.0.0.1:6001/app/app-key", "`URL` of the app")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("which channels? usage: bridge [-url URL] channel…")
	}

	opts := []realtime.Option{realtime.WithLogger(slog.New(slog.NewTextHandler(log, nil)))}
	if secret != "" {
		authorizer, err := auth.New(path.Base(*url), secret)
		if err != nil {
			return err
		}
		opts = append(opts, realtime.WithAuthorizer(authorizer))
	}
	conn, err := realtime.Connect(ctx, *url, opts...)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lines := &lines{encoder: json.NewEncoder(out)}
	var wg sync.WaitGroup
	for _, name := range flags.Args() {
		wg.Go(func() {
			if err := forward(ctx, conn, name, lines); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// forward writes the events of a channel.
func forward(ctx context.Context, conn *realtime.Conn, name string, lines *lines) error {
	var opts []realtime.SubscribeOption
	if strings.HasPrefix(name, "presence-") {
		opts = append(opts, realtime.WithMember(auth.Member{UserID: "bridge"}))
	}
	channel, err := conn.Subscribe(ctx, name, opts...)
	if err != nil {
		return err
	}
	for event, err := range channel.Events(ctx) {
		if err != nil {
			return err
		}
		if err := lines.write(event); err != nil {
			return err
		}
	}
	return nil
}

// lines writes whole lines for several goroutines.
type lines struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (l *lines) write(event realtime.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.encoder.Encode(event)
}
