// Command demo shows what the client does: it triggers events, asks about
// channels and users, signs authorizations, receives webhooks, meets errors, and
// prints what happened. It runs against the embedded server of pushertest, or against the one that PUSHER_URL names. The
// exit status is 1 if anything went otherwise than it should.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/signal"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	client, server, err := connect()
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	story := &story{ctx: ctx, client: client, server: server}
	for _, chapter := range story.chapters() {
		fmt.Printf("\n%s\n", chapter.title)
		if err := chapter.tell(); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
	}
	fmt.Println("\nAll of it went as it should.")
	return nil
}

// connect uses the server that the environment names, or starts one. The embedded
// server comes back, because it can tell what reached it.
func connect() (*pusher.Client, *pushertest.Server, error) {
	if os.Getenv("PUSHER_URL") != "" {
		client, err := pusher.NewFromEnv(pusher.WithEncryptionMasterKey(masterKey()))
		if err == nil {
			fmt.Println("Talking to the server of PUSHER_URL:", client)
		}
		return client, nil, err
	}
	server := pushertest.NewServer()
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithEncryptionMasterKey(masterKey()))
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	fmt.Println("PUSHER_URL is not set. Talking to an embedded server:", client)
	return client, server, nil
}

// masterKey makes one for this run; an app keeps its own.
func masterKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}
