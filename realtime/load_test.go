package realtime_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
)

// serverVariable makes the test binary a server instead of running tests, so that its
// memory is not counted.
const serverVariable = "REALTIME_TEST_SERVER"

func runServer() {
	server := pushertest.NewServer(pushertest.WithSubscriptionCounting(false))
	fmt.Println(server.PusherURL())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has ended
	server.Close()
}

// startServer runs a pushertest.Server in another process and returns its PUSHER_URL.
func startServer(t testing.TB) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), serverVariable+"=1")
	stdin, err := command.StdinPipe()
	noError(t, "stdin", err)
	stdout, err := command.StdoutPipe()
	noError(t, "stdout", err)
	noError(t, "start server", command.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	noError(t, "read URL", err)
	return strings.TrimSpace(line)
}

// A process can hold 1,000 connections: each gets all events in order, an idle one needs
// little memory, and nothing remains when they are closed.
func TestConn_Load(t *testing.T) {
	const (
		connections = 1000
		events      = 50
		maxMemory   = 30 << 10 // bytes for each connection
	)
	pusherURL := startServer(t)
	client, err := newPublisher(pusherURL)
	noError(t, "pusher.NewFromURL", err)
	appURL := webSocketURL(pusherURL)
	logger := realtime.WithLogger(slog.New(slog.DiscardHandler))
	transport := &http.Transport{} // its pool is closed at the end
	defer transport.CloseIdleConnections()

	before := usage()
	goroutines := runtime.NumGoroutine()
	conns := make([]*realtime.Conn, connections)
	channels := make([]*realtime.Channel, connections)
	forEach(conns, func(i int) {
		conn, err := realtime.Connect(t.Context(), appURL, logger, realtime.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Errorf("Connect: %v", err)
			return
		}
		conns[i] = conn
		if channels[i], err = conn.Subscribe(t.Context(), "news"); err != nil {
			t.Errorf("Subscribe: %v", err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	perConnection := (usage() - before) / connections
	perConnectionGoroutines := float64(runtime.NumGoroutine()-goroutines) / connections
	t.Logf("an idle connection with a subscription needs %.1f KiB and %.2f goroutines", float64(perConnection)/1024, perConnectionGoroutines)
	if !raceEnabled && perConnection > maxMemory {
		t.Errorf("an idle connection needs %d bytes, want at most %d", perConnection, maxMemory)
	}
	if perConnectionGoroutines > 1.1 {
		t.Errorf("an idle connection needs %.2f goroutines, want 1", perConnectionGoroutines)
	}

	var wg sync.WaitGroup
	for _, channel := range channels {
		wg.Go(func() {
			for n := range events {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				event, err := channel.Next(ctx)
				cancel()
				if err != nil || event.Name != fmt.Sprint(n) || event.Dropped != 0 {
					t.Errorf("event %d: got %+v, %v", n, event, err)
					return
				}
			}
		})
	}
	for n := range events {
		_, err := client.Trigger(t.Context(), "news", fmt.Sprint(n), `{"some":"data"}`)
		noError(t, "Trigger", err)
	}
	wg.Wait()

	forEach(conns, func(i int) { _ = conns[i].Close() })
	transport.CloseIdleConnections()
	for deadline := time.Now().Add(limit()); runtime.NumGoroutine() > goroutines+10 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines+10 {
		t.Errorf("%d goroutines after all connections were closed, %d before", n, goroutines)
	}
}

// forEach calls f for all indexes, 50 at a time.
func forEach[T any](list []T, f func(int)) {
	slots := make(chan struct{}, 50)
	var wg sync.WaitGroup
	for i := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}

// usage returns the memory of the heap and of stacks that is in use.
func usage() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}
