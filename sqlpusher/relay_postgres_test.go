//go:build interop

package sqlpusher_test

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/sqlpusher"
)

// A database that is away for a while: relays wait, log at growing intervals, and
// continue.
func TestRelay_DatabaseGone(t *testing.T) {
	a := newApp(t, postgres)
	log := &lockedBuffer{}
	relays := a.newStore(a.db, postgres, sqlpusher.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	a.run(relays, quick)
	a.add(numbered("c", 0, 10)...)
	a.drained()
	admin := open(t, "pgx", dataSource("postgres"))
	_, name, _ := strings.Cut(a.source, "database=")
	exec := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	time.Sleep(time.Duration(tenth(600)) * 100 * time.Millisecond)
	lines := strings.Count(log.String(), "level=WARN")
	if lines == 0 || lines > 20 {
		t.Errorf("%d log lines, want 1 to 20:\n%s", lines, log)
	}
	exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true")
	a.add(numbered("c", 10, 20)...)
	a.drained()
	equal(t, data(a.server.Events(), "c"), count(0, 20))
}

// Processes with relays are stopped for longer than their lease, and continue.
func TestRelay_Stopped(t *testing.T) {
	a := newApp(t, postgres)
	relays := []*exec.Cmd{a.startRelay(postgres, true), a.startRelay(postgres, true)}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	const channels = 8
	added := make([]int, channels)
	for c := range channels {
		wg.Go(func() {
			for ; ctx.Err() == nil; added[c]++ {
				a.add(numbered(fmt.Sprint("c", c), added[c], added[c]+1)...)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for i := range 3 {
		time.Sleep(time.Second)
		process := relays[i%2].Process
		if err := process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // the lease has 3
		if err := process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wg.Wait()
	a.drained()
	for c := range channels {
		equal(t, data(a.server.Events(), fmt.Sprint("c", c)), count(0, added[c]))
	}
}
