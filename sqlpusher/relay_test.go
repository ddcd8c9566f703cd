package sqlpusher_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/sqlpusher"
)

// quick is a lease for tests in which a relay dies.
var quick = sqlpusher.RelayConfig{Lease: 3 * time.Second, RequestTimeout: time.Second}

func numbered(channel string, from, to int) (events []pusher.Event) {
	for i := from; i < to; i++ {
		events = append(events, pusher.Event{Channel: channel, Name: "n", Data: i})
	}
	return events
}

// data returns the data of the events on the channel.
func data(events []pushertest.Event, channel string) (list []string) {
	for _, e := range events {
		if e.Channel == channel {
			list = append(list, e.Data)
		}
	}
	return list
}

func count(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

// An event that is rejected because of its content does not stop its channel.
func TestRelay_Rejected(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			each(t, func(t *testing.T, d database) {
				a := newApp(t, d)
				rejected := &atomic.Bool{}
				rejected.Store(true)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if err := a.server.FailContext(ctx, pushertest.Failure{Status: status, Body: "no", Match: func(r *http.Request) bool {
					return rejected.Load() && strings.Contains(body(r), `"bad"`)
				}}); err != nil {
					t.Fatal(err)
				}
				a.run(a.store, sqlpusher.RelayConfig{})
				a.add(pusher.Event{Channel: "c", Name: "n", Data: 1}, pusher.Event{Channel: "c", Name: "bad", Data: 2}, pusher.Event{Channel: "c", Name: "n", Data: 3})
				a.drained()
				equal(t, data(a.server.Events(), "c"), []string{"1", "3"})
				list, err := a.store.Failed(t.Context(), 10)
				if err != nil || len(list) != 1 || list[0].Event.Name != "bad" || !strings.Contains(list[0].Error, fmt.Sprint(status)) || time.Since(list[0].Added) > time.Minute {
					t.Fatalf("Failed returned %+v, error %v, want the bad event", list, err)
				}
				if stats := a.stats(); stats.Failed != 1 || stats.Relays != 1 {
					t.Errorf("%+v, want 1 failed event and 1 relay", stats)
				}
				rejected.Store(false)
				if n, err := a.store.Resend(t.Context(), list[0].ID, 12345); err != nil || n != 1 {
					t.Errorf("Resend returned %d, error %v, want 1", n, err)
				}
				if stats := a.stats(); stats.Failed != 0 || stats.Pending != 1 {
					t.Errorf("%+v, want 1 pending event", stats)
				}
			})
		})
	}
}

func TestStore_Resend(t *testing.T) {
	a := newApp(t, databases[0])
	stop := a.run(a.store, sqlpusher.RelayConfig{})
	if err := a.server.Fail(pushertest.Failure{Status: 400, Body: "no", Times: 2}); err != nil {
		t.Fatal(err)
	}
	a.add(pusher.Event{Channel: "news", Name: "n", Data: 1})
	a.drained()
	a.add(pusher.Event{Channel: "orders", Name: "n", Data: 1})
	a.drained()
	stop()
	list, err := a.store.Failed(t.Context(), 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("Failed returned %+v, error %v, want 2 events", list, err)
	}
	if n, err := a.store.Resend(t.Context(), list[0].ID); err != nil || n != 1 {
		t.Errorf("Resend returned %d, %v, want 1", n, err)
	}
	if n, err := a.store.Discard(t.Context(), list[1].ID); err != nil || n != 1 {
		t.Errorf("Discard returned %d, %v, want 1", n, err)
	}
	a.run(a.store, sqlpusher.RelayConfig{})
	a.drained()
	if got := a.server.Events(); len(got) != 1 || got[0].Channel != list[0].Event.Channel {
		t.Errorf("events %v, want the one that was sent again", text(got))
	}
	if stats := a.stats(); stats.Failed != 0 {
		t.Errorf("%+v, want no failed event", stats)
	}
}

func body(r *http.Request) string {
	var b strings.Builder
	buf := make([]byte, 1<<16)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

// Failures that are not the event's fault keep events pending, in order.
func TestRelay_Pending(t *testing.T) {
	for _, status := range []int{401, 402, 403, 404, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			each(t, func(t *testing.T, d database) {
				a := newApp(t, d)
				ctx, recover := context.WithCancel(t.Context())
				defer recover()
				var requests atomic.Int32
				if err := a.server.FailContext(ctx, pushertest.Failure{Status: status, Body: "no", Match: func(*http.Request) bool { requests.Add(1); return true }}); err != nil {
					t.Fatal(err)
				}
				a.run(a.store, sqlpusher.RelayConfig{})
				for i := range 30 {
					a.add(pusher.Event{Channel: "c", Name: "n", Data: i})
				}
				a.eventually("some requests", func() bool { return requests.Load() >= 3 })
				if stats := a.stats(); stats.Pending != 30 || stats.Failed != 0 {
					t.Errorf("%+v, want 30 pending events", stats)
				}
				recover()
				a.drained()
				equal(t, data(a.server.Events(), "c"), count(0, 30))
			})
		})
	}
}

