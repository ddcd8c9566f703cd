// A program that uses module sqlpusher: an event of a transaction reaches a subscriber
// that was not connected when it was published.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
	"github.com/openchannels/pusher-go/sqlpusher"
	"github.com/openchannels/pusher-go/sqlpusher/catchup"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := pushertest.NewServer()
	defer server.Close()
	client, err := pusher.NewFromURL(server.PusherURL())
	check(err)
	dir, err := os.MkdirTemp("", "stranger")
	check(err)
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	check(err)
	defer db.Close()

	store, err := sqlpusher.New(db, sqlpusher.SQLite, client, sqlpusher.WithHistory(func(string) bool { return true }))
	check(err)
	check(store.Migrate(ctx))
	position, err := store.Position(ctx, db, "orders")
	check(err)
	check(store.InTx(ctx, func(tx *sql.Tx) error {
		return store.Add(ctx, tx, pusher.Event{Channel: "orders", Name: "paid", Data: 1})
	}))
	relay, err := store.NewRelay(sqlpusher.RelayConfig{})
	check(err)
	go relay.Run(ctx)
	_, err = server.WaitForEvent(ctx, func(pushertest.Event) bool { return true })
	check(err)

	history := httptest.NewServer(store.Handler(func(*http.Request, string) error { return nil }))
	defer history.Close()
	conn, err := realtime.Connect(ctx, server.URL+"/app/"+server.App().Key)
	check(err)
	defer conn.Close()
	channel, err := catchup.Subscribe(ctx, conn, "orders", catchup.Config{URL: history.URL, Position: catchup.Position(position)})
	check(err)
	event, err := channel.Next(ctx)
	check(err)
	fmt.Println(event.Seq, event.Name, string(event.Data))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
