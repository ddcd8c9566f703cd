// Command newoperation calls an operation and reads fields that were added to
// openapi.yaml a moment ago.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/openchannels/pusher-go/gen"
)

func main() {
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		}
	}
	api := http.NewServeMux()
	api.Handle("GET /apps/3/connections", answer(`{"connections": 7}`))
	api.Handle("GET /apps/3/channels/my-channel", answer(`{"occupied": true, "encrypted": true, "since": "2026-11-26T12:00:00Z"}`))
	server := httptest.NewServer(api)
	defer server.Close()

	client, err := gen.NewClientWithResponses(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	connections, err := client.CountConnectionsWithResponse(context.Background(), "3")
	if err != nil {
		log.Fatal(err)
	}
	channel, err := client.GetChannelWithResponse(context.Background(), "3", "my-channel", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("connections", connections.JSON200.Connections)
	fmt.Println("encrypted", *channel.JSON200.Encrypted, "since", channel.JSON200.Since.Year())
}
