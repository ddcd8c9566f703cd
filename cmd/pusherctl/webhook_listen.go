package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/webhook"
)

func (t *tool) webhookListenCommand() *cobra.Command {
	var addr string
	var count int
	command := &cobra.Command{
		Use:   "listen",
		Short: "Receive webhooks and print their events",
		Long: `Listen for webhooks of the app on all paths, verify them, and print their events until
Ctrl-C. Webhooks that are rejected are reported on standard error. Pusher needs a public
URL, for example of a tunnel to this address.`,
		Example: `  pusherctl webhook listen --addr 127.0.0.1:8000
  pusherctl serve --webhook http://127.0.0.1:8000/`,
		Args: cobra.NoArgs,
	}
	command.Flags().StringVar(&addr, "addr", "127.0.0.1:8000", "`address` to listen on")
	command.Flags().IntVarP(&count, "count", "n", 0, "end after this `number` of webhooks; 0 for no limit")
	command.RunE = func(command *cobra.Command, _ []string) error {
		s, err := t.settings()
		if err != nil {
			return err
		}
		s.logger = slog.New(slog.NewTextHandler(t.stderr, nil)) // of rejections
		verifier, err := s.verifier()
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			return usagef("--addr %s: %w", addr, err)
		}
		ctx, cancel := context.WithCancel(command.Context())
		defer cancel()
		var mu sync.Mutex
		received := 0
		server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: verifier.Handler(func(_ context.Context, hook *webhook.Webhook) error {
			mu.Lock()
			defer mu.Unlock()
			if received++; received == count {
				cancel()
			}
			return t.printWebhook(hook)
		})}
		stopped := make(chan struct{})
		context.AfterFunc(ctx, func() {
			defer close(stopped)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = server.Shutdown(ctx)
		})
		fmt.Fprintf(t.stderr, "waiting for webhooks on http://%s\n", listener.Addr())
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		<-stopped
		return nil
	}
	return command
}
