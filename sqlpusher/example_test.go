package sqlpusher_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/sqlpusher"
	"github.com/openchannels/pusher-go/webhook"
)

type order struct {
	ID    int     `json:"id"`
	Total float64 `json:"total"`
}

var orderPaid = pusher.DefineEvent[order]("order-paid")

// exampleDB returns a database with a table of the app, a client and a server for it.
func exampleDB() (ctx context.Context, db *sql.DB, client *pusher.Client, server *pushertest.Server, stop func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	db, err = sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE orders (id integer PRIMARY KEY, total real, paid boolean DEFAULT false); INSERT INTO orders (id, total) VALUES (1, 12.5), (2, 99)"); err != nil {
		log.Fatal(err)
	}
	server = pushertest.NewServer()
	if client, err = pusher.NewFromURL(server.PusherURL()); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	return ctx, db, client, server, func() {
		cancel()
		_ = db.Close()
		server.Close()
		_ = os.RemoveAll(dir)
	}
}

// exampleStore returns a store with tables, in which channels that start with
// "private-order-" have history.
func exampleStore() (ctx context.Context, store *sqlpusher.Store, db *sql.DB, server *pushertest.Server, stop func()) {
	ctx, db, client, server, stop := exampleDB()
	store, err := sqlpusher.New(db, sqlpusher.SQLite, client, sqlpusher.WithHistory(isOrder))
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	return ctx, store, db, server, stop
}

func isOrder(channel string) bool { return strings.HasPrefix(channel, "private-order-") }

// runRelay runs a relay until the returned function is called.
func runRelay(ctx context.Context, store *sqlpusher.Store) (stop func()) {
	relay, err := store.NewRelay(sqlpusher.RelayConfig{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = relay.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

// waitForEvent waits until the server has received an event, and prints it.
func waitForEvent(ctx context.Context, server *pushertest.Server, name string) {
	event, err := server.WaitForEvent(ctx, func(e pushertest.Event) bool { return e.Name == name })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Channel, event.Name, event.Data)
}

func Example() {
	ctx, db, client, server, stop := exampleDB()
	defer stop()

	store, err := sqlpusher.New(db, sqlpusher.SQLite, client)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	relay, err := store.NewRelay(sqlpusher.RelayConfig{})
	if err != nil {
		log.Fatal(err)
	}
	go relay.Run(ctx)

	err = store.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE orders SET paid = true WHERE id = $1", 1); err != nil {
			return err
		}
		return store.Add(ctx, tx, orderPaid.On("shop", order{ID: 1, Total: 12.5}))
	})
	if err != nil {
		log.Fatal(err)
	}

	waitForEvent(ctx, server, "order-paid")
	// Output: shop order-paid {"id":1,"total":12.5}
}

