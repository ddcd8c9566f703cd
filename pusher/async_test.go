package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestClient_Async(t *testing.T) {
	requests := make(chan string, 1)
	client := newClient(t, over(func(req *http.Request) (*http.Response, error) {
		text := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/apps/3")
		if filter := req.URL.Query().Get("q"); filter != "" {
			text += "?q=" + filter
		}
		if req.Body != nil {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			text = strings.TrimSpace(text + " " + string(body))
		}
		requests <- text
		return response(200, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`, nil), nil
	}))
	ctx := t.Context()
	data := []byte("d")
	channels, query := []string{"c", "d"}, url.Values{"q": {"1"}}
	events := []pusher.Event{{Channel: "c", Name: "e", Data: data, Info: []pusher.Attribute{pusher.UserCount}}}

	tests := []struct {
		name   string
		call   func() (func() (any, error), <-chan struct{})
		want   string // request
		result string
	}{
		{"TriggerAsync", asyncCall(func() *pusher.Future[*pusher.TriggerResult] {
			return client.TriggerAsync(ctx, "c", "e", data, pusher.ExcludeSocket("1.2"))
		}), `POST /events {"channels":["c"],"data":"d","name":"e","socket_id":"1.2"}`, `{"channels":{"c":{"user_count":2}}}`},
		{"TriggerMultiAsync", asyncCall(func() *pusher.Future[*pusher.TriggerResult] {
			return client.TriggerMultiAsync(ctx, channels, "e", data)
		}), `POST /events {"channels":["c","d"],"data":"d","name":"e"}`, `{"channels":{"c":{"user_count":2}}}`},
		{"TriggerBatchAsync", asyncCall(func() *pusher.Future[*pusher.BatchResult] {
			return client.TriggerBatchAsync(ctx, events)
		}), `POST /batch_events {"batch":[{"channel":"c","data":"d","info":"user_count","name":"e"}]}`, `{"batch":[{"user_count":1}]}`},
		{"GetAsync", asyncCall(func() *pusher.Future[json.RawMessage] {
			return client.GetAsync(ctx, "/things", query)
		}), `GET /things?q=1`, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`},
		{"PostAsync", asyncCall(func() *pusher.Future[json.RawMessage] {
			return client.PostAsync(ctx, "/things", data)
		}), `POST /things d`, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`},
		{"PostAsync without a body", asyncCall(func() *pusher.Future[json.RawMessage] {
			return client.PostAsync(ctx, "/things", nil)
		}), `POST /things {}`, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wait, done := tt.call()
			// Arguments may be changed as soon as the call has returned.
			data[0], channels[1], events[0].Name, events[0].Info[0], query["q"][0] = 'x', "x", "x", "x", "x"
			defer func() {
				data[0], channels[1], events[0].Name, events[0].Info[0], query["q"][0] = 'd', "d", "e", pusher.UserCount, "1"
			}()
			if got := <-requests; got != tt.want {
				t.Errorf("%s sent %s\nwant %s", tt.name, got, tt.want)
			}
			value, err := wait()
			got, jsonErr := json.Marshal(value)
			if err := errors.Join(err, jsonErr); err != nil || string(got) != tt.result {
				t.Errorf("%s = %s, %v\nwant %s", tt.name, got, err, tt.result)
			}
			<-done
		})
	}
}

// asyncCall hides the type of a future's result.
func asyncCall[T any](call func() *pusher.Future[T]) func() (func() (any, error), <-chan struct{}) {
	return func() (func() (any, error), <-chan struct{}) {
		f := call()
		return func() (any, error) { return f.Wait(context.Background()) }, f.Done()
	}
}

func TestClient_Async_Errors(t *testing.T) {
	client := newClient(t, over(func(*http.Request) (*http.Response, error) { return response(403, "no\n", nil), nil }))
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
		call func() (func() (any, error), <-chan struct{})
		want wantError
	}{
		{"rejected by the server", asyncCall(func() *pusher.Future[*pusher.TriggerResult] { return client.TriggerAsync(ctx, "c", "e", "d") }),
			wantError{Op: "TriggerAsync", Kind: pusher.ErrForbidden, Status: 403, Message: "no"}},
		{"invalid argument", asyncCall(func() *pusher.Future[*pusher.TriggerResult] { return client.TriggerMultiAsync(ctx, nil, "e", "d") }),
			wantError{Op: "TriggerMultiAsync", Kind: pusher.ErrInvalid}},
		{"data that cannot be encoded", asyncCall(func() *pusher.Future[*pusher.BatchResult] {
			return client.TriggerBatchAsync(ctx, []pusher.Event{{Channel: "c", Name: "e", Data: func() {}}})
		}), wantError{Op: "TriggerBatchAsync", Kind: pusher.ErrInvalid}},
		{"body that cannot be encoded", asyncCall(func() *pusher.Future[json.RawMessage] { return client.PostAsync(ctx, "/things", func() {}) }),
			wantError{Op: "PostAsync", Kind: pusher.ErrInvalid}},
		{"context already done", asyncCall(func() *pusher.Future[json.RawMessage] { return client.GetAsync(ended, "/things", nil) }),
			wantError{Op: "GetAsync", Kind: context.Canceled}},
		{"nil context", asyncCall(func() *pusher.Future[json.RawMessage] { return client.GetAsync(noContext, "/things", nil) }),
			wantError{Op: "GetAsync", Kind: pusher.ErrInvalid}},
		{"zero client", asyncCall(func() *pusher.Future[*pusher.TriggerResult] { return zero.TriggerAsync(ctx, "c", "e", "d") }),
			wantError{Op: "TriggerAsync", Kind: pusher.ErrConfiguration}},
		{"nil client", asyncCall(func() *pusher.Future[json.RawMessage] { return (*pusher.Client)(nil).GetAsync(ctx, "/things", nil) }),
			wantError{Op: "GetAsync", Kind: pusher.ErrConfiguration}},
		{"closed client", asyncCall(func() *pusher.Future[json.RawMessage] { return closed.GetAsync(ctx, "/things", nil) }),
			wantError{Op: "GetAsync", Kind: pusher.ErrClosed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wait, done := tt.call()
			<-done
			_, err := wait()
			sameError(t, tt.name, err, tt.want)
		})
	}
	sameError(t, "Close of the zero client", zero.Close(ctx), wantError{Op: "Close", Kind: pusher.ErrConfiguration})
}

// slowTransport responds to each request after a second, and stores the maximum number
// of concurrent requests in most.
func slowTransport(status int, most *atomic.Int64) pusher.Option {
	var now atomic.Int64
	return over(func(req *http.Request) (*http.Response, error) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		select {
		case <-time.After(time.Second):
			return response(status, "{}", nil), nil
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	})
}

func TestFuture_Then(t *testing.T) {
	for _, status := range []int{200, 403} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, slowTransport(status, new(atomic.Int64)))
				var calls []string
				record := func(text string) func(*pusher.TriggerResult, error) {
					return func(result *pusher.TriggerResult, err error) {
						if (status == 200) != (result != nil && err == nil) || errors.Is(err, pusher.ErrForbidden) == (status == 200) {
							t.Errorf("Then called its function with %v, %v after status %d", result, err, status)
						}
						calls = append(calls, text)
					}
				}
				f := client.TriggerAsync(t.Context(), "c", "e", "d").
					Then(record("first")).
					Then(func(*pusher.TriggerResult, error) { panic("oops") }).
					Then(record("second"))
				if len(calls) != 0 {
					t.Errorf("%q ran before the call ended", calls)
				}
				if err := client.Close(t.Context()); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
				if want := []string{"first", "second"}; !slices.Equal(calls, want) {
					t.Errorf("functions that ran before Close returned: %q, want %q", calls, want)
				}
				f.Then(record("late"))
				if want := []string{"first", "second", "late"}; !slices.Equal(calls, want) {
					t.Errorf("functions that ran after the end: %q, want %q", calls, want)
				}
			})
		})
	}
}

func TestFuture_Wait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, slowTransport(200, new(atomic.Int64)))
		f := client.TriggerAsync(t.Context(), "c", "e", "d")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := f.Wait(ctx)
		sameError(t, "Wait", err, wantError{Op: "TriggerAsync", Kind: context.DeadlineExceeded})
		if errors.Is(err, pusher.ErrTransport) {
			t.Errorf("Wait = %v, want no %v: the call continues", err, pusher.ErrTransport)
		}
		_, err = f.Wait(noContext)
		sameError(t, "Wait(nil)", err, wantError{Op: "TriggerAsync", Kind: pusher.ErrInvalid})
		<-f.Done()
		if _, err := f.Wait(ctx); err != nil {
			t.Errorf("Wait after the end = %v, want the result although the context is done", err)
		}
	})
}

func TestClient_Async_Limit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most atomic.Int64
		client := newClient(t, slowTransport(200, &most))
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

// A fake that calls t.FailNow ends the goroutine of the call.
func TestClient_Async_Goexit(t *testing.T) {
	client := newClient(t, over(func(*http.Request) (*http.Response, error) {
		runtime.Goexit()
		return nil, nil
	}))
	_, err := client.TriggerAsync(t.Context(), "c", "e", "d").Wait(t.Context())
	sameError(t, "Wait", err, wantError{Op: "TriggerAsync", Kind: pusher.ErrTransport})
	if err := client.Close(t.Context()); err != nil {
		t.Errorf("Close = %v, want no error", err)
	}
}

func TestClient_Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, slowTransport(200, new(atomic.Int64)))
		f := client.TriggerAsync(t.Context(), "c", "e", "d")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := client.Close(ctx)
		sameError(t, "Close", err, wantError{Op: "Close", Kind: context.DeadlineExceeded})
		if _, err := f.Wait(t.Context()); err != nil {
			t.Errorf("Wait after Close = %v, want no error: the call continues", err)
		}
		for range 2 {
			if err := client.Close(t.Context()); err != nil {
				t.Errorf("Close = %v, want no error", err)
			}
		}
		_, err = client.Trigger(t.Context(), "c", "e", "d")
		sameError(t, "Trigger after Close", err, wantError{Op: "Trigger", Kind: pusher.ErrClosed})
	})
}

func TestFuture_FailureIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines logs
		client := newClient(t, lines.option(), slowTransport(403, new(atomic.Int64)))
		f := client.TriggerAsync(t.Context(), "c", "e", "d").Then(func(*pusher.TriggerResult, error) {})
		for range 2 {
			if _, err := f.Wait(t.Context()); !errors.Is(err, pusher.ErrForbidden) {
				t.Errorf("Wait = %v, want %v", err, pusher.ErrForbidden)
			}
		}
		got := lines.lines(slog.LevelWarn)
		if len(got) != 1 || !strings.Contains(got[0], "op=TriggerAsync") || !strings.Contains(got[0], "status 403") {
			t.Errorf("logged %q, want one line with the operation and the status", got)
		}
	})
}

func TestClient_Close_Connections(t *testing.T) {
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{}"))
	}))
	closed := make(chan struct{}, 1)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	client, err := pusher.New(app, pusher.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := client.Trigger(ctx, "c", "e", ""); err != nil {
		t.Fatal(err)
	}
	if open.Load() != 1 {
		t.Fatalf("%d open connections after a call, want 1", open.Load())
	}
	if err := client.Close(ctx); err != nil {
		t.Fatal(err)
	}
	<-closed // by the client
}
