//go:build interop

package webhookredis_test

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A redisServer is a redis-server that listens on a Unix socket. It writes every change
// to its disk before it responds, so it has all claims again after a restart.
type redisServer struct {
	dir     string
	process *exec.Cmd
}

func newRedis(t *testing.T) *redisServer {
	t.Helper()
	s := &redisServer{dir: t.TempDir()}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

// start returns when the server accepts commands.
func (s *redisServer) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket(), "--dir", s.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--logfile", "redis.log")
	if err := s.process.Start(); err != nil {
		t.Fatalf("%v: install Debian's package redis-server", err)
	}
	client := s.client()
	defer client.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := client.Ping(t.Context()).Err()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not respond: %v", err)
		}
	}
}

// kill ends the server as kill -9 does.
func (s *redisServer) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

func (s *redisServer) socket() string { return filepath.Join(s.dir, "redis.sock") }

func (s *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), ContextTimeoutEnabled: true})
}
