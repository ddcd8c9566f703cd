//go:build interop

package interop_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/pusher"
)

// TestConsoleLoad opens the page of a server with 1,000 connections and 500 events a
// second. The page stays bounded, and forms still work.
func TestConsoleLoad(t *testing.T) {
	const (
		connections = 1000
		events      = 2000 // in 4 seconds
		batch       = 10
	)
	browser := startChromium(t)
	defer func() { _ = browser.call("close", nil, nil) }()
	server := startConsoleServer(t, buildPusherctl(t), "127.0.0.1:0")
	w := openWindow(t, browser, "load", server.url+"/console/", 1440, 900)
	w.click("checkbox", "Log")
	w.waitForText("#status", "Live")

	var dialing sync.WaitGroup
	for worker := range 10 {
		dialing.Go(func() {
			for i := range connections / 10 {
				dialLoad(t, server, fmt.Sprintf("shelf-%d", (worker*connections/10+i)%200))
			}
		})
	}
	dialing.Wait()
	w.waitForText("#total-connections", "1,000")
	w.waitForText("#total-channels", "200")

	sent := make(chan error, 1)
	go func() {
		client := server.client(t)
		ticker := time.NewTicker(time.Second * batch / 500)
		defer ticker.Stop()
		for i := range events / batch {
			<-ticker.C
			var list []pusher.Event
			for j := range batch {
				list = append(list, pusher.Event{Channel: "orders", Name: fmt.Sprintf("order-%d", i*batch+j+1), Data: map[string]any{"id": i, "note": "stays usable"}})
			}
			if _, err := client.TriggerBatch(t.Context(), list); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()

	var rows, elements int
	measure := func() {
		t.Helper()
		w.evaluate(`document.querySelectorAll("#rows > li").length`, &rows)
		w.evaluate(`document.querySelectorAll("*").length`, &elements)
		// 200 rows of 7 elements, and 100 channels and connections each of at most 7.
		if rows > 200 || elements > 4000 {
			t.Fatalf("the page has %d rows and %d elements, want at most 200 and 4,000", rows, elements)
		}
	}
	w.fill("Name", "clicked")
	for running := true; running; {
		select {
		case err := <-sent:
			if err != nil {
				t.Fatalf("TriggerBatch: %v", err)
			}
			running = false
		case <-time.After(200 * time.Millisecond):
			measure()
		}
		if running {
			w.click("button", "Trigger")
			w.waitForText("#trigger output", "Triggered on 1 channel")
		}
	}
	w.waitForText("#rows", fmt.Sprintf("order-%d", events))
	measure()
	if rows != 200 {
		t.Errorf("%d rows, want 200", rows)
	}
	w.fill("Filter by name, channel or data", "clicked")
	w.waitForText("#rows .event", "clicked")
	expectNoMessages(t, browser)
}

// dialLoad opens a WebSocket that is subscribed to a channel, and closes it when the test
// ends.
func dialLoad(t *testing.T, server consoleServer, channel string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), "ws://"+server.host()+"/app/"+shop.Key+"?protocol=7&client=js", nil)
	if err != nil {
		t.Errorf("open a connection: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	text := fmt.Sprintf(`{"event":"pusher:subscribe","data":{"channel":%q}}`, channel)
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Errorf("subscribe: %v", err)
	}
	return conn
}

// readToEnd returns the error that ends a connection.
func readToEnd(ctx context.Context, conn *websocket.Conn) error {
	for {
		_, r, err := conn.Reader(ctx)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
}
