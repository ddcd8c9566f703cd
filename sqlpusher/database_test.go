package sqlpusher_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/sqlpusher"
)

// A database is what the tests run against. PostgreSQL is added by
// postgres_test.go, which needs the build tag interop.
type database struct {
	dialect sqlpusher.Dialect
	driver  string
	source  func(testing.TB) string // the data source of an empty database
}

var databases = []database{{sqlpusher.SQLite, "sqlite", func(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "app.db") + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)"
}}}

// beforeTests starts what the tests need. It is set by postgres_test.go.
var beforeTests = func() (stop func(), err error) { return func() {}, nil }

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
		return
	}
	stop, err := beforeTests()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests need PostgreSQL (apt-get install postgresql):", err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

func open(t testing.TB, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(32)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// each runs a test with each database.
func each(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	for _, d := range databases {
		t.Run(d.dialect.String(), func(t *testing.T) { test(t, d) })
	}
}

const masterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

// An app is a store with a server for its events.
type app struct {
	t      testing.TB
	source string
	db     *sql.DB
	store  *sqlpusher.Store
	client *pusher.Client
	server *pushertest.Server
}

// hasHistory is the WithHistory of the tests.
func hasHistory(channel string) bool { return strings.Contains(channel, "orders") }

func newApp(t testing.TB, d database, opts ...sqlpusher.Option) *app {
	t.Helper()
	server := pushertest.NewServer(pushertest.WithIdempotencyKeys(true))
	t.Cleanup(server.Close)
	client, err := pusher.NewFromURL(server.PusherURL(), pusher.WithEncryptionMasterKey(masterKey), pusher.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	source := d.source(t)
	a := &app{t: t, source: source, db: open(t, d.driver, source), client: client, server: server}
	a.store = a.newStore(a.db, d, opts...)
	if err := a.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *app) newStore(db *sql.DB, d database, opts ...sqlpusher.Option) *sqlpusher.Store {
	a.t.Helper()
	opts = append([]sqlpusher.Option{sqlpusher.WithHistory(hasHistory), sqlpusher.WithLogger(slog.New(slog.NewTextHandler(a.t.Output(), nil)))}, opts...)
	store, err := sqlpusher.New(db, d.dialect, a.client, opts...)
	if err != nil {
		a.t.Fatal(err)
	}
	return store
}

// run runs a relay until the test ends or the returned function is called.
func (a *app) run(store *sqlpusher.Store, config sqlpusher.RelayConfig) (stop func()) {
	a.t.Helper()
	relay, err := store.NewRelay(config)
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := relay.Run(ctx); err != nil {
			a.t.Errorf("Run: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	a.t.Cleanup(stop)
	return stop
}

// add adds events in a transaction.
func (a *app) add(events ...pusher.Event) {
	a.t.Helper()
	err := a.store.InTx(context.Background(), func(tx *sql.Tx) error { return a.store.Add(context.Background(), tx, events...) })
	if err != nil {
		a.t.Fatal(err)
	}
}

// wait waits until n events have reached the server, and returns all that have.
func (a *app) wait(n int) []pushertest.Event {
	a.t.Helper()
	a.eventually(fmt.Sprintf("%d events at the server", n), func() bool { return len(a.server.Events()) >= n })
	return a.server.Events()
}

// drained waits until no event is pending.
func (a *app) drained() {
	a.t.Helper()
	a.eventually("no pending event", func() bool { return a.stats().Pending == 0 })
}

func (a *app) stats() sqlpusher.Stats {
	a.t.Helper()
	stats, err := a.store.Stats(context.Background())
	if err != nil {
		a.t.Fatal(err)
	}
	return stats
}

func (a *app) eventually(what string, done func() bool) {
	a.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatalf("timed out: %s; %d events at the server, %+v", what, len(a.server.Events()), a.stats())
		}
	}
}

// text returns the events as lines "channel name data".
func text(events []pushertest.Event) (lines []string) {
	for _, e := range events {
		lines = append(lines, e.Channel+" "+e.Name+" "+e.Data)
	}
	return lines
}

func equal(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
