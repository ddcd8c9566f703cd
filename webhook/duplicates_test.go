package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// receiver is a handler with a duplicate filter. Its function has the given outcomes,
// one per call; further calls succeed.
type receiver struct {
	http.Handler
	calls atomic.Int32
}

func newReceiver(t *testing.T, window time.Duration, maxEntries int, outcomes ...func() error) *receiver {
	t.Helper()
	var r receiver
	verifier := newVerifier(t,
		webhook.WithDuplicateFilter(window, maxEntries),
		webhook.WithLogger(textLogger(new(bytes.Buffer))))
	r.Handler = verifier.Handler(func(context.Context, *webhook.Webhook) error {
		call := int(r.calls.Add(1))
		if call > len(outcomes) {
			return nil
		}
		return outcomes[call-1]()
	})
	return &r
}

// deliver sends the nth body and returns the status.
func (r *receiver) deliver(ctx context.Context, n int) int {
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, delivery(numbered(n)).WithContext(ctx))
	return recorder.Code
}

func (r *receiver) expect(t *testing.T, n, wantStatus, wantCalls int) {
	t.Helper()
	status := r.deliver(t.Context(), n)
	if got := int(r.calls.Load()); status != wantStatus || got != wantCalls {
		t.Errorf("delivery %d: status %d after %d calls in all, want %d after %d", n, status, got, wantStatus, wantCalls)
	}
}

func numbered(n int) string {
	return fmt.Sprintf(`{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"channel-%d"}]}`, n)
}

func TestWithDuplicateFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, time.Minute, 100)
		r.expect(t, 1, http.StatusOK, 1)
		r.expect(t, 1, http.StatusOK, 1)
		r.expect(t, 2, http.StatusOK, 2)
		time.Sleep(time.Minute - time.Nanosecond)
		r.expect(t, 1, http.StatusOK, 2)
		time.Sleep(time.Nanosecond)
		r.expect(t, 1, http.StatusOK, 3)
		r.expect(t, 1, http.StatusOK, 3)
	})
}

func TestWithDuplicateFilter_limit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, time.Hour, 2)
		r.expect(t, 1, http.StatusOK, 1)
		r.expect(t, 2, http.StatusOK, 2)
		r.expect(t, 3, http.StatusOK, 3)
		r.expect(t, 2, http.StatusOK, 3)
		r.expect(t, 3, http.StatusOK, 3)
		r.expect(t, 1, http.StatusOK, 4)
	})
}

func TestWithDuplicateFilter_failure(t *testing.T) {
	r := newReceiver(t, time.Hour, 100, func() error { return errors.New("the database is down") })
	r.expect(t, 1, http.StatusInternalServerError, 1)
	r.expect(t, 1, http.StatusOK, 2)
	r.expect(t, 1, http.StatusOK, 2)
}

func TestWithDuplicateFilter_panic(t *testing.T) {
	r := newReceiver(t, time.Hour, 100, func() error { panic("handler") })
	func() {
		defer func() { _ = recover() }()
		r.deliver(t.Context(), 1)
	}()
	r.expect(t, 1, http.StatusOK, 2)
	r.expect(t, 1, http.StatusOK, 2)
}

func TestWithDuplicateFilter_concurrent(t *testing.T) {
	tests := []struct {
		name      string
		outcome   error
		want      int // status of the first
		wantCalls int32
	}{
		{"first succeeds", nil, http.StatusOK, 1},
		{"first fails", errors.New("the database is down"), http.StatusInternalServerError, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				r := newReceiver(t, time.Hour, 100, func() error { <-release; return tt.outcome })
				first, duplicate := make(chan int, 1), make(chan int, 1)
				go func() { first <- r.deliver(t.Context(), 1) }()
				synctest.Wait()
				go func() { duplicate <- r.deliver(t.Context(), 1) }()
				synctest.Wait()
				select {
				case status := <-duplicate:
					t.Errorf("the duplicate got %d while the first was being handled, want that it waits", status)
				default:
				}
				r.expect(t, 2, http.StatusOK, 2) // another delivery does not wait

				close(release)
				if got := <-first; got != tt.want {
					t.Errorf("status of the first = %d, want %d", got, tt.want)
				}
				if got := <-duplicate; got != http.StatusOK {
					t.Errorf("status of the duplicate = %d, want %d", got, http.StatusOK)
				}
				if got := r.calls.Load() - 1; got != tt.wantCalls { // one was of delivery 2
					t.Errorf("the delivery was handled %d times, want %d", got, tt.wantCalls)
				}
			})
		})
	}
}

func TestWithDuplicateFilter_canceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := newReceiver(t, time.Hour, 100, func() error { <-release; return nil })
		first := make(chan int, 1)
		go func() { first <- r.deliver(t.Context(), 1) }()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if got := r.deliver(ctx, 1); got != http.StatusInternalServerError {
			t.Errorf("status of the duplicate = %d, want %d", got, http.StatusInternalServerError)
		}
		close(release)
		if got := <-first; got != http.StatusOK {
			t.Errorf("status of the first = %d, want %d", got, http.StatusOK)
		}
	})
}

func TestWithDuplicateFilter_default(t *testing.T) {
	calls := 0
	handler := newVerifier(t).Handler(func(context.Context, *webhook.Webhook) error {
		calls++
		return nil
	})
	for range 2 {
		handler.ServeHTTP(httptest.NewRecorder(), delivery(docsBody))
	}
	if calls != 2 {
		t.Errorf("two equal deliveries led to %d calls, want 2", calls)
	}
}

func TestWithDuplicateFilter_Parse(t *testing.T) {
	verifier := newVerifier(t, webhook.WithDuplicateFilter(time.Hour, 100))
	for range 2 {
		if _, err := verifier.Parse(delivery(docsBody)); err != nil {
			t.Errorf("Parse = %v, want each of two equal deliveries", err)
		}
	}
}
