//go:build interop

package sqlpusher_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/sqlpusher"
)

// Through PgBouncer in transaction mode, consecutive transactions of a connection are
// executed by different sessions of the server. Prepared statements are disabled in the
// driver, as PgBouncer before 1.21 requires.
func TestPgBouncer(t *testing.T) {
	direct := newDatabase(t)
	a := newApp(t, database{sqlpusher.PostgreSQL, "pgx", func(testing.TB) string { return direct }})
	_, name, _ := strings.Cut(direct, "database=")
	pooled := database{sqlpusher.PostgreSQL, "pgx", func(t testing.TB) string { return startPgBouncer(t, name) }}
	source := pooled.source(t)
	db := open(t, "pgx", source)
	store := a.newStore(db, pooled)
	a.db, a.store = db, store
	stop := a.run(store, quick)
	a.run(a.newStore(db, pooled), quick)
	for i := range 100 {
		a.add(numbered("news", i, i+1)...)
		a.add(numbered("orders-1", i, i+1)...)
	}
	stop()
	a.drained()
	equal(t, data(a.server.Events(), "news"), count(0, 100))
	if got := len(data(a.server.Events(), "orders-1")); got != 100 {
		t.Errorf("%d events with history, want 100", got)
	}
	if first, err := store.Once(t.Context(), db, "id"); err != nil || !first {
		t.Errorf("Once returned %v, %v, want true", first, err)
	}
	if got, want := a.numbers("channel=orders-1&after=98&epoch="+a.epoch("orders-1")), "200 true 100 [99 100]"; got != want {
		t.Errorf("history %s, want %s", got, want)
	}
}

// startPgBouncer returns a data source through PgBouncer in transaction mode with four
// sessions.
func startPgBouncer(t testing.TB, name string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
%s = host=%s dbname=%s user=app
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
`, name, socketDir, name, port)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	command := exec.Command(program, config)
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 { // it refuses root
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		for parent := dir; parent != os.TempDir() && parent != "/"; parent = filepath.Dir(parent) {
			if err := os.Chmod(parent, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	command.SysProcAttr = attributes
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("PgBouncer:\n%s", text)
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("host=127.0.0.1 port=%d user=app database=%s sslmode=disable default_query_exec_mode=exec", port, name)
}
