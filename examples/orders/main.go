// Command orders is an order page that misses nothing. It consists of three programs,
// which share a SQLite database; run each in a terminal of its own:
//
//	go run . pusher   # a Pusher server for development, on port 6001
//	go run . relay    # publishes events
//	go run . web      # the page, http://localhost:8080
//
// Place orders, and kill the programs at will, also with kill -9, or disconnect the
// browser. When they are back, every order that the page has confirmed appears once and
// in order, in all windows.
//
// It is a separate module, so that the client does not depend on a database.
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "modernc.org/sqlite"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/sqlpusher"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], settings{database: "orders.db", pusher: "127.0.0.1:6001", web: "127.0.0.1:8080"}); err != nil {
		log.Fatal(err)
	}
}

type settings struct {
	database    string // file
	pusher, web string // addresses
}

// app is the app of the server for development.
var app = pushertest.App{ID: "1", Key: "orders-key", Secret: "orders-secret"}

const channel = "orders"

// An order is a row of the app, and the data of its event.
type order struct {
	ID   int64  `json:"id"`
	Item string `json:"item"`
}

var orderPlaced = pusher.DefineEvent[order]("order-placed")

func run(ctx context.Context, args []string, s settings) error {
	if len(args) != 1 {
		return errors.New("usage: orders pusher | relay | web")
	}
	switch args[0] {
	case "pusher":
		return runPusher(ctx, s)
	case "relay":
		return runRelay(ctx, s)
	case "web":
		return runWeb(ctx, s)
	}
	return fmt.Errorf("unknown program %q", args[0])
}

func runPusher(ctx context.Context, s settings) error {
	server, err := pushertest.New(pushertest.WithApp(app), pushertest.WithIdempotencyKeys(true), pushertest.WithMaxEvents(1000))
	if err != nil {
		return err
	}
	return serve(ctx, s.pusher, server)
}

// open returns the database with its tables, and the store.
func open(ctx context.Context, s settings) (*sql.DB, *sqlpusher.Store, error) {
	client, err := pusher.NewFromURL(fmt.Sprintf("http://%s:%s@%s/apps/%s", app.Key, app.Secret, s.pusher, app.ID))
	if err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", "file:"+s.database+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)")
	if err != nil {
		return nil, nil, err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS orders (id integer PRIMARY KEY, item text NOT NULL)"); err != nil {
		return nil, nil, err
	}
	store, err := sqlpusher.New(db, sqlpusher.SQLite, client, sqlpusher.WithHistory(func(name string) bool { return name == channel }))
	if err != nil {
		return nil, nil, err
	}
	return db, store, store.Migrate(ctx)
}

func runRelay(ctx context.Context, s settings) error {
	db, store, err := open(ctx, s)
	if err != nil {
		return err
	}
	defer db.Close()
	relay, err := store.NewRelay(sqlpusher.RelayConfig{Publisher: pusher.PublisherConfig{IdempotencyKeys: true}})
	if err != nil {
		return err
	}
	return relay.Run(ctx)
}

//go:embed page.html
var page []byte

func runWeb(ctx context.Context, s settings) error {
	db, store, err := open(ctx, s)
	if err != nil {
		return err
	}
	defer db.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	mux.Handle("GET /catchup.js", sqlpusher.ScriptHandler())
	mux.Handle("GET /history", store.Handler(func(*http.Request, string) error { return nil })) // everybody may read
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		state, err := readState(r.Context(), db, store)
		respond(w, state, err)
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		placed, err := place(r.Context(), store, r.FormValue("item"))
		respond(w, placed, err)
	})
	return serve(ctx, s.web, mux)
}

// place stores an order and its event in one transaction.
func place(ctx context.Context, store *sqlpusher.Store, item string) (order, error) {
	placed := order{Item: item}
	err := store.InTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "INSERT INTO orders (item) VALUES ($1)", item)
		if err != nil {
			return err
		}
		if placed.ID, err = result.LastInsertId(); err != nil {
			return err
		}
		return store.Add(ctx, tx, orderPlaced.On(channel, placed))
	})
	return placed, err
}

// A state is what a page shows, and the position in the events that it belongs to.
type state struct {
	Orders   []order            `json:"orders"`
	Position sqlpusher.Position `json:"position"`
}

func readState(ctx context.Context, db *sql.DB, store *sqlpusher.Store) (*state, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	s := &state{Orders: []order{}}
	if s.Position, err = store.Position(ctx, tx, channel); err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, item FROM orders ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.ID, &o.Item); err != nil {
			return nil, err
		}
		s.Orders = append(s.Orders, o)
	}
	return s, rows.Err()
}

func respond(w http.ResponseWriter, value any, err error) {
	if err != nil {
		log.Print(err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func serve(ctx context.Context, address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log.Printf("http://%s", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
