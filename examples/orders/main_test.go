package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/realtime"
	"github.com/openchannels/pusher-go/sqlpusher/catchup"
)

// The test runs its own program as the three programs.
func TestMain(m *testing.M) {
	if program := os.Getenv("ORDERS_PROGRAM"); program != "" {
		s := settings{os.Getenv("ORDERS_DATABASE"), os.Getenv("ORDERS_PUSHER"), os.Getenv("ORDERS_WEB")}
		if err := run(context.Background(), []string{program}, s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A subscriber gets every confirmed order once and in order, although all programs
// are killed.
func TestOrders(t *testing.T) {
	s := settings{filepath.Join(t.TempDir(), "orders.db"), freeAddress(t), freeAddress(t)}
	programs := map[string]*exec.Cmd{}
	for _, name := range []string{"pusher", "web", "relay"} {
		programs[name] = start(t, s, name)
	}
	waitFor(t, s.pusher)
	waitFor(t, s.web)
	web := "http://" + s.web

	var position catchup.Position
	resp, err := http.Get(web + "/history?channel=" + channel)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(resp.Body).Decode(&position); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	conn, err := realtime.Connect(t.Context(), "ws://"+s.pusher+"/app/"+app.Key, realtime.WithBackoff(10*time.Millisecond, 100*time.Millisecond), realtime.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	subscriber, err := catchup.Subscribe(t.Context(), conn, channel, catchup.Config{URL: web + "/history", Position: position, Jitter: -1})
	if err != nil {
		t.Fatal(err)
	}

	const orders = 15
	for i := range orders {
		if i%3 == 2 {
			name := []string{"pusher", "web", "relay"}[i/3%3]
			kill(programs[name])
			programs[name] = start(t, s, name)
		}
		waitFor(t, s.web)
		resp, err := http.PostForm(web+"/orders", url.Values{"item": {fmt.Sprint("item ", i)}})
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("order %d: %v, error %v", i, resp, err)
		}
		_ = resp.Body.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range orders {
		event, err := subscriber.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		placed, err := orderPlaced.Decode(string(event.Data))
		if want := fmt.Sprint("item ", i); err != nil || placed.Item != want || placed.ID != int64(i+1) {
			t.Fatalf("got %s, error %v, want %s", event.Data, err, want)
		}
	}
}

func start(t *testing.T, s settings, program string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "ORDERS_PROGRAM="+program, "ORDERS_DATABASE="+s.database, "ORDERS_PUSHER="+s.pusher, "ORDERS_WEB="+s.web)
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(command) })
	return command
}

func kill(program *exec.Cmd) {
	_ = program.Process.Kill()
	_ = program.Wait()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// waitFor waits until a program listens.
func waitFor(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
