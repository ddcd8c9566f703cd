package sqlpusher_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/sqlpusher"
)

// childEnv has the childConfig of a process that runs a relay, which tests kill.
const childEnv = "SQLPUSHER_TEST_CHILD"

type childConfig struct {
	Dialect                   sqlpusher.Dialect
	Driver, Source, PusherURL string
	Keys                      bool
}

func runChild() {
	var config childConfig
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &config); err != nil {
		panic(err)
	}
	db, err := sql.Open(config.Driver, config.Source)
	if err != nil {
		panic(err)
	}
	client, err := pusher.NewFromURL(config.PusherURL, pusher.WithTimeout(time.Second))
	if err != nil {
		panic(err)
	}
	store, err := sqlpusher.New(db, config.Dialect, client, sqlpusher.WithHistory(hasHistory))
	if err != nil {
		panic(err)
	}
	relay, err := store.NewRelay(relayConfig(config.Keys))
	if err != nil {
		panic(err)
	}
	_ = relay.Run(context.Background())
}

func relayConfig(keys bool) sqlpusher.RelayConfig {
	return sqlpusher.RelayConfig{Lease: 3 * time.Second, RequestTimeout: time.Second, Publisher: pusher.PublisherConfig{IdempotencyKeys: keys}}
}

// startRelay runs a relay in another process.
func (a *app) startRelay(d database, keys bool) *exec.Cmd {
	a.t.Helper()
	text, err := json.Marshal(childConfig{d.dialect, d.driver, a.source, a.server.PusherURL(), keys})
	if err != nil {
		a.t.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childEnv+"="+string(text))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if a.t.Failed() {
			a.t.Logf("relay %d:\n%.2000s", command.Process.Pid, stderr.String())
		}
	})
	return command
}

// full reports whether long tests run in full, see make soak.
func full() bool { return os.Getenv("SQLPUSHER_SOAK") != "" }

// tenth returns a tenth of n, or n in full runs.
func tenth(n int) int {
	if full() {
		return n
	}
	return n / 10
}

// random returns a generator with a seed that it prints.
func random(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// A writer adds numbered events in transactions, and remembers when.
type writer struct {
	*app
	mu  sync.Mutex
	txs map[int]*written
	n   atomic.Int64 // events
}

type written struct {
	added, committed time.Time // before Add; after Commit, zero if it is unknown or failed
	events           []string  // "channel number"
}

// transaction adds events in one transaction that may be rolled back.
func (w *writer) transaction(id int, channels []string, rollback bool) {
	record := &written{}
	var events []pusher.Event
	for i, channel := range channels {
		events = append(events, pusher.Event{Channel: channel, Name: "n", Data: []int{id, i}})
		record.events = append(record.events, channel)
	}
	errRollback := errors.New("rollback")
	err := w.store.InTx(context.Background(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(fmt.Sprintf("INSERT INTO done (id) VALUES (%d)", id)); err != nil {
			return err
		}
		record.added = time.Now()
		if err := w.store.Add(context.Background(), tx, events...); err != nil {
			return err
		}
		if rollback {
			return errRollback
		}
		return nil
	})
	if err == nil {
		record.committed = time.Now()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.txs[id] = record
	w.n.Add(int64(len(events)))
}

// published is an event that the server has received: the i-th of a transaction.
type published struct{ tx, i int }

func decode(t testing.TB, e pushertest.Event) (p published, seq int) {
	t.Helper()
	data := e.Data
	if hasHistory(e.Channel) {
		var envelope struct {
			Seq  int
			Data json.RawMessage
		}
		if err := json.Unmarshal([]byte(data), &envelope); err != nil {
			t.Fatal(err)
		}
		seq, data = envelope.Seq, string(envelope.Data)
	}
	var pair [2]int
	if err := json.Unmarshal([]byte(data), &pair); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return published{pair[0], pair[1]}, seq
}

// check compares what the server has received with what was committed, and returns
// the number of duplicates.
func (w *writer) check() (duplicates int) {
	w.t.Helper()
	done := map[int]bool{}
	rows, err := w.db.Query("SELECT id FROM done")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			w.t.Fatal(err)
		}
		done[id] = true
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}

	seen := map[published]bool{}
	newest := map[string]time.Time{} // latest Add of the published events by channel
	seqs := map[string]int{}
	place := map[string]int{} // in the transaction, by channel and transaction
	errs := 0
	fail := func(format string, args ...any) {
		if errs++; errs < 10 {
			w.t.Errorf(format, args...)
		}
	}
	for _, e := range w.server.Events() {
		p, seq := decode(w.t, e)
		if seen[p] {
			duplicates++
			continue
		}
		seen[p] = true
		tx := w.txs[p.tx]
		if !done[p.tx] {
			fail("%s: event %v of a transaction that was rolled back", e.Channel, p)
		}
		if !tx.committed.IsZero() && tx.committed.Before(newest[e.Channel]) {
			fail("%s: event %v is published after one that was added %v after its commit", e.Channel, p, newest[e.Channel].Sub(tx.committed))
		}
		if tx.added.After(newest[e.Channel]) {
			newest[e.Channel] = tx.added
		}
		key := fmt.Sprint(e.Channel, " ", p.tx)
		if p.i < place[key] {
			fail("%s: event %v after number %d of its transaction", e.Channel, p, place[key])
		}
		place[key] = p.i
		if hasHistory(e.Channel) {
			if seqs[e.Channel]++; seq != seqs[e.Channel] {
				fail("%s: number %d is published in place of %d", e.Channel, seq, seqs[e.Channel])
				seqs[e.Channel] = seq
			}
		}
	}
	missing := 0
	for id := range done {
		for i := range w.txs[id].events {
			if !seen[published{id, i}] {
				missing++
			}
		}
	}
	if missing > 0 {
		w.t.Errorf("%d events are lost", missing)
	}
	w.t.Logf("%d transactions committed of %d, %d events published, %d duplicates", len(done), len(w.txs), len(seen), duplicates)
	return duplicates
}

