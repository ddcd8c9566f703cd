package pusher_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

var filling = strings.Repeat("z", 64<<10)

// endless is a body of so many equal bytes behind a prefix, made without memory.
type endless struct {
	prefix *strings.Reader
	left   int64
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.prefix.Read(p); err == nil {
		return n, nil
	}
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), e.left)], filling)
	e.left -= int64(n)
	return n, nil
}

func (e *endless) Close() error { return nil }

// allocated is how many bytes a call allocates when it is answered by a body of
// this size.
func allocated(t *testing.T, op operation, status int, prefix string, size int64, want error) uint64 {
	t.Helper()
	client := newClient(t, over(func(*http.Request) (*http.Response, error) {
		resp := response(status, "", nil)
		resp.Body, resp.ContentLength = &endless{strings.NewReader(prefix), size}, -1
		return resp, nil
	}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := op.call(context.Background(), client)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, want) {
		t.Fatalf("%s answered by status %d and %d bytes = %v, want %v", op.name, status, size, err, want)
	}
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemoryDoesNotGrowWithTheBody: what a call costs is bounded, whoever answers
// and however much.
func TestMemoryDoesNotGrowWithTheBody(t *testing.T) {
	const kiB, miB = 1 << 10, 1 << 20
	tests := []struct {
		name, prefix string
		op           string
		status       int
		size         int64
		want         error
		atMost       uint64
	}{
		{"16 MiB of refusal for a publish", "", "Trigger", 500, 16 * miB, pusher.ErrServer, 256 * kiB},
		{"16 MiB of refusal for a query", "", "Channels", 403, 16 * miB, pusher.ErrForbidden, 256 * kiB},
		{"16 MiB with a redirect", "", "Channels", 302, 16 * miB, pusher.ErrServer, 256 * kiB},
		{"64 MiB for an accepted publish", `{"x":"`, "Trigger", 200, 64 * miB, nil, 8 * miB},
		{"64 MiB for an accepted batch", `{"x":"`, "TriggerBatch", 200, 64 * miB, nil, 8 * miB},
		{"64 MiB for the end of connections", `{"x":"`, "TerminateUserConnections", 200, 64 * miB, nil, 8 * miB},
		{"a page of 64 MiB for a publish", "<html>", "Trigger", 200, 64 * miB, pusher.ErrServer, 8 * miB},
		{"64 MiB for a query", `{"channels":{"`, "Channels", 200, 64 * miB, pusher.ErrServer, 256 * miB},
		{"1 TiB for a query", `{"channels":{"`, "Channels", 200, 1 << 40, pusher.ErrServer, 256 * miB},
		{"1 TiB for a raw query", `{"`, "Get", 200, 1 << 40, pusher.ErrServer, 256 * miB},
		{"64 MiB for a raw POST", `{"`, "Post", 200, 64 * miB, nil, 256 * miB},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op := named(t, tt.op)
			allocated(t, op, tt.status, tt.prefix, kiB, tt.want) // what is allocated once
			if got := allocated(t, op, tt.status, tt.prefix, tt.size, tt.want); got > tt.atMost {
				t.Errorf("%s allocated %d bytes for a body of %d, want at most %d", tt.op, got, tt.size, tt.atMost)
			}
		})
	}
	t.Run("16 MiB of refusal cost what 4 KiB do", func(t *testing.T) {
		least := func(size int64) uint64 { // pools make single calls differ
			n := allocated(t, named(t, "Trigger"), 500, "", size, pusher.ErrServer)
			for range 20 {
				n = min(n, allocated(t, named(t, "Trigger"), 500, "", size, pusher.ErrServer))
			}
			return n
		}
		small, large := least(4*kiB), least(16*miB)
		t.Logf("a refusal of 4 KiB: %d bytes allocated; of 16 MiB: %d", small, large)
		if large > 2*small {
			t.Errorf("Trigger allocated %d bytes for a refusal of 16 MiB and %d for one of 4 KiB, want at most twice as many", large, small)
		}
	})
}

// TestALargeAnswerOverTheWire: the rest of it is not read, and the next call
// works.
func TestALargeAnswerOverTheWire(t *testing.T) {
	block := bytes.Repeat([]byte("z"), 1<<20)
	var large atomic.Bool
	large.Store(true)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !large.Load() {
			answer(200, jsn, `{"channels":{}}`)(w, r)
			return
		}
		for range 64 {
			if _, err := w.Write(block); err != nil {
				return // the client has read enough
			}
		}
	})
	if _, err := client.Trigger(context.Background(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger answered by 64 MiB = %v, want no error: it was accepted", err)
	}
	_, err := client.Channels(context.Background(), pusher.ChannelsParams{})
	sameError(t, "Channels answered by 64 MiB", err, pusher.Error{Op: "Channels", Kind: pusher.ErrServer, Status: 200, Message: unusable})
	large.Store(false)
	if _, err := client.Channels(context.Background(), pusher.ChannelsParams{}); err != nil {
		t.Errorf("Channels after that = %v, want no error", err)
	}
}
