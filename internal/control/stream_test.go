package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/openchannels/pusher-go/internal/control"
	"github.com/openchannels/pusher-go/internal/control/api"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
)

// dial opens a WebSocket and reads its first message.
func dial(t testing.TB, s served, key string) *websocket.Conn {
	t.Helper()
	ws, resp, err := websocket.Dial(t.Context(), s.URL+"/app/"+key+"?protocol=7&client=js", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body // must not be closed, it is the connection
	t.Cleanup(func() { _ = ws.CloseNow() })
	if _, _, err := ws.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ws
}

// A lines reads a stream.
type lines struct {
	t       testing.TB
	scanner *bufio.Scanner
	skipped int
}

// stream opens the stream of the app over a connection with a receive buffer of 64 KiB.
func (s served) stream() *lines {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), timeout)
	s.t.Cleanup(cancel)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok {
			err = tcp.SetReadBuffer(64 << 10)
		}
		return conn, err
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/control/apps/1/stream", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "application/x-ndjson" {
		s.t.Fatalf("GET stream = %d %s, want 200 and application/x-ndjson", resp.StatusCode, got)
	}
	scanner := bufio.NewScanner(resp.Body)
	scanner.Buffer(nil, 1<<20)
	return &lines{t: s.t, scanner: scanner}
}