func newWriter(a *app) *writer {
	a.t.Helper()
	if _, err := a.db.Exec("CREATE TABLE done (id integer PRIMARY KEY)"); err != nil {
		a.t.Fatal(err)
	}
	return &writer{app: a, txs: map[int]*written{}}
}

// Relays and connections are killed while concurrent transactions add events.
func TestRelay_Killed(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		for _, keys := range []bool{true, false} {
			t.Run(fmt.Sprintf("keys=%v", keys), func(t *testing.T) { testKilled(t, d, keys) })
		}
	})
}

func testKilled(t *testing.T, d database, keys bool) {
	kills, events := tenth(500), int64(tenth(200_000))
	if d.dialect == sqlpusher.SQLite || !keys && !full() {
		kills, events = kills/5, events/5
	}
	rng := random(t)
	a := newApp(t, d)
	w := newWriter(a)
	relays := make([]*exec.Cmd, 3)
	for i := range relays {
		relays[i] = a.startRelay(d, keys)
	}

	var wg sync.WaitGroup
	var ids, killed atomic.Int64
	for worker := range 6 {
		own := rand.New(rand.NewPCG(rng.Uint64(), uint64(worker)))
		wg.Go(func() {
			for w.n.Load() < events {
				var channels []string
				for range 1 + own.IntN(19) {
					kind := []string{"orders", "news"}[own.IntN(2)]
					channels = append(channels, fmt.Sprintf("%s-%d", kind, own.IntN(250)))
				}
				w.transaction(int(ids.Add(1)), channels, own.IntN(10) == 0)
				// Events are added as long as there are kills.
				for killed.Load()*events < w.n.Load()*int64(kills) && killed.Load() < int64(kills) {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	connections := 0
	for range kills {
		time.Sleep(time.Duration(rng.IntN(600)) * time.Millisecond)
		if rng.IntN(2) == 0 && d.dialect == sqlpusher.PostgreSQL {
			connections++
			_, err := a.db.Exec("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3) AS victims")
			if err != nil && !strings.Contains(err.Error(), "57P01") {
				t.Logf("terminate: %v", err)
			}
		} else {
			i := rng.IntN(len(relays))
			_ = relays[i].Process.Kill()
			_ = relays[i].Wait()
			relays[i] = a.startRelay(d, keys)
		}
		killed.Add(1)
	}
	wg.Wait()
	a.eventually("all events published", func() bool {
		stats, err := a.store.Stats(context.Background())
		return err == nil && stats.Pending == 0
	})
	t.Logf("%d kills, %d of them of connections", kills, connections)
	duplicates := w.check()
	if keys && duplicates > 0 {
		t.Errorf("%d duplicates with idempotency keys, want none", duplicates)
	}
	if limit := kills * 1000; duplicates > limit {
		t.Errorf("%d duplicates, want at most %d", duplicates, limit)
	}
}
