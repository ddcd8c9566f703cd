// Command demo publishes events, queries channels and users, signs authorizations,
// verifies webhooks and handles errors, and prints the results. It uses the server in
// PUSHER_URL, or an embedded server of package pushertest. The exit status is 1 if a
// result is not the expected one.
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
	demo := &demo{ctx: ctx, client: client, server: server}
	for _, step := range demo.steps() {
		fmt.Printf("\n%s\n", step.title)
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}
	fmt.Println("\nAll results are as expected.")
	return nil
}

// connect returns a client for the server in PUSHER_URL, or starts an embedded server
// and returns it as well.
func connect() (*pusher.Client, *pushertest.Server, error) {
	if os.Getenv("PUSHER_URL") != "" {
		client, err := pusher.NewFromEnv(pusher.WithEncryptionMasterKey(masterKey()))
		if err == nil {
			fmt.Println("Using the server in PUSHER_URL:", client)
		}
		return client, nil, err
	}
	server := pushertest.NewServer()
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithEncryptionMasterKey(masterKey()))
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	fmt.Println("PUSHER_URL is not set. Using an embedded server:", client)
	return client, server, nil
}

// masterKey returns a random key. An app keeps its key with its other secrets.
func masterKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return base64.StdEncoding.EncodeToString(key)
}
