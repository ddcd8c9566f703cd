//go:build interop

package sqlpusher_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/sqlpusher"
)

// insert runs transactions of n inserted rows for a while, in 8 goroutines, and returns
// the rows per second. It is the floor of Add.
func insert(a *app, d time.Duration, n int) float64 {
	return load(a, d, n, func(tx *sql.Tx, channel int) error {
		for range n {
			if _, err := tx.Exec("INSERT INTO bare (channel, data) VALUES ($1, $2)", fmt.Sprint("c", channel), []byte(`{"eur":9.5}`)); err != nil {
				return err
			}
		}
		return nil
	})
}

// load runs transactions with n events each.
func load(a *app, d time.Duration, n int, f func(tx *sql.Tx, channel int) error) float64 {
	a.t.Helper()
	var total atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; time.Since(began) < d; i++ {
				if err := a.store.InTx(context.Background(), func(tx *sql.Tx) error { return f(tx, i%500) }); err != nil {
					a.t.Error(err)
					return
				}
				total.Add(int64(n))
			}
		})
	}
	wg.Wait()
	return float64(total.Load()) / time.Since(began).Seconds()
}

// publishAll adds events as fast as possible, and returns how many a second are added
// and accepted by the server.
func publishAll(a *app, d time.Duration, n int, channel func(tx, i int) string) float64 {
	a.t.Helper()
	a.server.Reset()
	began := time.Now()
	var added atomic.Int64
	load(a, d, n, func(tx *sql.Tx, c int) error {
		added.Add(int64(n))
		events := make([]pusher.Event, n)
		for i := range events {
			events[i] = pusher.Event{Channel: channel(c, i), Name: "n", Data: map[string]float64{"eur": 9.5}}
		}
		return a.store.Add(context.Background(), tx, events...)
	})
	for len(a.server.Events()) < int(added.Load()) { // Stats would read dead rows
		time.Sleep(50 * time.Millisecond)
	}
	return float64(added.Load()) / time.Since(began).Seconds()
}

// delay returns the median time from the commit of a single event to its publication.
func delay(a *app, store *sqlpusher.Store, n int) time.Duration {
	a.t.Helper()
	var delays []time.Duration
	for i := range n {
		a.server.Reset()
		err := store.InTx(context.Background(), func(tx *sql.Tx) error {
			return store.Add(context.Background(), tx, pusher.Event{Channel: "single", Name: "n", Data: i})
		})
		if err != nil {
			a.t.Fatal(err)
		}
		committed := time.Now()
		for len(a.server.Events()) == 0 {
			time.Sleep(100 * time.Microsecond)
		}
		delays = append(delays, time.Since(committed))
		time.Sleep(time.Duration(i*7%40) * time.Millisecond)
	}
	slices.Sort(delays)
	return delays[len(delays)/2]
}

func spread(tx, i int) string  { return fmt.Sprint("c", (tx*10+i)%500) }
func history(tx, i int) string { return fmt.Sprint("orders-", (tx*10+i)%500) }
func hot(int, int) string      { return "orders-hot" }

func newSpeedApp(t *testing.T) *app {
	a := newApp(t, postgres)
	if _, err := a.db.Exec("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, channel text NOT NULL, data bytea NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	return a
}

// The figures of a full run are in docs/never-lose-an-event.md. Ratios are to INSERTs of
// as many rows in transactions of the same size. A shared machine proves nothing, so
// only gross regressions fail.
func TestSpeed(t *testing.T) {
	d := time.Duration(tenth(200)) * 100 * time.Millisecond
	a := newSpeedApp(t)
	a.run(a.store, sqlpusher.RelayConfig{})
	second := a.newStore(a.db, postgres) // of another process, which does not wake the relay
	measure := func(when string) (tens float64, median time.Duration) {
		for _, m := range []struct {
			name    string
			n       int
			channel func(int, int) string
		}{{"without history", 10, spread}, {"without history", 1, spread}, {"with history", 10, history}, {"with history", 1, history}, {"one channel with history", 1, hot}} {
			bare := insert(a, d/4, m.n)
			got := publishAll(a, d, m.n, m.channel)
			t.Logf("%s, %s, %d per transaction: %.0f events/s from Add to acceptance, bare INSERTs %.0f rows/s, ratio %.2f", when, m.name, m.n, got, bare, bare/got)
			if m.n == 10 && tens == 0 {
				tens = got
			}
		}
		woken, polled := delay(a, a.store, tenth(500)), delay(a, second, tenth(500))
		t.Logf("%s: median delay %v if the process of the relay adds the event, %v if another one does", when, woken, polled)
		return tens, max(woken, polled)
	}
	tens, median := measure("new tables")
	if tens < 500 || median > 500*time.Millisecond {
		t.Errorf("%.0f events/s, median delay %v: want 3,000 and 50ms on an idle machine", tens, median)
	}

	old := tenth(10_000_000)
	_, err := a.db.Exec(fmt.Sprintf(`INSERT INTO pusher_events (shard, state, channel, seq, name, data, socket_id, idempotency_key, tx)
SELECT i %% 16, 2, 'orders-old' || i %% 500, i / 500 + 1, 'n', '{"eur":9.5}', '', '', NULL FROM generate_series(1, %d) AS i`, old))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.db.Exec("VACUUM (ANALYZE) pusher_events"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.db.Exec("CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	oldTens, _ := measure(fmt.Sprintf("%d old rows", old))
	if oldTens < tens/2 {
		t.Errorf("%.0f events/s with old rows, %.0f without: want at most 20 %% less on an idle machine", oldTens, tens)
	}
}

// A writing transaction stays open, with an event in it. The relay publishes all events
// meanwhile; the rates are printed, and compared in the full run on a quiet machine.
func TestRelay_OpenTransaction(t *testing.T) {
	a := newSpeedApp(t)
	stop := a.run(a.store, sqlpusher.RelayConfig{})
	before := publishAll(a, 5*time.Second, 10, spread)
	tx, err := a.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := a.store.Add(context.Background(), tx, pusher.Event{Channel: "late", Name: "n"}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var late []float64 // rates in the second half
	end := time.Duration(tenth(600)) * time.Second
	for time.Since(began) < end {
		rate := publishAll(a, 5*time.Second, 10, spread)
		if time.Since(began) > end/2 {
			late = append(late, rate)
		}
		t.Logf("%v after the transaction began: %.0f events/s, %.0f before", time.Since(began).Round(time.Second), rate, before)
	}
	slices.Sort(late)
	if median := late[len(late)/2]; full() && median < before/2 {
		t.Errorf("%.0f events/s in the second half, %.0f before: want at least half", median, before)
	}
	stop()
	a.server.Reset()
	began = time.Now()
	a.run(a.store, sqlpusher.RelayConfig{})
	a.add(pusher.Event{Channel: "early", Name: "n"})
	a.wait(1)
	t.Logf("a relay that starts now publishes after %v", time.Since(began).Round(time.Millisecond))
	a.server.Reset()
	began = time.Now()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	a.wait(1)
	t.Logf("the event of the transaction is published %v after its commit", time.Since(began).Round(time.Millisecond))
	a.drained()
}
