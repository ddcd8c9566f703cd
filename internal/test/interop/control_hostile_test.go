//go:build interop

package interop_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pusher"
)

// TestControl_HostilePages opens pages in Chromium that attack the control API with
// everything that a page can send: none of them reads or changes anything.
func TestControl_HostilePages(t *testing.T) {
	c := startControlled(t)
	address, err := url.Parse(c.Control)
	if err != nil {
		t.Fatal(err)
	}
	client, err := pusher.NewFromURL(c.PusherURL, pusher.WithTimeout(timeout), pusher.WithRetry(pusher.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trigger(t.Context(), "news", "changed", "confidential"); err != nil {
		t.Fatal(err)
	}
	ws, resp, err := websocket.Dial(t.Context(), "ws://"+address.Host+"/app/app-key?protocol=7", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body // must not be closed, it is the connection
	defer func() { _ = ws.CloseNow() }()
	var before, after controlState
	before.read(t, c)
	if len(before.Events) != 1 || len(before.Apps) != 1 || len(before.Connections) != 1 {
		t.Fatalf("%+v, want one event, app and connection", before)
	}

	hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>hostile</title><body></body>"))
	}))
	defer hostile.Close()
	otherPort := strings.TrimPrefix(hostile.URL, "http://127.0.0.1")
	browser := startScript(t, "hostile.cjs")
	browser.mustCall("launch", map[string]any{
		"executable": cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), "timeout": timeout.Milliseconds(),
		"args": []string{"--host-resolver-rules=MAP *.test 127.0.0.1"},
	}, nil)
	defer func() { _ = browser.call("close", nil, nil) }()
	attack := func(t *testing.T, page, target string) map[string]string {
		t.Helper()
		var outcomes map[string]string
		browser.mustCall("attack", map[string]any{"page": page, "target": target, "timeout": timeout.Milliseconds()}, &outcomes)
		if len(outcomes) < 60 {
			t.Fatalf("%d attacks, want all", len(outcomes))
		}
		return outcomes
	}
	for _, test := range []struct{ name, page, target string }{
		{"another site", "http://evil.test" + otherPort, c.Control},
		{"another site, localhost", "http://evil.test" + otherPort, "http://localhost:" + address.Port() + "/control"},
		{"another port", "http://127.0.0.1" + otherPort, c.Control},
		{"another name of this machine", "http://localhost" + otherPort, c.Control},
		// The browser has loaded the page from a server of the attacker, and then the
		// name resolves to this machine: the same origin, for the browser.
		{"DNS rebinding", "http://evil.test:" + address.Port() + "/app", "http://evil.test:" + address.Port() + "/control"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, outcome := range attack(t, test.page, test.target) {
				if kind, _, _ := strings.Cut(outcome, ":"); kind != "blocked" && kind != "rejected" && kind != "sent" {
					t.Errorf("%s: %s", name, outcome)
				}
			}
			after.read(t, c)
			if got, want := encodeJSON(t, after), encodeJSON(t, before); got != want {
				t.Errorf("the page has changed the server to %s, want %s", got, want)
			}
			if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); err != nil {
				t.Errorf("Channels = %v, want no failure and no delay", err)
			}
		})
	}

	// The page of the server itself can do all of it, so the attacks would be noticed.
	t.Run("the console", func(t *testing.T) {
		outcomes := attack(t, "http://"+address.Host+"/console/", c.Control)
		for name, want := range map[string]string{
			"GET /apps/1/events": "succeeded", "GET /apps/1/stream": "succeeded", "iframe /apps": "succeeded",
			"POST /apps": "succeeded", "POST /apps/1/reset": "succeeded", "PUT /apps/1/delay": "succeeded", "DELETE /apps/1": "succeeded",
		} {
			if outcomes[name] != want {
				t.Errorf("%s: %s, want %s", name, outcomes[name], want)
			}
		}
	})
}

// A controlState is what a page could change.
type controlState struct {
	Apps, Events, Connections []json.RawMessage
}

func (s *controlState) read(t *testing.T, c controlled) {
	t.Helper()
	c.get(t, "/apps", s)
	c.get(t, "/apps/1/events", s)
	c.get(t, "/apps/1/connections", s)
}
