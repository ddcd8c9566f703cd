package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A pending call is a Future without the type of its result.
type pending struct {
	wait func(context.Context) (any, error)
	done <-chan struct{}
}

func pend[T any](f *pusher.Future[T]) pending {
	return pending{func(ctx context.Context) (any, error) { return f.Wait(ctx) }, f.Done()}
}

func TestAsync(t *testing.T) {
	const everything, counts = `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`, `{"channels":{"c":{"user_count":2}}}`
	ctx := t.Context()
	data := []byte("d")
	channels, query := []string{"c", "d"}, url.Values{"q": {"1"}}
	events := []pusher.Event{{Channel: "c", Name: "e", Data: data, Info: []pusher.Attribute{pusher.UserCount}}}
	opts := []pusher.TriggerOption{pusher.ExcludeSocket("1.2")}
	info := []pusher.Attribute{pusher.UserCount}
	tests := []struct {
		name    string
		call    func(*pusher.Client) pending
		request string
		result  string
	}{
		{"TriggerAsync", func(c *pusher.Client) pending { return pend(c.TriggerAsync(ctx, "c", "e", data, opts...)) },
			`POST /apps/3/events {"channels":["c"],"data":"d","name":"e","socket_id":"1.2"}`, counts},
		{"TriggerMultiAsync", func(c *pusher.Client) pending {
			return pend(c.TriggerMultiAsync(ctx, channels, "e", data, pusher.WithInfo(info...)))
		}, `POST /apps/3/events {"channels":["c","d"],"data":"d","info":"user_count","name":"e"}`, counts},
		{"TriggerBatchAsync", func(c *pusher.Client) pending { return pend(c.TriggerBatchAsync(ctx, events)) },
			`POST /apps/3/batch_events {"batch":[{"channel":"c","data":"d","info":"user_count","name":"e"}]}`, `{"batch":[{"user_count":1}]}`},
		{"GetAsync", func(c *pusher.Client) pending { return pend(c.GetAsync(ctx, "/things", query)) }, `GET /apps/3/things?q=1`, everything},
		{"PostAsync", func(c *pusher.Client) pending { return pend(c.PostAsync(ctx, "/things", data)) }, `POST /apps/3/things d`, everything},
		{"PostAsync without a body", func(c *pusher.Client) pending { return pend(c.PostAsync(ctx, "/things", nil)) }, `POST /apps/3/things {}`, everything},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := make(chan struct{})
			client, server := serve(t, respond(200, everything), pusher.WithObserver(
				func(ctx context.Context, _ pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
					<-changed // before the request is sent
					return ctx, nil
				}))
			call := tt.call(client)
			// Arguments may be changed as soon as the call has returned.
			data[0], channels[1], events[0].Name, events[0].Info[0], query["q"][0], opts[0], info[0] = 'x', "x", "x", "x", "x", nil, "x"
			close(changed)
			value, err := call.wait(t.Context())
			data[0], channels[1], events[0].Name, events[0].Info[0], query["q"][0], opts[0], info[0] = 'd', "d", "e", pusher.UserCount, "1", pusher.ExcludeSocket("1.2"), pusher.UserCount
			if got := server.requests(); len(got) != 1 || got[0].String() != tt.request {
				t.Errorf("%s sent %s\nwant %s", tt.name, got, tt.request)
			}
			if err != nil || !equalJSON(t, value, json.RawMessage(tt.result)) {
				t.Errorf("%s = %s, %v\nwant %s", tt.name, value, err, tt.result)
			}
			<-call.done
		})
	}
}

