package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/webhook"
)

func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", "", "", in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "Open "), " ")
	response, err := http.Get(address)
	if err != nil {
		t.Fatalf("the printed address: %v", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("GET %s: got status %d, want 200", address, response.StatusCode)
	}
	// The default app of pushertest, at the address of the page.
	app := pusher.Credentials{AppID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	client, err := pusher.New(app, pusher.WithBaseURL(address))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); err != nil {
		t.Errorf("Channels: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("run, interrupted: got %v, want no error", err)
	}
}

func TestRun_Errors(t *testing.T) {
	for name, start := range map[string]struct{ addr, pusherURL string }{
		"invalid address":         {"nowhere", ""},
		"URL without credentials": {"127.0.0.1:0", "https://api-eu.pusher.com/apps/3"},
		"closed output":           {"127.0.0.1:0", ""},
	} {
		out, in := io.Pipe()
		_ = out.Close()
		if err := run(t.Context(), start.addr, start.pusherURL, "", in); err == nil {
			t.Errorf("run with %s: got no error", name)
		}
	}
}

func TestBrowserSettings(t *testing.T) {
	tests := []struct {
		name, pusherURL string
		embedded        bool
		want            string
	}{
		{"embedded server", "http://k:s@127.0.0.1:8080/apps/3", true, `{"key":"k"}`},
		{"Pusher cluster", "https://k:s@api-eu.pusher.com/apps/3", false, `{"key":"k","options":{"cluster":"eu","forceTLS":true}}`},
		{"self-hosted server", "http://k:s@localhost:6001/apps/3", false, `{"key":"k","options":{"cluster":"","enabledTransports":["ws","wss"],"forceTLS":false,"wsHost":"localhost","wsPort":6001,"wssPort":6001}}`},
		{"self-hosted server on the default port", "https://k:s@ws.example/apps/3", false, `{"key":"k","options":{"cluster":"","enabledTransports":["ws","wss"],"forceTLS":true,"wsHost":"ws.example"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := browserSettings(test.pusherURL, test.embedded)
			got, _ := json.Marshal(found)
			if err != nil || string(got) != test.want {
				t.Errorf("browserSettings(%q)\ngot  %s, %v\nwant %s", test.pusherURL, got, err, test.want)
			}
		})
	}
}

func TestHookLog_Describe(t *testing.T) {
	l := &hookLog{sessions: newSessions()}
	l.sessions.names["7"] = "Alice"
	for want, event := range map[string]webhook.Event{
		"lobby is occupied":                           webhook.ChannelOccupied{Channel: "lobby"},
		"lobby is vacant":                             webhook.ChannelVacated{Channel: "lobby"},
		"Alice joined presence-people":                webhook.MemberAdded{Channel: "presence-people", UserID: "7"},
		"8 left presence-people":                      webhook.MemberRemoved{Channel: "presence-people", UserID: "8"},
		"Alice sent client-typing to presence-people": webhook.ClientEvent{Channel: "presence-people", Event: "client-typing", UserID: "7"},
		"cache-a has no cached event":                 webhook.CacheMiss{Channel: "cache-a"},
		"lobby has 2 subscriptions":                   webhook.SubscriptionCount{Channel: "lobby", Count: 2},
		"webhook.Unknown":                             webhook.Unknown{Name: "new"},
	} {
		if got := l.describe(event); got != want {
			t.Errorf("describe(%#v): got %q, want %q", event, got, want)
		}
	}
}

func TestHookLog_Receive(t *testing.T) {
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		t.Fatal(err)
	}
	l := &hookLog{client: client, sessions: newSessions()}
	hook := &webhook.Webhook{Events: []webhook.Event{webhook.ChannelOccupied{Channel: "a"}, webhook.ChannelVacated{Channel: "a"}}}
	for range maxEntries {
		if err := l.receive(t.Context(), hook); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Fail(pushertest.Failure{Status: http.StatusForbidden}); err != nil {
		t.Fatal(err)
	}
	if err := l.receive(t.Context(), &webhook.Webhook{Events: []webhook.Event{webhook.CacheMiss{Channel: "new"}}}); err == nil {
		t.Error("receive, when publishing fails: got no error")
	}
	if len(l.entries) != maxEntries || l.entries[0].Text != "a is vacant" {
		t.Errorf("got %d entries, the first %+v, want %d, the newest first", len(l.entries), l.entries[0], maxEntries)
	}
}
