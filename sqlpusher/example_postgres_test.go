//go:build interop

package sqlpusher_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/sqlpusher"
)

// pgxExample returns a pool for a database, and a client with a server.
func pgxExample() (ctx context.Context, pool *pgxpool.Pool, client *pusher.Client, server *pushertest.Server, stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	name := fmt.Sprintf("example%d", databaseNumber.Add(1))
	db, err := sql.Open("pgx", dataSource("postgres"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		log.Fatal(err)
	}
	if pool, err = pgxpool.New(ctx, dataSource(name)); err != nil {
		log.Fatal(err)
	}
	server = pushertest.NewServer()
	if client, err = pusher.NewFromURL(server.PusherURL()); err != nil {
		log.Fatal(err)
	}
	return ctx, pool, client, server, func() { cancel(); pool.Close(); server.Close() }
}

// With pgx, the relay uses the same pool through package stdlib, and a notification
// wakes it.
func ExampleStore_Statement() {
	ctx, pool, client, server, stop := pgxExample()
	defer stop()

	store, err := sqlpusher.New(stdlib.OpenDBFromPool(pool), sqlpusher.PostgreSQL, client)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	listener, err := pool.Acquire(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(ctx, "LISTEN orders"); err != nil {
		log.Fatal(err)
	}
	relay, err := store.NewRelay(sqlpusher.RelayConfig{Wait: func(ctx context.Context) error {
		_, err := listener.Conn().WaitForNotification(ctx)
		return err
	}})
	if err != nil {
		log.Fatal(err)
	}
	running, stopRelay := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- relay.Run(running) }()

	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		query, args, err := store.Statement(orderPaid.On("shop", order{ID: 1, Total: 12.5}))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "NOTIFY orders")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	waitForEvent(ctx, server, "order-paid")
	stopRelay()
	fmt.Println(<-ended)
	// Output:
	// shop order-paid {"id":1,"total":12.5}
	// <nil>
}
