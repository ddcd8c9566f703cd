package catchup_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/realtime"
	"github.com/openchannels/pusher-go/sqlpusher"
	"github.com/openchannels/pusher-go/sqlpusher/catchup"
)

// example runs an app that has published the prices 1 and 2. The URLs stand for those
// of Pusher and of the app.
func example() (ctx context.Context, pusherURL, historyURL string, stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	server := pushertest.NewServer()
	client, err := pusher.NewFromURL(server.PusherURL())
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "app.db"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlpusher.New(db, sqlpusher.SQLite, client, sqlpusher.WithHistory(func(string) bool { return true }))
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	for price := range 2 {
		if err := store.Add(ctx, db, pusher.Event{Channel: "prices", Name: "changed", Data: price + 1}); err != nil {
			log.Fatal(err)
		}
	}
	history := httptest.NewServer(store.Handler(func(*http.Request, string) error { return nil }))
	return ctx, server.URL + "/app/" + server.App().Key, history.URL, func() {
		cancel()
		history.Close()
		server.Close()
		_ = db.Close()
		_ = os.RemoveAll(dir)
	}
}

// storedPosition returns what the program has saved with its state.
func storedPosition(ctx context.Context, historyURL string) (position catchup.Position) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, historyURL+"?channel=prices", nil)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&position); err != nil {
		log.Fatal(err)
	}
	position.Seq = 0
	return position
}

func Example() {
	ctx, pusherURL, historyURL, stop := example() // pusherURL is realtime.Cluster("eu", key)
	defer stop()
	position := storedPosition(ctx, historyURL)

	conn, err := realtime.Connect(ctx, pusherURL)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	channel, err := catchup.Subscribe(ctx, conn, "prices", catchup.Config{
		URL:      historyURL,
		Header:   http.Header{"Authorization": {"Bearer token"}},
		Position: position, // saved with the state that the events have changed
	})
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range channel.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Reload {
			fmt.Println("load the state again")
			continue
		}
		fmt.Println(event.Seq, event.Name, string(event.Data))
		if event.Seq == 2 {
			break
		}
	}
	fmt.Println(channel.Position().Seq)
	// Output:
	// 1 changed 1
	// 2 changed 2
	// 2
}

// Go back to an earlier position, for example after a failure of the program's own
// database.
func ExampleChannel_Seek() {
	ctx, pusherURL, historyURL, stop := example()
	defer stop()
	position := storedPosition(ctx, historyURL)

	conn, err := realtime.Connect(ctx, pusherURL)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	channel, err := catchup.Subscribe(ctx, conn, "prices", catchup.Config{URL: historyURL, Position: position})
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Unsubscribe()
	for range 3 {
		event, err := channel.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Seq)
		if event.Seq == 2 {
			channel.Seek(position)
		}
	}
	// Output:
	// 1
	// 2
	// 1
}

// The endpoint does not let the program read the channel.
func ExampleStatusError() {
	ctx, pusherURL, _, stop := example()
	defer stop()
	history := httptest.NewServer(http.NotFoundHandler())
	defer history.Close()

	conn, err := realtime.Connect(ctx, pusherURL)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	channel, err := catchup.Subscribe(ctx, conn, "prices", catchup.Config{URL: history.URL})
	if err != nil {
		log.Fatal(err)
	}
	_, err = channel.Next(ctx)
	if failure := new(catchup.StatusError); errors.As(err, &failure) {
		fmt.Println(failure.Status)
	}
	// Output: 404
}
