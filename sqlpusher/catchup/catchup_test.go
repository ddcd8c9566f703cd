package catchup_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
	"github.com/openchannels/pusher-go/sqlpusher"
	"github.com/openchannels/pusher-go/sqlpusher/catchup"
)

type app struct {
	t      *testing.T
	db     *sql.DB
	store  *sqlpusher.Store
	server *pushertest.Server
	url    string // of the history
	status atomic.Int32
	stop   func() // ends the relay
}

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, server: pushertest.NewServer()}
	t.Cleanup(a.server.Close)
	logger := slog.New(slog.DiscardHandler)
	client, err := pusher.NewFromURL(a.server.PusherURL(), pusher.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	a.db, err = sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "app.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.db.Close() })
	a.store, err = sqlpusher.New(a.db, sqlpusher.SQLite, client, sqlpusher.WithHistory(func(string) bool { return true }), sqlpusher.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	relay, err := a.store.NewRelay(sqlpusher.RelayConfig{Retention: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = relay.Run(ctx) })
	a.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(a.stop)
	handler := a.store.Handler(func(r *http.Request, _ string) error {
		if r.Header.Get("Authorization") != "token" {
			return auth.ErrForbidden
		}
		return nil
	})
	history := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := int(a.status.Load()); status != 0 {
			w.WriteHeader(status)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(history.Close)
	a.url = history.URL
	return a
}

func (a *app) add(from, to int) {
	a.t.Helper()
	for from < to {
		var events []pusher.Event
		for ; from < to && len(events) < 1000; from++ {
			events = append(events, pusher.Event{Channel: "orders", Name: "n", Data: from})
		}
		a.addEvents(events...)
	}
}

func (a *app) addEvents(events ...pusher.Event) {
	a.t.Helper()
	err := a.store.InTx(context.Background(), func(tx *sql.Tx) error { return a.store.Add(context.Background(), tx, events...) })
	if err != nil {
		a.t.Error(err)
	}
}

func (a *app) drained() {
	a.t.Helper()
	for {
		stats, err := a.store.Stats(context.Background())
		if err != nil {
			a.t.Fatal(err)
		}
		if stats.Pending == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (a *app) config() catchup.Config {
	return catchup.Config{URL: a.url, Header: http.Header{"Authorization": {"token"}}, Jitter: -1}
}

func (a *app) subscribe(config catchup.Config) *catchup.Channel {
	a.t.Helper()
	conn, err := realtime.Connect(a.t.Context(), a.server.URL+"/app/"+a.server.App().Key,
		realtime.WithBackoff(time.Millisecond, 50*time.Millisecond), realtime.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = conn.Close() })
	channel, err := catchup.Subscribe(a.t.Context(), conn, "orders", config)
	if err != nil {
		a.t.Fatal(err)
	}
	return channel
}

func (a *app) position() catchup.Position {
	a.t.Helper()
	p, err := a.store.Position(a.t.Context(), a.db, "orders")
	if err != nil {
		a.t.Fatal(err)
	}
	return catchup.Position(p)
}

// expect reads events with data from to to.
func (a *app) expect(channel *catchup.Channel, from, to int) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 2*time.Minute)
	defer cancel()
	for ; from < to; from++ {
		event, err := channel.Next(ctx)
		if err != nil {
			a.t.Fatalf("event %d: %v", from, err)
		}
		if got := string(event.Data); got != fmt.Sprint(from) || event.Name != "n" {
			a.t.Fatalf("got %+v with data %s, want %d", event, got, from)
		}
	}
}

func TestChannel(t *testing.T) {
	a := newApp(t)
	a.add(0, 3)
	config := a.config()
	config.Position = a.position()
	a.add(3, 5)
	channel := a.subscribe(config)
	a.expect(channel, 3, 5)
	a.add(5, 8)
	a.expect(channel, 5, 8)
	if got := channel.Position(); got != a.position() {
		t.Errorf("position %+v, want %+v", got, a.position())
	}
	config.Position.Seq = 1
	channel.Seek(config.Position)
	a.expect(channel, 1, 8)
}

// Without a position the events after the first response are returned.
func TestChannel_WithoutPosition(t *testing.T) {
	a := newApp(t)
	a.add(0, 3)
	a.drained()
	channel := a.subscribe(a.config())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if event, err := channel.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v, want no event", event, err)
	}
	a.add(3, 5)
	a.expect(channel, 3, 5)
}

