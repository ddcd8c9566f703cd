package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// receiver is a handler whose function has the given outcomes, one per call; further
// calls succeed.
type receiver struct {
	http.Handler
	log   bytes.Buffer
	calls atomic.Int32
}

func newReceiver(t *testing.T, duplicates webhook.Option, outcomes ...func() error) *receiver {
	t.Helper()
	r := new(receiver)
	r.Handler = newVerifier(t, duplicates, webhook.WithLogger(textLogger(&r.log))).Handler(func(_ context.Context, hook *webhook.Webhook) error {
		hook.ID = "changed by the function"
		call := int(r.calls.Add(1))
		if call > len(outcomes) {
			return nil
		}
		return outcomes[call-1]()
	})
	return r
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

func fails() error { return errors.New("the database is down") }

func TestWithDuplicateFilter(t *testing.T) {
	filter := webhook.WithDuplicateFilter(5*time.Minute, 2)
	tests := []struct {
		name string
		test func(*testing.T)
	}{
		{"window", func(t *testing.T) {
			r := newReceiver(t, filter)
			r.expect(t, 1, http.StatusOK, 1)
			r.expect(t, 1, http.StatusOK, 1)
			r.expect(t, 2, http.StatusOK, 2)
			time.Sleep(5*time.Minute - time.Nanosecond)
			r.expect(t, 1, http.StatusOK, 2)
			time.Sleep(time.Nanosecond)
			r.expect(t, 1, http.StatusOK, 3)
			r.expect(t, 1, http.StatusOK, 3)
		}},
		{"entries", func(t *testing.T) {
			r := newReceiver(t, filter)
			for n := range 3 {
				r.expect(t, n, http.StatusOK, n+1)
			}
			r.expect(t, 1, http.StatusOK, 3)
			r.expect(t, 2, http.StatusOK, 3)
			r.expect(t, 0, http.StatusOK, 4)
		}},
		{"one entry", func(t *testing.T) {
			r := newReceiver(t, webhook.WithDuplicateFilter(time.Nanosecond, 1))
			r.expect(t, 1, http.StatusOK, 1)
			r.expect(t, 1, http.StatusOK, 1)
			time.Sleep(time.Nanosecond)
			r.expect(t, 1, http.StatusOK, 2)
		}},
		{"failure", func(t *testing.T) {
			r := newReceiver(t, filter, fails)
			r.expect(t, 1, http.StatusInternalServerError, 1)
			r.expect(t, 1, http.StatusOK, 2)
			r.expect(t, 1, http.StatusOK, 2)
		}},
		{"panic", func(t *testing.T) {
			r := newReceiver(t, filter, func() error { panic("handler") })
			func() {
				defer func() { _ = recover() }()
				r.deliver(t.Context(), 1)
			}()
			r.expect(t, 1, http.StatusOK, 2)
			r.expect(t, 1, http.StatusOK, 2)
		}},
		{"while the first is handled", func(t *testing.T) {
			release := make(chan struct{})
			r := newReceiver(t, filter, func() error { <-release; return nil })
			first := make(chan int)
			go func() { first <- r.deliver(t.Context(), 1) }()
			synctest.Wait()
			r.expect(t, 1, http.StatusServiceUnavailable, 1)
			r.expect(t, 2, http.StatusOK, 2) // another webhook
			disconnected, cancel := context.WithCancel(t.Context())
			cancel()
			if got := r.deliver(disconnected, 1); got != http.StatusServiceUnavailable {
				t.Errorf("status of a duplicate whose sender has disconnected = %d, want 503", got)
			}
			close(release)
			if got := <-first; got != http.StatusOK {
				t.Errorf("status of the first = %d, want 200", got)
			}
			r.expect(t, 1, http.StatusOK, 2)
			if log := r.log.String(); strings.Contains(log, "ERROR") || strings.Contains(log, "WARN") {
				t.Errorf("log = %s, want debug messages only", log)
			}
		}},
		{"function that outlives the lease", func(t *testing.T) {
			r := newReceiver(t, filter, func() error { time.Sleep(time.Minute + time.Second); return nil })
			first := make(chan int)
			go func() { first <- r.deliver(t.Context(), 1) }()
			time.Sleep(time.Minute - time.Nanosecond)
			r.expect(t, 1, http.StatusServiceUnavailable, 1)
			time.Sleep(time.Nanosecond)
			r.expect(t, 1, http.StatusOK, 2)
			if got := <-first; got != http.StatusOK {
				t.Errorf("status of the first = %d, want 200", got)
			}
			if log := r.log.String(); !strings.Contains(log, `level=ERROR msg="claim of webhook not ended"`) || !strings.Contains(log, `error="claim lost"`) {
				t.Errorf("log = %s, want that the first claim was lost", log)
			}
			r.expect(t, 1, http.StatusOK, 2)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { synctest.Test(t, tt.test) })
	}
}

// A scriptedStore returns the same results for each call and records the arguments.
type scriptedStore struct {
	state            webhook.ClaimState
	beginErr, endErr error
	endCtx           func(context.Context)
	calls            []string
}

func (s *scriptedStore) Begin(_ context.Context, id string, lease time.Duration) (string, webhook.ClaimState, error) {
	s.calls = append(s.calls, fmt.Sprint("Begin ", id, " ", lease))
	return "token", s.state, s.beginErr
}

func (s *scriptedStore) End(ctx context.Context, id, token string, handled bool, keep time.Duration) error {
	s.calls = append(s.calls, fmt.Sprint("End ", id, " ", token, " ", handled, " ", keep))
	if s.endCtx != nil {
		s.endCtx(ctx)
	}
	return s.endErr
}

func TestWithDuplicateStore(t *testing.T) {
	down := errors.New("the store is down")
	succeeds := func() error { return nil }
	const (
		begin = "Begin " + docsID + " 1m0s"
		end   = "End " + docsID + " token true 10m0s"
		free  = "End " + docsID + " token false 10m0s"
	)
	tests := []struct {
		name      string
		store     scriptedStore
		function  func() error // nil if it must not be called
		want      int
		wantCalls []string
		logged    string // empty: no line above level debug
	}{
		{"claimed", scriptedStore{state: webhook.Claimed}, succeeds, 200, []string{begin, end}, ""},
		{"claimed, function that fails", scriptedStore{state: webhook.Claimed}, fails, 500, []string{begin, free}, `level=ERROR msg="webhook handler failed"`},
		{"handled", scriptedStore{state: webhook.Handled}, nil, 200, []string{begin}, ""},
		{"running", scriptedStore{state: webhook.Running}, nil, 503, []string{begin}, ""},
		{"Begin fails", scriptedStore{state: webhook.Claimed, beginErr: down}, nil, 503, []string{begin}, `level=ERROR msg="webhook not claimed" id=` + docsID + ` error="the store is down"`},
		{"unknown state", scriptedStore{}, nil, 503, []string{begin}, "returned the unknown state 0"},
		{"End fails after success", scriptedStore{state: webhook.Claimed, endErr: down}, succeeds, 200, []string{begin, end}, `level=ERROR msg="claim of webhook not ended" id=` + docsID + ` handled=true error="the store is down"`},
		{"End fails after a failure", scriptedStore{state: webhook.Claimed, endErr: webhook.ErrClaimLost}, fails, 500, []string{begin, free}, `handled=false error="claim lost"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReceiver(t, webhook.WithDuplicateStore(&tt.store), tt.function)
			w := httptest.NewRecorder()
			r.ServeHTTP(w, delivery(docsBody))
			if called := r.calls.Load() == 1; w.Code != tt.want || called != (tt.function != nil) {
				t.Errorf("status %d, function called: %t, want %d and %t", w.Code, called, tt.want, tt.function != nil)
			}
			if got := strings.Join(tt.store.calls, "\n"); got != strings.Join(tt.wantCalls, "\n") {
				t.Errorf("the handler called\n%s\nwant\n%s", got, strings.Join(tt.wantCalls, "\n"))
			}
			log := r.log.String()
			if quiet := !strings.Contains(log, "ERROR") && !strings.Contains(log, "WARN"); !strings.Contains(log, tt.logged) || quiet != (tt.logged == "") {
				t.Errorf("log = %s, want %q", log, tt.logged)
			}
		})
	}
}

// The outcome of the function is stored even if the sender has disconnected, and a
// store that hangs does not block the response forever.
func TestWithDuplicateStore_ContextOfEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type contextKey struct{}
		ctx, disconnect := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "value"))
		store := &scriptedStore{state: webhook.Claimed, endCtx: func(end context.Context) {
			if end.Err() != nil || end.Value(contextKey{}) != "value" {
				t.Errorf("the context of End has error %v and value %v, want none and the value of the request", end.Err(), end.Value(contextKey{}))
			}
			start := time.Now()
			<-end.Done()
			if got := time.Since(start); got != 5*time.Second {
				t.Errorf("the context of End ends after %v, want 5s", got)
			}
		}}
		r := newReceiver(t, webhook.WithDuplicateStore(store), func() error { disconnect(); return nil })
		if got := r.deliver(ctx, 1); got != http.StatusOK {
			t.Errorf("status = %d, want 200", got)
		}
	})
}

// A sender that disconnects while Begin runs is no failure of the store.
func TestWithDuplicateStore_Disconnected(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := newReceiver(t, webhook.WithDuplicateStore(&scriptedStore{beginErr: context.Canceled}))
	if got := r.deliver(ctx, 1); got != http.StatusServiceUnavailable {
		t.Errorf("status = %d, want 503", got)
	}
	if log := r.log.String(); !strings.Contains(log, `level=WARN msg="webhook not claimed"`) {
		t.Errorf("log = %s, want a warning", log)
	}
}

func TestVerifier_WithoutDuplicateStore(t *testing.T) {
	r := newReceiver(t, webhook.WithMaxAge(100*365*24*time.Hour))
	r.expect(t, 1, http.StatusOK, 1)
	r.expect(t, 1, http.StatusOK, 2)
}

func TestVerifier_Parse_Duplicate(t *testing.T) {
	verifier := newVerifier(t, webhook.WithDuplicateFilter(time.Hour, 100))
	for range 2 {
		if _, err := verifier.Parse(delivery(docsBody)); err != nil {
			t.Errorf("Parse = %v, want each of two equal deliveries", err)
		}
	}
}