// next returns the next line that is not empty.
func (l *lines) next() (line api.StreamLine, ok bool) {
	l.t.Helper()
	for l.scanner.Scan() {
		if l.scanner.Text() == "" {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(l.scanner.Text()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&line); err != nil {
			l.t.Fatalf("line %s: %v", l.scanner.Text(), err)
		}
		if line.Event.Name == "" && line.Log.Message == "" && line.Skipped == 0 {
			l.t.Errorf("line %s has no property", l.scanner.Text())
		}
		l.skipped += line.Skipped
		return line, true
	}
	return line, false
}

// find skips lines until match returns true.
func (l *lines) find(what string, match func(api.StreamLine) bool) api.StreamLine {
	l.t.Helper()
	for line, ok := l.next(); ok; line, ok = l.next() {
		if match(line) {
			return line
		}
	}
	l.t.Fatalf("the stream ended without %s: %v", what, l.scanner.Err())
	return api.StreamLine{}
}

func (l *lines) findEvent(data string) {
	l.t.Helper()
	l.find("the event "+data, func(line api.StreamLine) bool { return line.Event.Data == data })
}

func (l *lines) findLog(message string) api.LogLine {
	l.t.Helper()
	return l.find("the log line "+message, func(line api.StreamLine) bool { return line.Log.Message == message }).Log
}

func TestStream(t *testing.T) {
	s := serve(t, control.Guard{})
	client := s.client(s.pusherURL())
	must(t)(client.Trigger(t.Context(), "news", "changed", "before"))
	wrong := s.client(strings.Replace(s.pusherURL(), testApp.Secret, "wrong", 1))
	if _, err := wrong.Trigger(t.Context(), "news", "changed", 1); err == nil {
		t.Fatal("Trigger with a wrong secret: no error")
	}

	first, second := s.stream(), s.stream()
	for _, stream := range []*lines{first, second} {
		event, rejection := false, api.LogLine{}
		for !event || rejection.Message == "" { // events and log lines are in no order
			line, ok := stream.next()
			if !ok {
				t.Fatalf("the stream ended: %v", stream.scanner.Err())
			}
			event = event || line.Event.Data == "before"
			if line.Log.Message != "" {
				rejection = line.Log
			}
		}
		if a := rejection.Attributes; rejection.Level != api.LogLineLevelWARN || rejection.Message != "request rejected" || a["status"] != "401" || a["path"] != "/apps/1/events" {
			t.Errorf("log line = %+v, want the rejection", rejection)
		}
	}
	// Lines of level debug are logged because the stream is open.
	must(t)(client.Trigger(t.Context(), "news", "changed", "after"))
	first.findEvent("after")
	if line := second.findLog("event triggered"); line.Level != api.LogLineLevelDEBUG || line.Attributes["channel"] != "news" {
		t.Errorf("log line = %+v, want the event on news", line)
	}
	dial(t, s, "app-key")
	second.findLog("connection opened")

	s.must("DELETE", "/apps/1", "", nil)
	for line, ok := first.next(); ok; line, ok = first.next() {
		if line.Event.Data != "" {
			t.Errorf("unexpected event %+v", line.Event)
		}
	}
	if err := first.scanner.Err(); err != nil {
		t.Errorf("the stream of a deleted app ended with %v, want its end", err)
	}
}

// A stream begins with the last 200 lines of those that the terminal has shown.
func TestStream_Log(t *testing.T) {
	s := serve(t, control.Guard{}) // logs at level warn
	must(t)(s.client(s.pusherURL()).Trigger(t.Context(), "news", "changed", "quiet"))
	for n := range 250 {
		if status, _ := s.raw(fmt.Sprintf("GET /apps/1/lines/%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", n)); status.StatusCode != http.StatusNotFound {
			t.Fatalf("GET = %d, want 404", status.StatusCode)
		}
	}
	stream := s.stream()
	for n := 50; n < 250; n++ {
		want := fmt.Sprintf("/apps/1/lines/%d", n)
		line := stream.find("a log line", func(line api.StreamLine) bool { return line.Log.Message != "" })
		if line.Log.Attributes["path"] != want {
			t.Fatalf("log line = %+v, want that of %s", line.Log, want)
		}
	}
}

// Secrets and signatures never get into a stream.
func TestStream_Secrets(t *testing.T) {
	s := serve(t, control.Guard{})
	stream := s.stream()
	wrong := s.client(strings.Replace(s.pusherURL(), testApp.Secret, "another-secret", 1))
	if _, err := wrong.Trigger(t.Context(), "news", "changed", 1); err == nil {
		t.Fatal("Trigger with a wrong secret: no error")
	}
	stream.findLog("request rejected")
	if text := stream.scanner.Text(); strings.Contains(text, "another-secret") || strings.Contains(text, testApp.Secret) || strings.Contains(text, "auth_signature=") {
		t.Errorf("log line has a secret or a signature: %s", text)
	}
}

// A stream that is read while several clients publish neither blocks them nor ends.
func TestStream_Busy(t *testing.T) {
	s := serve(t, control.Guard{})
	stream := s.stream()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			client := s.client(s.pusherURL())
			for range 100 {
				if _, err := client.TriggerBatch(t.Context(), slices.Repeat([]pusher.Event{{Channel: "busy", Name: "changed", Data: "x"}}, 10)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	published := make(chan error, 1)
	go func() {
		wg.Wait()
		_, err := s.client(s.pusherURL()).Trigger(t.Context(), "busy", "changed", "last")
		published <- err
	}()
	stream.findEvent("last")
	if err := <-published; err != nil {
		t.Error(err)
	}
}

// A client that does not read its stream slows nobody down. It is told how many lines it
// has missed, and gets the latest ones.
func TestStream_SlowReader(t *testing.T) {
	s := serve(t, control.Guard{}, pushertest.WithSubscriptionCounting(false))
	stream := s.stream()
	const connections = 1000
	var wg sync.WaitGroup
	opened := make(chan *websocket.Conn, connections)
	for range 20 {
		wg.Go(func() {
			for range connections / 20 {
				ws := dial(t, s, "app-key")
				if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"event":"pusher:subscribe","data":{"channel":"news"}}`)); err != nil {
					t.Error(err)
				}
				if _, _, err := ws.Read(t.Context()); err != nil { // subscription_succeeded
					t.Error(err)
				}
				opened <- ws
			}
		})
	}
	wg.Wait()
	client := s.client(s.pusherURL())
	data := strings.Repeat("x", 1000)
	for range 150 { // 3,000 lines of the stream, with those of the log
		var batch []pusher.Event
		for range 10 {
			batch = append(batch, pusher.Event{Channel: "unread", Name: "changed", Data: data})
		}
		must(t)(client.TriggerBatch(t.Context(), batch))
	}
	must(t)(client.Trigger(t.Context(), "news", "changed", "last"))
	for range connections {
		if _, text, err := (<-opened).Read(t.Context()); err != nil || !strings.Contains(string(text), "last") {
			t.Fatalf("a subscriber read %s, %v, want the event", text, err)
		}
	}
	var list api.ConnectionList
	s.must("GET", "/apps/1/connections", "", &list)
	if list.Total != connections || len(list.Connections) != 100 {
		t.Errorf("%d connections, %d of them listed, want 1000 and 100", list.Total, len(list.Connections))
	}

	stream.findEvent("last")
	if stream.skipped == 0 {
		t.Error("the stream has skipped no lines, want a line with their number")
	}
	t.Log("skipped lines:", stream.skipped)
}