func TestAsync_Errors(t *testing.T) {
	client := newClient(t, over(respond(403, "no\n")))
	goexit := newClient(t, over(func(*http.Request) (*http.Response, error) {
		runtime.Goexit() // as a fake that calls t.FailNow
		return nil, nil
	}))
	closed := newClient(t)
	if err := closed.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var zero pusher.Client
	ctx := t.Context()
	tests := []struct {
		name string
		call pending
		want wantError
	}{
		{"rejected by the server", pend(client.TriggerAsync(ctx, "c", "e", "d")), wantError{Op: "TriggerAsync", Kind: pusher.ErrForbidden, Status: 403, Message: "no"}},
		{"invalid argument", pend(client.TriggerMultiAsync(ctx, nil, "e", "d")), wantError{Op: "TriggerMultiAsync", Kind: pusher.ErrInvalid}},
		{"data that cannot be encoded", pend(client.TriggerBatchAsync(ctx, []pusher.Event{{Channel: "c", Name: "e", Data: func() {}}})),
			wantError{Op: "TriggerBatchAsync", Kind: pusher.ErrInvalid}},
		{"body that cannot be encoded", pend(client.PostAsync(ctx, "/things", func() {})), wantError{Op: "PostAsync", Kind: pusher.ErrInvalid}},
		{"context already done", pend(client.GetAsync(ended, "/things", nil)), wantError{Op: "GetAsync", Kind: context.Canceled}},
		{"nil context", pend(client.GetAsync(noContext, "/things", nil)), wantError{Op: "GetAsync", Kind: pusher.ErrInvalid}},
		{"zero client", pend(zero.TriggerAsync(ctx, "c", "e", "d")), wantError{Op: "TriggerAsync", Kind: pusher.ErrConfiguration}},
		{"nil client", pend((*pusher.Client)(nil).GetAsync(ctx, "/things", nil)), wantError{Op: "GetAsync", Kind: pusher.ErrConfiguration}},
		{"closed client", pend(closed.GetAsync(ctx, "/things", nil)), wantError{Op: "GetAsync", Kind: pusher.ErrClosed}},
		{"Goexit in a RoundTripper", pend(goexit.TriggerAsync(ctx, "c", "e", "d")), wantError{Op: "TriggerAsync", Kind: pusher.ErrTransport}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			<-tt.call.done
			_, err := tt.call.wait(t.Context())
			sameError(t, tt.name, err, tt.want)
		})
	}
	if err := goexit.Close(ctx); err != nil {
		t.Errorf("Close after Goexit = %v, want no error", err)
	}
}

func TestAsync_Limit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		client := newClient(t, over(func(req *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			return after(time.Second, respond(200, "{}"))(req)
		}))
		start := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for i := range 250 {
			client.TriggerAsync(t.Context(), "c", "e", fmt.Sprint(i))
		}
		synctest.Wait()
		last := client.TriggerAsync(short, "c", "e", "d")
		if took := time.Since(start); took != 0 {
			t.Errorf("TriggerAsync blocked for %v, want 0", took)
		}
		_, err := last.Wait(t.Context())
		sameError(t, "the call that got no slot in time", err, wantError{Op: "TriggerAsync", Kind: context.DeadlineExceeded})
		if err := client.Close(t.Context()); err != nil {
			t.Errorf("Close = %v, want no error", err)
		}
		if took := time.Since(start); most.Load() != 100 || took != 3*time.Second {
			t.Errorf("%d calls were made concurrently and all took %v, want 100 and 3s", most.Load(), took)
		}
	})
}

// TestClient_Close checks that Close waits for asynchronous calls, and that afterwards
// every call returns ErrClosed.
func TestClient_Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := serve(t, after(time.Second, respond(200, completeBody)))
		f := client.TriggerAsync(t.Context(), "c", "e", "d")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		sameError(t, "Close", client.Close(ctx), wantError{Op: "Close", Kind: context.DeadlineExceeded})
		for range 2 {
			if err := client.Close(t.Context()); err != nil {
				t.Errorf("Close = %v, want no error", err)
			}
		}
		select {
		case <-f.Done():
		default:
			t.Error("Close returned before the call ended")
		}
		if _, err := f.Wait(t.Context()); err != nil || len(server.requests()) != 1 {
			t.Errorf("Wait after Close = %v, want no error: the call continues", err)
		}
		for _, op := range operations() {
			_, err := op.call(t.Context(), client)
			sameError(t, op.name+" after Close", err, wantError{Op: op.name, Kind: pusher.ErrClosed})
		}
		sameError(t, "Ping after Close", client.Ping(t.Context()), wantError{Op: "Ping", Kind: pusher.ErrClosed})
		if got := server.requests(); len(got) != 0 {
			t.Errorf("%v was sent after Close, want nothing", got)
		}
	})
	err := new(pusher.Client).Close(t.Context())
	sameError(t, "Close of the zero client", err, wantError{Op: "Close", Kind: pusher.ErrConfiguration})
}

// TestClient_CloseConnections checks that Close closes idle connections.
func TestClient_CloseConnections(t *testing.T) {
	closed := make(chan struct{}, 1)
	server := newFaultServer(t, tcpNetwork{}, func(x *faultConn) {
		x.send(x.process())
		x.waitForClose()
		closed <- struct{}{}
	})
	defer server.shutDown()
	client := server.client()
	_, err := client.Trigger(t.Context(), "c", "e", "")
	if err := errors.Join(err, client.Close(t.Context())); err != nil {
		t.Errorf("Trigger and Close = %v, want no error", err)
	}
	<-closed // by the client
}
