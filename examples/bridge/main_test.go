package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

func TestRun(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	url := server.URL + "/app/" + server.App().Key
	go func() {
		done <- run(ctx, []string{"-url", url, "cache-prices", "presence-lobby"}, server.App().Secret, in, t.Output())
	}()

	// Both channels are subscribed when the bridge has written their first lines.
	alice, err := server.Subscribe(ctx, "presence-lobby", pushertest.AsMember("alice", map[string]string{"name": "Alice"}))
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	for {
		info, err := client.ChannelUsers(ctx, "presence-lobby")
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Users) == 2 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := client.Trigger(ctx, "presence-lobby", "greeting", map[string]string{"text": "<hello>"}); err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{"greeting": `{"text":"<hello>"}`, "pusher:cache_miss": ""}
	lines := bufio.NewScanner(out)
	for len(wants) > 0 && lines.Scan() {
		var line struct{ Kind, Channel, Name, Data string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if want, ok := wants[line.Name]; ok && line.Data == want {
			delete(wants, line.Name)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	stop()
	if err := <-done; err != nil {
		t.Errorf("run = %v, want nil after an interrupt", err)
	}
}

func TestRun_Errors(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	url := server.URL + "/app/" + server.App().Key
	tests := []struct {
		name, secret string
		args         []string
		want         string
	}{
		{"no channel", "", nil, "which channels?"},
		{"unknown key", "", []string{"-url", server.URL + "/app/other", "news"}, "code 4001"},
		{"no secret", "", []string{"-url", url, "private-x"}, "WithAuthorizer"},
		{"wrong secret", "wrong", []string{"-url", url, "news", "private-x"}, "Invalid signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := run(t.Context(), tt.args, tt.secret, io.Discard, t.Output())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("run = %v, want an error with %q", err, tt.want)
			}
		})
	}
}
