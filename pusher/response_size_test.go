package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

var padding = strings.Repeat("z", 64<<10)

// endless returns padding without allocating it.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, padding), nil }

// allocated returns how many bytes a call allocates when the response has a body of
// this size.
func allocated(t *testing.T, op operation, status int, prefix string, size int64, want error) uint64 {
	t.Helper()
	client := newClient(t, over(func(req *http.Request) (*http.Response, error) {
		resp, err := respondBody(io.NopCloser(io.MultiReader(strings.NewReader(prefix), io.LimitReader(endless{}, size), strings.NewReader(`"}`))))(req)
		resp.StatusCode = status
		return resp, err
	}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := op.call(context.Background(), client)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, want) {
		t.Fatalf("%s with a response of status %d and %d bytes = %v, want %v", op.name, status, size, err, want)
	}
	return after.TotalAlloc - before.TotalAlloc
}

// TestResponse_MemoryLimit checks that the memory of a call is limited, whatever the
// server sends.
func TestResponse_MemoryLimit(t *testing.T) {
	const kiB, miB = 1 << 10, 1 << 20
	// The client reads up to 1 MiB of the response to a publish and 32 MiB of that to a
	// query. A growing buffer allocates four times its final size in total, and twice as
	// much with the race detector.
	const maxPublish, maxQuery = 9 * miB, 272 * miB
	tests := []struct {
		name, prefix string
		op           string
		status       int
		size         int64
		want         error
		atMost       uint64
	}{
		{"publish: 16 MiB error response", "", "Trigger", 500, 16 * miB, pusher.ErrServer, 256 * kiB},
		{"query: 16 MiB error response", "", "Channels", 403, 16 * miB, pusher.ErrForbidden, 256 * kiB},
		{"query: 16 MiB redirect", "", "Channels", 302, 16 * miB, pusher.ErrServer, 256 * kiB},
		{"publish: 64 MiB", `{"x":"`, "Trigger", 200, 64 * miB, nil, maxPublish},
		{"batch: 64 MiB", `{"x":"`, "TriggerBatch", 200, 64 * miB, nil, maxPublish},
		{"terminate connections: 64 MiB", `{"x":"`, "TerminateUserConnections", 200, 64 * miB, nil, maxPublish},
		{"publish: 64 MiB HTML page", "<html>", "Trigger", 200, 64 * miB, pusher.ErrServer, maxPublish},
		{"query: 64 MiB", `{"channels":{"`, "Channels", 200, 64 * miB, pusher.ErrServer, maxQuery},
		{"query: 1 TiB", `{"channels":{"`, "Channels", 200, 1 << 40, pusher.ErrServer, maxQuery},
		{"Get: 1 TiB", `{"`, "Get", 200, 1 << 40, pusher.ErrServer, maxQuery},
		{"Post: 64 MiB", `{"x":"`, "Post", 200, 64 * miB, nil, maxQuery},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op := operationNamed(t, tt.op)
			allocated(t, op, tt.status, tt.prefix, kiB, tt.want) // excludes one-time allocations
			if got := allocated(t, op, tt.status, tt.prefix, tt.size, tt.want); got > tt.atMost {
				t.Errorf("%s allocated %d bytes for a body of %d, want at most %d", tt.op, got, tt.size, tt.atMost)
			}
		})
	}
	t.Run("a large error response costs no more than a small one", func(t *testing.T) {
		least := func(size int64) uint64 { // pools make single calls differ
			n := allocated(t, operationNamed(t, "Trigger"), 500, "", size, pusher.ErrServer)
			for range 20 {
				n = min(n, allocated(t, operationNamed(t, "Trigger"), 500, "", size, pusher.ErrServer))
			}
			return n
		}
		small, large := least(4*kiB), least(16*miB)
		t.Logf("error response of 4 KiB: %d bytes allocated; of 16 MiB: %d", small, large)
		if large > 2*small {
			t.Errorf("Trigger allocated %d bytes for an error response of 16 MiB and %d for one of 4 KiB, want at most twice as many", large, small)
		}
	})
}

// TestResponse_LargeBody checks that a response beyond the limit is not read to its
// end and that the next call succeeds.
func TestResponse_LargeBody(t *testing.T) {
	var large atomic.Bool
	large.Store(true)
	client := newClient(t, pusher.WithBaseURL(listen(t, func(w http.ResponseWriter, r *http.Request) {
		if large.Load() {
			_, _ = io.Copy(w, io.LimitReader(endless{}, 64<<20)) // fails when the client has read enough
			return
		}
		write(200, `{"channels":{}}`)(w, r)
	})))
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger with a response of 64 MiB = %v, want no error: the event was accepted", err)
	}
	_, err := client.Channels(t.Context(), pusher.ChannelsParams{})
	sameError(t, "Channels with a response of 64 MiB", err, wantError{Op: "Channels", Kind: pusher.ErrServer, Status: 200, Message: unexpectedResponse})
	large.Store(false)
	if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); err != nil {
		t.Errorf("Channels after that = %v, want no error", err)
	}
}

// A list may have 32 MiB.
func TestResponse_Limit(t *testing.T) {
	const limit = 32 << 20
	for size, valid := range map[int]bool{limit: true, limit + 1: false} {
		body := `{"channels":{}}` + strings.Repeat(" ", size-len(`{"channels":{}}`))
		client, _ := serve(t, respond(200, body))
		if _, err := client.Channels(t.Context(), pusher.ChannelsParams{}); valid != (err == nil) {
			t.Errorf("Channels with a response of %d bytes = %v, want valid %t", size, err, valid)
		}
	}
}

func TestResponse_SuccessStatus(t *testing.T) {
	for status, valid := range map[int]bool{199: false, 200: true, 202: true, 299: true, 300: false} {
		client, _ := serve(t, respond(status, "{}"))
		_, err := client.Trigger(t.Context(), "c", "e", "d")
		if valid != (err == nil) {
			t.Errorf("Trigger with status %d = %v, want valid %t", status, err, valid)
		}
		if redirect := strings.Contains(fmt.Sprint(err), "redirects are not followed"); redirect != (status == 300) {
			t.Errorf("Trigger with status %d = %v", status, err)
		}
	}
}
