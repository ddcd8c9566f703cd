//go:build interop

package sqlpusher_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/openchannels/pusher-go/sqlpusher"
)

func init() {
	databases = append(databases, postgres)
	beforeTests = startPostgres
}

var postgres = database{sqlpusher.PostgreSQL, "pgx", newDatabase}

// socketDir is the folder of the server's socket.
var socketDir string

var databaseNumber atomic.Int32

// startPostgres runs a server in a temporary folder, as an ordinary user: as the user
// postgres if the test is run by root. SQLPUSHER_INITDB is the initdb of another version
// than the installed one.
func startPostgres() (stop func(), err error) {
	initdb, err := exec.LookPath(cmp.Or(os.Getenv("SQLPUSHER_INITDB"), "initdb"))
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) == 0 {
			return nil, err
		}
		initdb = found[len(found)-1]
	}
	if socketDir, err = os.MkdirTemp("", "sqlpusher"); err != nil {
		return nil, err
	}
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(socketDir, uid, gid); err != nil {
			return nil, err
		}
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(socketDir, "data")
	create := exec.Command(initdb, "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--no-locale")
	create.Dir, create.SysProcAttr = socketDir, attributes
	if out, err := create.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server := exec.Command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-k", socketDir, "-h", "", "-c", "max_connections=200")
	server.Dir, server.SysProcAttr = socketDir, attributes
	log, err := os.Create(filepath.Join(socketDir, "log"))
	if err != nil {
		return nil, err
	}
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = server.Wait()
		_ = os.RemoveAll(socketDir)
	}
	db, err := sql.Open("pgx", dataSource("postgres"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return stop, nil
		}
		if time.Now().After(deadline) {
			stop()
			return nil, err
		}
	}
}

func dataSource(database string) string {
	return fmt.Sprintf("host=%s user=app database=%s", socketDir, database)
}

// newDatabase creates an empty database and returns its data source.
func newDatabase(t testing.TB) string {
	t.Helper()
	db := open(t, "pgx", dataSource("postgres"))
	defer db.Close()
	name := fmt.Sprintf("test%d", databaseNumber.Add(1))
	if _, err := db.ExecContext(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return dataSource(name)
}
