//go:build interop

package webhookredis_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/openchannels/pusher-go/examples/webhookredis"
	"github.com/openchannels/pusher-go/webhook"
)

const (
	lease = time.Minute
	keep  = 10 * time.Minute

	short = 50 * time.Millisecond // a lease or time to keep that the test outlives
	ended = 200 * time.Millisecond
)

func begin(t *testing.T, store *webhookredis.Store, id string, lease time.Duration, want webhook.ClaimState) (token string) {
	t.Helper()
	token, state, err := store.Begin(t.Context(), id, lease)
	if err != nil || state != want {
		t.Fatalf("Begin(%q) = state %d, error %v, want state %d", id, state, err, want)
	}
	return token
}

func end(t *testing.T, store *webhookredis.Store, id, token string, handled bool, keep time.Duration, want error) {
	t.Helper()
	if err := store.End(t.Context(), id, token, handled, keep); !errors.Is(err, want) {
		t.Fatalf("End(%q, handled %t) = %v, want %v", id, handled, err, want)
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	server := newRedis(t)
	tests := []struct {
		name string
		test func(*testing.T, *webhookredis.Store)
	}{
		{"handled", func(t *testing.T, s *webhookredis.Store) {
			token := begin(t, s, "id", lease, webhook.Claimed)
			begin(t, s, "id", lease, webhook.Running)
			begin(t, s, "other id", lease, webhook.Claimed)
			end(t, s, "id", token, true, keep, nil)
			begin(t, s, "id", lease, webhook.Handled)
		}},
		{"not_handled", func(t *testing.T, s *webhookredis.Store) {
			token := begin(t, s, "id", lease, webhook.Claimed)
			end(t, s, "id", token, false, keep, nil)
			begin(t, s, "id", lease, webhook.Claimed)
		}},
		{"lease_ended", func(t *testing.T, s *webhookredis.Store) {
			first := begin(t, s, "id", short, webhook.Claimed)
			time.Sleep(ended)
			second := begin(t, s, "id", lease, webhook.Claimed)
			end(t, s, "id", first, true, keep, webhook.ErrClaimLost)
			end(t, s, "id", first, false, keep, webhook.ErrClaimLost)
			begin(t, s, "id", lease, webhook.Running)
			end(t, s, "id", second, true, keep, nil)
			end(t, s, "id", first, false, keep, webhook.ErrClaimLost)
			begin(t, s, "id", lease, webhook.Handled)
		}},
		{"lease_ended_without_another_claim", func(t *testing.T, s *webhookredis.Store) {
			token := begin(t, s, "id", short, webhook.Claimed)
			time.Sleep(ended)
			end(t, s, "id", token, true, keep, nil)
			begin(t, s, "id", lease, webhook.Handled)
		}},
		{"kept_long_enough", func(t *testing.T, s *webhookredis.Store) {
			token := begin(t, s, "id", lease, webhook.Claimed)
			end(t, s, "id", token, true, short, nil)
			time.Sleep(ended)
			begin(t, s, "id", lease, webhook.Claimed)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := server.client()
			defer client.Close()
			tt.test(t, webhookredis.NewStore(client, tt.name+":"))
		})
	}
}

// The client sends a command again if the connection breaks before the response. Redis has
// executed it then.
func TestStore_ResponseLost(t *testing.T) {
	t.Parallel()
	server := newRedis(t)
	var lose atomic.Bool
	client := redis.NewClient(&redis.Options{
		Network: "unix",
		Addr:    server.socket(),
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &lossyConn{conn, &lose}, err
		},
	})
	defer client.Close()
	store := webhookredis.NewStore(client, "")
	for _, id := range []string{"the script is new", "the script is known"} {
		lose.Store(true)
		token := begin(t, store, id, lease, webhook.Claimed)
		begin(t, store, id, lease, webhook.Running)
		lose.Store(true)
		end(t, store, id, token, true, keep, nil)
		begin(t, store, id, lease, webhook.Handled)
		if lose.Load() {
			t.Error("no response was lost")
		}
	}
}

// A lossyConn loses the next response after lose was set, and with it the connection.
type lossyConn struct {
	net.Conn
	lose *atomic.Bool
}

func (c *lossyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.lose.CompareAndSwap(true, false) {
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

// While Redis does not respond, Begin and End return when their context ends.
func TestStore_RedisHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never responds
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := redis.NewClient(&redis.Options{Addr: l.Addr().String(), ContextTimeoutEnabled: true})
	defer client.Close()
	store := webhookredis.NewStore(client, "")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, state, err := store.Begin(ctx, "id", lease); err == nil {
		t.Errorf("Begin returned state %d, want an error", state)
	}
	if err := store.End(ctx, "id", "token", true, keep); err == nil {
		t.Error("End returned nil, want an error")
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("Begin and End returned after %v, want about 100ms", took)
	}
}
