package pusher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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

func TestEveryAsynchronousCallIsTheOtherOneLater(t *testing.T) {
	seen := make(chan string, 1)
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
		seen <- text
		return response(200, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`, nil), nil
	}))
	ctx := t.Context()
	data := []byte("d")
	channels, query := []string{"c", "d"}, url.Values{"q": {"1"}}
	events := []pusher.Event{{Channel: "c", Name: "e", Data: data, Info: []pusher.Attribute{pusher.UserCount}}}

	tests := []struct {
		name string
		call func() (func() (any, error), <-chan struct{})
		want string // the request
		one  string // the answer
	}{
		{"TriggerAsync", later(func() *pusher.Future[*pusher.TriggerResult] {
			return client.TriggerAsync(ctx, "c", "e", data, pusher.ExcludeSocket("1.2"))
		}), `POST /events {"channels":["c"],"data":"d","name":"e","socket_id":"1.2"}`, `{"channels":{"c":{"user_count":2}}}`},
		{"TriggerMultiAsync", later(func() *pusher.Future[*pusher.TriggerResult] {
			return client.TriggerMultiAsync(ctx, channels, "e", data)
		}), `POST /events {"channels":["c","d"],"data":"d","name":"e"}`, `{"channels":{"c":{"user_count":2}}}`},
		{"TriggerBatchAsync", later(func() *pusher.Future[*pusher.BatchResult] {
			return client.TriggerBatchAsync(ctx, events)
		}), `POST /batch_events {"batch":[{"channel":"c","data":"d","info":"user_count","name":"e"}]}`, `{"batch":[{"user_count":1}]}`},
		{"GetAsync", later(func() *pusher.Future[json.RawMessage] {
			return client.GetAsync(ctx, "/things", query)
		}), `GET /things?q=1`, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`},
		{"PostAsync", later(func() *pusher.Future[json.RawMessage] {
			return client.PostAsync(ctx, "/things", data)
		}), `POST /things d`, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`},
		{"PostAsync of nothing", later(func() *pusher.Future[json.RawMessage] {
			return client.PostAsync(ctx, "/things", nil)
		}), `POST /things {}`, `{"batch":[{"user_count":1}],"channels":{"c":{"user_count":2}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wait, done := tt.call()
			// What was handed in may be changed as soon as the future is there.
			data[0], channels[1], events[0].Name, events[0].Info[0], query["q"][0] = 'x', "x", "x", "x", "x"
			defer func() {
				data[0], channels[1], events[0].Name, events[0].Info[0], query["q"][0] = 'd', "d", "e", pusher.UserCount, "1"
			}()
			if got := <-seen; got != tt.want {
				t.Errorf("%s sent %s\nwant %s", tt.name, got, tt.want)
			}
			value, err := wait()
			got, jsonErr := json.Marshal(value)
			if err := errors.Join(err, jsonErr); err != nil || string(got) != tt.one {
				t.Errorf("%s = %s, %v\nwant %s", tt.name, got, err, tt.one)
			}
			<-done
		})
	}
}

// later makes futures of several types alike.
func later[T any](call func() *pusher.Future[T]) func() (func() (any, error), <-chan struct{}) {
	return func() (func() (any, error), <-chan struct{}) {
		f := call()
		return func() (any, error) { return f.Wait(context.Background()) }, f.Done()
	}
}