// Two relays share the channels, and a third one replaces those that end.
func TestRelay_Share(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		stop1 := a.run(a.store, quick)
		stop2 := a.run(a.newStore(a.db, d), quick)
		held := func() string {
			rows, err := a.db.QueryContext(t.Context(), "SELECT count(*) FROM pusher_shards JOIN pusher_relays ON id = relay GROUP BY relay ORDER BY 1")
			if err != nil {
				return err.Error()
			}
			defer func() { _ = rows.Close() }()
			var list []int
			for rows.Next() {
				var n int
				if err := rows.Scan(&n); err != nil {
					return err.Error()
				}
				list = append(list, n)
			}
			if err := rows.Err(); err != nil {
				return err.Error()
			}
			return fmt.Sprint(list)
		}
		a.eventually("two relays share", func() bool { return held() == "[8 8]" })
		var wg sync.WaitGroup
		for c := range 40 {
			wg.Go(func() {
				for i := range 20 {
					a.add(numbered(fmt.Sprint("c", c), i, i+1)...)
				}
			})
		}
		stop1()
		a.run(a.newStore(a.db, d), quick)
		a.eventually("the third relay takes its share", func() bool { return held() == "[8 8]" })
		stop2()
		a.eventually("one relay has all", func() bool { return held() == "[16]" })
		wg.Wait()
		a.drained()
		for c := range 40 {
			equal(t, data(a.server.Events(), fmt.Sprint("c", c)), count(0, 20))
		}
	})
}

// A relay whose lease was taken, because it was paused, sends nothing more.
func TestRelay_Paused(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		a.run(a.store, quick)
		a.add(numbered("c", 0, 1)...)
		a.drained()
		// What another relay does when the lease has ended.
		if _, err := a.db.ExecContext(t.Context(), "DELETE FROM pusher_relays"); err != nil {
			t.Fatal(err)
		}
		a.eventually("the relay registers again", func() bool { return a.stats().Relays == 1 })
		a.add(numbered("c", 1, 2)...)
		a.drained()
		equal(t, data(a.server.Events(), "c"), count(0, 2))
	})
}

// A relay notices that the database was replaced by an older copy, and does not rely on
// what it has read.
func TestRelay_Restored(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		a.run(a.store, quick)
		a.add(numbered("c", 0, 100)...)
		a.drained()
		a.eventually("some renewals", func() bool {
			var beat int
			err := a.db.QueryRowContext(t.Context(), "SELECT coalesce(max(beat), 0) FROM pusher_relays").Scan(&beat)
			return err == nil && beat > 2
		})
		// The lease and the sequence of IDs are as in the backup.
		restart := "ALTER TABLE pusher_events ALTER COLUMN id RESTART WITH 1"
		if d.dialect == sqlpusher.SQLite {
			restart = "DELETE FROM sqlite_sequence"
		}
		for _, statement := range []string{restart, "UPDATE pusher_relays SET beat = 1"} {
			if _, err := a.db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		a.add(numbered("c", 100, 102)...)
		a.drained()
		equal(t, data(a.server.Events(), "c"), count(0, 102))
	})
}

// A database that is away does not end a relay.
func TestRelay_DatabaseAway(t *testing.T) {
	d := databases[0]
	a := newApp(t, d)
	log := &lockedBuffer{}
	store := a.newStore(a.db, d, sqlpusher.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	a.run(store, quick)
	a.add(numbered("c", 0, 1)...)
	a.drained()
	if _, err := a.db.ExecContext(t.Context(), "ALTER TABLE pusher_meta RENAME TO away"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	lines := strings.Count(log.String(), "read events")
	if lines == 0 || lines > 8 {
		t.Errorf("%d log lines in 3 s, want 1 to 8:\n%s", lines, log)
	}
	if _, err := a.db.ExecContext(t.Context(), "ALTER TABLE away RENAME TO pusher_meta"); err != nil {
		t.Fatal(err)
	}
	a.add(numbered("c", 1, 2)...)
	a.drained()
	equal(t, data(a.server.Events(), "c"), count(0, 2))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// The wait function makes the relay read at once.
func TestRelay_Wait(t *testing.T) {
	a := newApp(t, databases[0])
	notify := make(chan struct{}, 1)
	a.run(a.store, sqlpusher.RelayConfig{PollInterval: time.Hour, Wait: func(ctx context.Context) error {
		select {
		case <-notify:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	a.eventually("the relay has registered", func() bool { return a.stats().Relays == 1 })
	time.Sleep(100 * time.Millisecond)
	if err := a.store.Add(t.Context(), a.db, numbered("c", 0, 1)...); err != nil {
		t.Fatal(err)
	}
	a.eventually("published", func() bool { notify <- struct{}{}; return len(a.server.Events()) == 1 })
}

// SQLite has one writer. While the app writes in immediate transactions all the time,
// the relay publishes.
func TestRelay_BusyWriter(t *testing.T) {
	a := newApp(t, databases[0])
	a.run(a.store, quick)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_ = a.store.InTx(context.Background(), func(*sql.Tx) error { time.Sleep(5 * time.Millisecond); return errors.New("roll back") })
			}
		})
	}
	for i := range 50 {
		a.add(numbered("c", i, i+1)...)
	}
	a.drained()
	stop()
	wg.Wait()
	equal(t, data(a.server.Events(), "c"), count(0, 50))
}

func TestStore_NewRelay_Invalid(t *testing.T) {
	a := newApp(t, databases[0])
	for name, config := range map[string]sqlpusher.RelayConfig{
		"short lease":       {Lease: 6 * time.Second},
		"negative interval": {PollInterval: -1},
		"publisher":         {Publisher: pusher.PublisherConfig{Concurrency: -1}},
	} {
		if _, err := a.store.NewRelay(config); !errors.Is(err, pusher.ErrConfiguration) {
			t.Errorf("%s: error %v, want ErrConfiguration", name, err)
		}
	}
}