// A thousand missed events arrive within a second of the reconnection.
func TestChannel_ManyMissed(t *testing.T) {
	a := newApp(t)
	config := a.config()
	config.Position = a.position()
	channel := a.subscribe(config)
	a.add(0, 1)
	a.expect(channel, 0, 1)
	a.stop() // the events are in the history only
	a.add(1, 1001)
	a.server.DropConnections()
	began := time.Now()
	a.expect(channel, 1, 1001)
	t.Logf("1,000 events in %v", time.Since(began))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("1,000 events took %v, want 1s on an idle machine", took)
	}
}

func TestChannel_LargeData(t *testing.T) {
	a := newApp(t)
	config := a.config()
	config.Position = a.position()
	channel := a.subscribe(config)
	large := `"` + strings.Repeat("x", 1<<20-2) + `"`
	a.add(0, 1)
	a.addEvents(pusher.Event{Channel: "orders", Name: "large", Data: large})
	a.add(1, 2)
	a.expect(channel, 0, 1)
	if event, err := channel.Next(t.Context()); err != nil || !bytes.Equal(event.Data, []byte(large)) {
		t.Errorf("got %d bytes, error %v, want %d", len(event.Data), err, len(large))
	}
	a.expect(channel, 1, 2)
}

// Deleted events, a new epoch and lost numbers are reported.
func TestChannel_Reload(t *testing.T) {
	tests := map[string]func(a *app){
		"deleted": func(a *app) {
			a.stop()
			a.add(3, 6)
			a.exec("DELETE FROM pusher_events WHERE seq <= 5")
			a.server.DropConnections()
		},
		"new epoch": func(a *app) {
			if err := a.store.NewEpoch(context.Background()); err != nil {
				a.t.Fatal(err)
			}
			a.add(3, 4)
		},
		"restored without a new epoch": func(a *app) {
			a.exec("DELETE FROM pusher_events WHERE seq > 1")
			a.exec("UPDATE pusher_channels SET seq = 1")
			a.add(3, 4)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			config := a.config()
			config.Position = a.position()
			channel := a.subscribe(config)
			a.add(0, 3)
			a.expect(channel, 0, 3)
			a.drained()
			change(a)
			event, err := channel.Next(t.Context())
			if err != nil || !event.Reload || event.Seq != a.position().Seq {
				t.Errorf("got %+v, error %v, want Reload at %d", event, err, a.position().Seq)
			}
			if channel.Position() != a.position() {
				t.Errorf("position %+v, want %+v", channel.Position(), a.position())
			}
		})
	}
}

func (a *app) exec(statement string) {
	a.t.Helper()
	if _, err := a.db.Exec(statement); err != nil {
		a.t.Fatal(err)
	}
}

func TestChannel_EndpointFails(t *testing.T) {
	a := newApp(t)
	config := a.config()
	config.Position = a.position()
	a.add(0, 3)
	a.status.Store(503)
	channel := a.subscribe(config)
	time.AfterFunc(300*time.Millisecond, func() { a.status.Store(0) })
	a.expect(channel, 0, 3)

	config.Header = nil
	var status *catchup.StatusError
	if _, err := a.subscribe(config).Next(t.Context()); !errors.As(err, &status) || status.Status != 403 {
		t.Errorf("error %v, want status 403", err)
	}
	if _, err := catchup.Subscribe(t.Context(), nil, "orders", catchup.Config{URL: "/history"}); !errors.Is(err, realtime.ErrConfiguration) {
		t.Errorf("error %v, want ErrConfiguration", err)
	}
}

// Connections are cut while events are added: every event arrives once and in order.
func TestChannel_Cuts(t *testing.T) {
	cuts := 100
	if os.Getenv("SQLPUSHER_SOAK") != "" {
		cuts = 1000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	a := newApp(t)
	config := a.config()
	config.Position = a.position()
	const subscribers = 5
	var wg sync.WaitGroup
	done := make(chan struct{})
	var last atomic.Int64
	last.Store(1 << 60)
	for range subscribers {
		channel := a.subscribe(config)
		wg.Go(func() {
			for next := int64(0); next < last.Load(); next++ {
				event, err := channel.Next(t.Context())
				if got := string(event.Data); err != nil || got != fmt.Sprint(next) {
					t.Errorf("got %+v with data %s, error %v, want %d", event, got, err, next)
					return
				}
			}
		})
	}
	go func() {
		defer close(done)
		for range cuts / subscribers {
			time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
			a.server.DropConnections()
		}
	}()
	n := 0
	for ended := false; !ended; {
		a.add(n, n+7)
		n += 7
		select {
		case <-done:
			ended = true
		case <-time.After(3 * time.Millisecond):
		}
	}
	last.Store(int64(n + 1))
	a.add(n, n+1)
	wg.Wait()
	t.Logf("%d cuts, %d events for each of %d subscribers", cuts, n+1, subscribers)
}