func TestAsynchronousCallsFail(t *testing.T) {
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
		want pusher.Error
	}{
		{"refused by the server", later(func() *pusher.Future[*pusher.TriggerResult] { return client.TriggerAsync(ctx, "c", "e", "d") }),
			pusher.Error{Op: "TriggerAsync", Kind: pusher.ErrForbidden, Status: 403, Message: "no"}},
		{"refused before it is sent", later(func() *pusher.Future[*pusher.TriggerResult] { return client.TriggerMultiAsync(ctx, nil, "e", "d") }),
			pusher.Error{Op: "TriggerMultiAsync", Kind: pusher.ErrInvalid}},
		{"data without an encoding", later(func() *pusher.Future[*pusher.BatchResult] {
			return client.TriggerBatchAsync(ctx, []pusher.Event{{Channel: "c", Name: "e", Data: func() {}}})
		}), pusher.Error{Op: "TriggerBatchAsync", Kind: pusher.ErrInvalid}},
		{"a body without an encoding", later(func() *pusher.Future[json.RawMessage] { return client.PostAsync(ctx, "/things", func() {}) }),
			pusher.Error{Op: "PostAsync", Kind: pusher.ErrInvalid}},
		{"the context has ended", later(func() *pusher.Future[json.RawMessage] { return client.GetAsync(ended, "/things", nil) }),
			pusher.Error{Op: "GetAsync", Kind: pusher.ErrHTTP}},
		{"no context", later(func() *pusher.Future[json.RawMessage] { return client.GetAsync(noContext, "/things", nil) }),
			pusher.Error{Op: "GetAsync", Kind: pusher.ErrInvalid}},
		{"the zero client", later(func() *pusher.Future[*pusher.TriggerResult] { return zero.TriggerAsync(ctx, "c", "e", "d") }),
			pusher.Error{Op: "TriggerAsync", Kind: pusher.ErrConfiguration}},
		{"a nil client", later(func() *pusher.Future[json.RawMessage] { return (*pusher.Client)(nil).GetAsync(ctx, "/things", nil) }),
			pusher.Error{Op: "GetAsync", Kind: pusher.ErrConfiguration}},
		{"a closed client", later(func() *pusher.Future[json.RawMessage] { return closed.GetAsync(ctx, "/things", nil) }),
			pusher.Error{Op: "GetAsync", Kind: pusher.ErrClosed}},
		{"the zero future", later(func() *pusher.Future[int] { return new(pusher.Future[int]) }),
			pusher.Error{Op: "Future", Kind: pusher.ErrConfiguration}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wait, done := tt.call()
			<-done
			_, err := wait()
			sameError(t, tt.name, err, tt.want)
		})
	}
	sameError(t, "Close of the zero client", zero.Close(ctx), pusher.Error{Op: "Close", Kind: pusher.ErrConfiguration})
	if _, err := pusher.New(app, pusher.WithAsyncLimit(0)); !errors.Is(err, pusher.ErrConfiguration) {
		t.Errorf("New(WithAsyncLimit(0)) = %v, want %v", err, pusher.ErrConfiguration)
	}
}

// slow answers each request after a second, and tells how many were under way at
// the same time.
func slow(status int, most *atomic.Int64) pusher.Option {
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

func TestCallbacks(t *testing.T) {
	tests := []struct {
		name         string
		status       int
		before, late []string
	}{
		{"of a success", 200, []string{"success 1", "success 2"}, []string{"late success"}},
		{"of a failure", 403, []string{"error 1", "error 2"}, []string{"late error"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, slow(tt.status, new(atomic.Int64)))
				var calls []string
				success := func(text string) func(*pusher.TriggerResult) {
					return func(*pusher.TriggerResult) { calls = append(calls, text) }
				}
				failure := func(text string) func(error) {
					return func(err error) {
						if !errors.Is(err, pusher.ErrForbidden) {
							t.Errorf("OnError got %v, want %v", err, pusher.ErrForbidden)
						}
						calls = append(calls, text)
					}
				}
				f := client.TriggerAsync(t.Context(), "c", "e", "d").
					OnSuccess(success("success 1")).OnError(failure("error 1")).
					OnSuccess(func(*pusher.TriggerResult) { panic("oops") }).OnError(func(error) { panic("oops") }).
					OnSuccess(success("success 2")).OnError(failure("error 2"))
				if len(calls) != 0 {
					t.Errorf("%q were called before the call ended", calls)
				}
				if err := client.Close(t.Context()); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
				if !slices.Equal(calls, tt.before) {
					t.Errorf("when Close returned %q were called, want %q", calls, tt.before)
				}
				calls = nil
				f.OnSuccess(success("late success")).OnError(failure("late error"))
				if !slices.Equal(calls, tt.late) {
					t.Errorf("attached after the end, %q were called, want %q", calls, tt.late)
				}
			})
		})
	}
}

func TestCallbacksOfTheZeroFuture(t *testing.T) {
	var got error
	new(pusher.Future[int]).OnError(func(err error) { got = err }).OnSuccess(func(int) { t.Error("OnSuccess was called") })
	sameError(t, "OnError of the zero future", got, pusher.Error{Op: "Future", Kind: pusher.ErrConfiguration})
}

func TestWaitEndsWithItsContextAndTheCallGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, slow(200, new(atomic.Int64)))
		f := client.TriggerAsync(t.Context(), "c", "e", "d")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := f.Wait(ctx)
		sameError(t, "Wait", err, pusher.Error{Op: "TriggerAsync", Kind: pusher.ErrHTTP})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v, want %v", err, context.DeadlineExceeded)
		}
		_, err = f.Wait(noContext)
		sameError(t, "Wait(nil)", err, pusher.Error{Op: "TriggerAsync", Kind: pusher.ErrInvalid})
		<-f.Done()
		if _, err := f.Wait(ctx); err != nil {
			t.Errorf("Wait after the end = %v, want the result whatever the context", err)
		}
	})
}

func TestAsynchronousCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most atomic.Int64
		client := newClient(t, slow(200, &most), pusher.WithAsyncLimit(3))
		start := time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for i := range 12 {
			client.TriggerAsync(t.Context(), "c", "e", fmt.Sprint(i))
		}
		synctest.Wait()
		last := client.TriggerAsync(impatient, "c", "e", "d")
		if took := time.Since(start); took != 0 {
			t.Errorf("the callers were held up for %v, want 0", took)
		}
		_, err := last.Wait(t.Context())
		sameError(t, "the call that got no turn in time", err, pusher.Error{Op: "TriggerAsync", Kind: pusher.ErrHTTP})
		if err := client.Close(t.Context()); err != nil {
			t.Errorf("Close = %v, want no error", err)
		}
		if took := time.Since(start); most.Load() != 3 || took != 4*time.Second {
			t.Errorf("at most %d calls were under way, all took %v, want 3 and 4s", most.Load(), took)
		}
	})
}

func TestClientCloseGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, slow(200, new(atomic.Int64)))
		f := client.TriggerAsync(t.Context(), "c", "e", "d")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := client.Close(ctx)
		sameError(t, "Close", err, pusher.Error{Op: "Close", Kind: pusher.ErrHTTP})
		if _, err := f.Wait(t.Context()); err != nil {
			t.Errorf("the call = %v, want that it went on", err)
		}
		for range 2 {
			if err := client.Close(t.Context()); err != nil {
				t.Errorf("Close = %v, want no error", err)
			}
		}
		if _, err := client.Trigger(t.Context(), "c", "e", "d"); err != nil {
			t.Errorf("Trigger after Close = %v, want no error", err)
		}
	})
}

func TestAnErrorThatNobodyLooksAtIsLoggedOnce(t *testing.T) {
	ctx := t.Context()
	type future = *pusher.Future[*pusher.TriggerResult]
	tests := []struct {
		name string
		look func(f future)
		want int
	}{
		{"nobody looks", func(future) {}, 1},
		{"somebody waits for the end, but not for the error", func(f future) { <-f.Done() }, 1},
		{"somebody has success in mind only", func(f future) { f.OnSuccess(func(*pusher.TriggerResult) {}) }, 1},
		{"Wait has returned it", func(f future) { _, _ = f.Wait(ctx) }, 0},
		{"OnError was attached", func(f future) { f.OnError(func(error) {}) }, 0},
		{"OnError was attached after the end", func(f future) { <-f.Done(); f.OnError(func(error) {}) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines logs
			client := newClient(t, lines.option(), over(func(*http.Request) (*http.Response, error) { return response(403, "no\n", nil), nil }))
			tt.look(client.TriggerAsync(ctx, "c", "e", "d"))
			for range 2 {
				if err := client.Close(ctx); err != nil {
					t.Fatal(err)
				}
			}
			got := lines.lines(slog.LevelError)
			if len(got) != tt.want || tt.want == 1 && (!strings.Contains(got[0], "op=TriggerAsync") || !strings.Contains(got[0], "status 403")) {
				t.Errorf("logged %q, want %d lines with the operation and the reason", got, tt.want)
			}
		})
	}
}

// Without Close, the garbage collector finds out that nobody can look any more.
func TestAnErrorThatNobodyCanLookAtIsLogged(t *testing.T) {
	logged := make(chan string, 10)
	logger := slog.New(slog.NewTextHandler(sink(logged), nil))
	client := newClient(t, pusher.WithLogger(logger), over(func(*http.Request) (*http.Response, error) { return response(403, "no\n", nil), nil }))

	kept := client.TriggerAsync(t.Context(), "c", "e", "d")
	<-kept.Done()
	<-client.TriggerMultiAsync(t.Context(), []string{"c"}, "e", "d").Done()
	line := ""
	for line == "" && t.Context().Err() == nil {
		runtime.GC()
		select {
		case line = <-logged:
		default:
			runtime.Gosched()
		}
	}
	if !strings.Contains(line, "op=TriggerMultiAsync") {
		t.Errorf("logged %q, want the call whose future is gone", line)
	}
	if _, err := kept.Wait(t.Context()); !errors.Is(err, pusher.ErrForbidden) {
		t.Errorf("Wait = %v, want %v", err, pusher.ErrForbidden)
	}
	if err := client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(logged) != 0 {
		t.Errorf("logged also %q, want nothing: that error was looked at, or logged before", <-logged)
	}
}

// sink passes log lines on.
type sink chan<- string

func (s sink) Write(line []byte) (int, error) {
	s <- string(line)
	return len(line), nil
}
