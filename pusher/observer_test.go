package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
)

type spanKey struct{}

// An observation records what an Observer receives.
type observation struct {
	mu    sync.Mutex
	lines []string
}

func (o *observation) add(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, fmt.Sprintf(format, args...))
}

func (o *observation) observe(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
	o.add("start %s %d: %s %s, %d bytes, %d channels, %d events, in %v", start.Operation, start.Attempt,
		start.Method, start.Path, start.RequestBytes, start.Channels, start.Events, ctx.Value(spanKey{}))
	return context.WithValue(ctx, spanKey{}, fmt.Sprint("span ", start.Attempt)), func(end pusher.OperationEnd) {
		o.add("end %s %d: status %d, %d bytes, %d attempts, error: %v", start.Operation, start.Attempt,
			end.Status, end.ResponseBytes, end.Attempts, kindOf(end.Err))
	}
}

// check fails the test unless these lines were observed since the previous call.
func (o *observation) check(t *testing.T, what string, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.lines, want) {
		t.Errorf("%s: observed\n%s\nwant\n%s", what, strings.Join(o.lines, "\n"), strings.Join(want, "\n"))
	}
	o.lines = nil
}

func TestWithObserver(t *testing.T) {
	var o observation
	client, _ := serve(t, inOrder(respond(429, "slow down"), respond(200, "{}")), pusher.WithObserver(o.observe), pusher.WithRetry(pusher.Retry{BaseDelay: 1}))
	if _, err := client.TriggerMulti(t.Context(), []string{"a", "b"}, "e", "d"); err != nil {
		t.Fatal(err)
	}
	o.check(t, "TriggerMulti", // with {"channels":["a","b"],"data":"d","name":"e"}
		"start TriggerMulti 0: POST /apps/3/events, 44 bytes, 2 channels, 1 events, in <nil>",
		"start TriggerMulti 1: POST /apps/3/events, 44 bytes, 2 channels, 1 events, in span 0",
		fmt.Sprintf("end TriggerMulti 1: status 429, 0 bytes, 1 attempts, error: %v", pusher.ErrRateLimited),
		"start TriggerMulti 2: POST /apps/3/events, 44 bytes, 2 channels, 1 events, in span 0",
		"end TriggerMulti 2: status 200, 2 bytes, 2 attempts, error: <nil>",
		"end TriggerMulti 0: status 200, 2 bytes, 2 attempts, error: <nil>",
	)
}

// TestWithObserver_Undecodable checks that a 2xx response that cannot be decoded is an
// error for the operation and for its attempt.
func TestWithObserver_Undecodable(t *testing.T) {
	for _, op := range operations() {
		if op.publishes {
			continue
		}
		for _, body := range []string{"null", "[7", `{"channels":7,"occupied":"yes","users":"many"}`} {
			if op.name == "Get" && body != "[7" {
				continue // every JSON value is a result
			}
			t.Run(op.name+" "+body, func(t *testing.T) {
				var ends []pusher.OperationEnd
				client := newClient(t, over(respond(200, body)), pusher.WithObserver(func(ctx context.Context, _ pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
					return ctx, func(end pusher.OperationEnd) { ends = append(ends, end) }
				}))
				_, err := op.call(t.Context(), client)
				sameError(t, op.name, err, wantError{Op: op.name, Kind: pusher.ErrServer, Status: 200, Message: unexpectedResponse})
				if len(ends) != 2 || ends[0].Err != err || ends[1].Err != err || ends[0].Status != 200 || ends[1].ResponseBytes != len(body) {
					t.Errorf("%s = %v, but the observer received %+v", op.name, err, ends)
				}
			})
		}
	}
}

// TestWithObserver_API checks that the methods of API that return an http.Response end
// the operation when its body is closed.
func TestWithObserver_API(t *testing.T) {
	var o observation
	client, _ := serve(t, respond(200, `{"channels":{}}`), pusher.WithObserver(o.observe))
	resp, err := client.API().ListChannels(t.Context(), client.AppID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	o.check(t, "before Close",
		"start GET /apps/3/channels 0: GET /apps/3/channels, 0 bytes, 0 channels, 0 events, in <nil>",
		"start GET /apps/3/channels 1: GET /apps/3/channels, 0 bytes, 0 channels, 0 events, in span 0",
	)
	for range 2 {
		if err := resp.Body.Close(); err != nil {
			t.Errorf("Close = %v, want no error", err)
		}
	}
	o.check(t, "after Close",
		"end GET /apps/3/channels 1: status 200, 15 bytes, 1 attempts, error: <nil>",
		"end GET /apps/3/channels 0: status 200, 15 bytes, 1 attempts, error: <nil>",
	)
}

func TestWithObserver_NoSecrets(t *testing.T) {
	observed := 0
	client := newClient(t, over(respond(404, "")), pusher.WithObserver(func(ctx context.Context, start pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		check := func(v any) {
			observed++
			checkNoSecret(t, "what was observed", v)
			if text := fmt.Sprintf("%+v", v); strings.Contains(text, "auth_") {
				t.Errorf("observed %s", text)
			}
		}
		check(start)
		return ctx, func(end pusher.OperationEnd) { check(end) }
	}))
	_, _ = client.Get(t.Context(), "/channels", nil)
	_, _ = client.API().ListChannels(t.Context(), "3", nil)
	if observed != 8 {
		t.Errorf("observed %d starts and ends, want 8", observed)
	}
}

// An observer may return neither a context nor a function.
func TestWithObserver_Nil(t *testing.T) {
	client, _ := serve(t, respond(200, "{}"), pusher.WithObserver(func(context.Context, pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
		return nil, nil
	}))
	if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
		t.Errorf("Trigger = %v, want no error", err)
	}
	if _, err := pusher.New(app, pusher.WithObserver(nil)); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("New(WithObserver(nil)) = %v, want %v", err, pusher.ErrConfiguration)
	}
}
