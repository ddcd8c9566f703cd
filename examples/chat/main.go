// Command chat is a small chat in the browser: rooms on a public, a private and an
// encrypted channel, a presence list, and a log of received webhooks. It shows how a
// server uses the packages pusher, auth and webhook together; the page uses pusher-js.
//
// It uses the server in PUSHER_URL or, if PUSHER_URL is empty, a server of package
// pushertest in the same process. Pusher delivers webhooks only to a public address: add
// URL/webhook to the app's settings. Client events have to be enabled there too.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
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
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	library := flag.String("pusher-js", "internal/test/interop/node_modules/pusher-js/dist/web/pusher-with-encryption.min.js",
		"the `file` with pusher-js; without it browsers get the library from Pusher")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, os.Getenv("PUSHER_URL"), *library, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, pusherURL, library string, out io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	base := "http://" + listener.Addr().String()

	mux := http.NewServeMux()
	embedded := pusherURL == ""
	if embedded {
		local, err := pushertest.New(
			pushertest.WithWebhook(base+"/webhook"),
			pushertest.WithSubscriptionCounting(false), // like a new app on Pusher
			pushertest.WithLogger(slog.Default()),
		)
		if err != nil {
			return err
		}
		defer local.Close()
		mux.Handle("/apps/", local) // the HTTP API
		mux.Handle("/app/", local)  // WebSockets
		pusherURL = localURL(local.App(), listener.Addr())
	}
	client, err := pusher.NewFromURL(pusherURL, pusher.WithEncryptionMasterKey(newMasterKey()))
	if err != nil {
		return err
	}
	browser, err := browserSettings(pusherURL, embedded)
	if err != nil {
		return err
	}
	mux.Handle("/", newChat(client, browser, library))

	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if _, err := fmt.Fprintf(out, "Open %s in two browsers. Press Ctrl-C to stop.\n", base); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func localURL(app pushertest.App, addr net.Addr) string {
	return (&url.URL{Scheme: "http", User: url.UserPassword(app.Key, app.Secret), Host: addr.String(), Path: "/apps/" + app.ID}).String()
}

// newMasterKey returns a random key. An app keeps its key with its other secrets.
func newMasterKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}
