package pusher_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

func TestFuture_Then(t *testing.T) {
	for _, status := range []int{200, 403} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, over(after(time.Second, respond(status, "{}"))))
				var mu sync.Mutex
				var calls []string // guarded by mu
				called := func() []string {
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(calls)
				}
				record := func(text string) func(*pusher.TriggerResult, error) {
					return func(result *pusher.TriggerResult, err error) {
						if (status == 200) != (result != nil && err == nil) || errors.Is(err, pusher.ErrForbidden) == (status == 200) {
							t.Errorf("Then called its function with %v, %v after status %d", result, err, status)
						}
						mu.Lock()
						defer mu.Unlock()
						calls = append(calls, text)
					}
				}
				f := client.TriggerAsync(t.Context(), "c", "e", "d").
					Then(record("first")).
					Then(func(*pusher.TriggerResult, error) { panic("oops") }).
					Then(record("second"))
				if got := called(); len(got) != 0 {
					t.Errorf("%q ran before the call ended", got)
				}
				if err := client.Close(t.Context()); err != nil {
					t.Errorf("Close = %v, want no error", err)
				}
				if got, want := called(), []string{"first", "second"}; !slices.Equal(got, want) {
					t.Errorf("functions that ran before Close returned: %q, want %q", got, want)
				}
				f.Then(record("late"))
				if got, want := called(), []string{"first", "second", "late"}; !slices.Equal(got, want) {
					t.Errorf("functions that ran after the end: %q, want %q", got, want)
				}
			})
		})
	}
}

func TestFuture_Wait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, over(after(time.Second, respond(200, "{}"))))
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

// TestFuture_Log checks that a failure is logged once, also if the program observes it.
func TestFuture_Log(t *testing.T) {
	var lines logs
	f := newClient(t, lines.option(), over(respond(403, "no"))).TriggerAsync(t.Context(), "c", "e", "d").Then(func(*pusher.TriggerResult, error) {})
	for range 2 {
		if _, err := f.Wait(t.Context()); !errors.Is(err, pusher.ErrForbidden) {
			t.Errorf("Wait = %v, want %v", err, pusher.ErrForbidden)
		}
	}
	got := lines.lines(slog.LevelWarn)
	if len(got) != 1 || !strings.Contains(got[0], "op=TriggerAsync") || !strings.Contains(got[0], "status 403") {
		t.Errorf("logged %q, want one line with the operation and the status", got)
	}
}