func ExampleNew() {
	_, db, client, _, stop := exampleDB()
	defer stop()

	store, err := sqlpusher.New(db, sqlpusher.PostgreSQL, client,
		sqlpusher.WithPrefix("realtime.pusher_"), // schema realtime
		sqlpusher.WithHistory(func(channel string) bool { return strings.HasPrefix(channel, "private-order-") }),
		sqlpusher.WithMaxDataBytes(256<<10),
		sqlpusher.WithLogger(slog.Default()),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(store != nil)
	// Output: true
}

func ExampleStore_Migrations() {
	_, store, _, _, stop := exampleStore()
	defer stop()

	for _, migration := range store.Migrations() {
		fmt.Println(migration.Version, strings.Count(migration.SQL, "CREATE TABLE"), "tables")
	}
	// Output: 1 6 tables
}

func ExampleStore_Once() {
	ctx, store, _, _, stop := exampleStore()
	defer stop()

	handle := func(ctx context.Context, hook *webhook.Webhook) error {
		return store.InTx(ctx, func(tx *sql.Tx) error {
			first, err := store.Once(ctx, tx, hook.ID)
			if err != nil || !first {
				return err
			}
			fmt.Println("change the data of the app in tx")
			return nil
		})
	}
	for range 2 {
		if err := handle(ctx, &webhook.Webhook{ID: "5f1b"}); err != nil {
			log.Fatal(err)
		}
	}
	// Output: change the data of the app in tx
}

func ExampleStore_Duplicates() {
	ctx, store, _, _, stop := exampleStore()
	defer stop()

	verifier, err := webhook.New("278d425bdf160c739803", "7ad3773142a6692b25b8", webhook.WithDuplicateStore(store.Duplicates()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(verifier != nil)

	_, state, err := store.Duplicates().Begin(ctx, "5f1b", time.Minute)
	fmt.Println(state == webhook.Claimed, err)
	// Output:
	// true
	// true <nil>
}

func ExampleStore_Handler() {
	_, store, _, _, stop := exampleStore()
	defer stop()
	userOf := func(r *http.Request) string { return r.Header.Get("User") }

	history := store.Handler(func(r *http.Request, channel string) error {
		if channel != "private-order-"+userOf(r) {
			return auth.ErrForbidden // like the authorization of the subscription
		}
		return nil
	})
	mux := http.NewServeMux()
	mux.Handle("GET /pusher/history", history)
	mux.Handle("GET /catchup.js", sqlpusher.ScriptHandler())

	request := httptest.NewRequest(http.MethodGet, "/pusher/history?channel=private-order-7", nil)
	request.Header.Set("User", "8")
	response := httptest.NewRecorder()
	mux.ServeHTTP(response, request)
	fmt.Println(response.Code)
	// Output: 403
}

func ExampleStore_Position() {
	ctx, store, db, _, stop := exampleStore()
	defer stop()

	// With PostgreSQL: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	position, err := store.Position(ctx, tx, "private-order-7")
	if err != nil {
		log.Fatal(err)
	}
	var total float64
	if err := tx.QueryRowContext(ctx, "SELECT total FROM orders WHERE id = $1", 1).Scan(&total); err != nil {
		log.Fatal(err)
	}
	// Render the page with total and position.
	fmt.Println(total, position.Seq)
	// Output: 12.5 0
}

func ExampleStore_Stats() {
	ctx, store, db, _, stop := exampleStore()
	defer stop()
	if err := store.Add(ctx, db, orderPaid.On("shop", order{ID: 1})); err != nil {
		log.Fatal(err)
	}

	stats, err := store.Stats(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Pending, stats.Failed, stats.Relays, stats.OldestPending < time.Minute)
	// Output: 1 0 0 true
}

func ExampleStore_Failed() {
	ctx, store, db, server, stop := exampleStore()
	defer stop()
	if err := server.Fail(pushertest.Failure{Status: 400, Body: "The data is invalid\n"}); err != nil {
		log.Fatal(err)
	}
	if err := store.Add(ctx, db, orderPaid.On("shop", order{ID: 1})); err != nil {
		log.Fatal(err)
	}
	stopRelay := runRelay(ctx, store)
	for stats, _ := store.Stats(ctx); stats.Failed == 0; stats, _ = store.Stats(ctx) {
		time.Sleep(10 * time.Millisecond)
	}
	stopRelay()

	events, err := store.Failed(ctx, 100)
	if err != nil {
		log.Fatal(err)
	}
	for _, failed := range events {
		fmt.Println(failed.Event.Channel, failed.Event.Name, failed.Error)
		if _, err := store.Resend(ctx, failed.ID); err != nil { // or Discard
			log.Fatal(err)
		}
	}

	defer runRelay(ctx, store)()
	waitForEvent(ctx, server, "order-paid")
	// Output:
	// shop order-paid pusher: Publish: invalid argument: status 400: The data is invalid
	// shop order-paid {"id":1,"total":0}
}

// Give up all failed events.
func ExampleStore_Discard() {
	ctx, store, _, _, stop := exampleStore()
	defer stop()

	failed, err := store.Failed(ctx, 100)
	if err != nil {
		log.Fatal(err)
	}
	var ids []int64
	for _, event := range failed {
		ids = append(ids, event.ID)
	}
	n, err := store.Discard(ctx, ids...)
	fmt.Println(n, err)
	// Output: 0 <nil>
}

func ExampleStore_Clean() {
	ctx, store, _, _, stop := exampleStore()
	defer stop()

	deleted, err := store.Clean(ctx, 7*24*time.Hour)
	fmt.Println(deleted, err)
	// Output: 0 <nil>
}

func ExampleStore_NewEpoch() {
	ctx, store, _, _, stop := exampleStore()
	defer stop()

	// The database was restored from a backup.
	fmt.Println(store.NewEpoch(ctx))
	// Output: <nil>
}

func ExampleRelay() {
	ctx, store, db, server, stop := exampleStore()
	defer stop()
	if err := store.Add(ctx, db, orderPaid.On("private-order-7", order{ID: 1, Total: 12.5})); err != nil {
		log.Fatal(err)
	}

	relay, err := store.NewRelay(sqlpusher.RelayConfig{
		Retention: 7 * 24 * time.Hour,
		Publisher: pusher.PublisherConfig{Concurrency: 16, IdempotencyKeys: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	running, stopRelay := context.WithCancel(ctx) // signal.NotifyContext in a program
	ended := make(chan error)
	go func() { ended <- relay.Run(running) }()

	event, err := server.WaitForEvent(ctx, func(e pushertest.Event) bool { return e.Name == "order-paid" })
	if err != nil {
		log.Fatal(err)
	}
	_, data, _ := strings.Cut(event.Data, `"seq":`)
	fmt.Println(event.Channel, data)
	stopRelay()
	fmt.Println(<-ended)
	// Output:
	// private-order-7 1,"data":{"id":1,"total":12.5}}
	// <nil>
}
