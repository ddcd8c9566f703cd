package sqlpusher_test

import (
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

func TestStore_Once(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		rollback := errors.New("rollback")
		once := func(id string, result error) (first bool) {
			err := a.store.InTx(t.Context(), func(tx *sql.Tx) (err error) {
				if first, err = a.store.Once(t.Context(), tx, id); err != nil {
					return err
				}
				return result
			})
			if err != nil && !errors.Is(err, rollback) {
				t.Error(err)
			}
			return first
		}
		if !once("a", rollback) {
			t.Error("the first call is not the first")
		}
		if !once("a", nil) {
			t.Error("the call after a rollback is not the first")
		}
		if once("a", nil) {
			t.Error("the call after a commit is the first")
		}
		var firsts atomic.Int32
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if once("b", nil) {
					firsts.Add(1)
				}
			})
		}
		wg.Wait()
		if firsts.Load() != 1 {
			t.Errorf("%d of 10 concurrent calls are the first, want 1", firsts.Load())
		}
	})
}

func TestStore_Duplicates(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		store := a.store.Duplicates()
		begin := func(id string, lease time.Duration, want webhook.ClaimState) string {
			t.Helper()
			token, state, err := store.Begin(t.Context(), id, lease)
			if err != nil || state != want {
				t.Errorf("Begin(%s) returned state %d, error %v, want %d", id, state, err, want)
			}
			return token
		}
		end := func(id, token string, handled bool, want error) {
			t.Helper()
			if err := store.End(t.Context(), id, token, handled, time.Minute); !errors.Is(err, want) {
				t.Errorf("End(%s) returned %v, want %v", id, err, want)
			}
		}
		token := begin("handled", time.Minute, webhook.Claimed)
		begin("handled", time.Minute, webhook.Running)
		end("handled", token, true, nil)
		begin("handled", time.Minute, webhook.Handled)
		end("handled", token, true, webhook.ErrClaimLost)

		token = begin("failed", time.Minute, webhook.Claimed)
		end("failed", token, false, nil)
		begin("failed", time.Minute, webhook.Claimed)

		lost := begin("expired", time.Millisecond, webhook.Claimed)
		time.Sleep(10 * time.Millisecond)
		token = begin("expired", time.Minute, webhook.Claimed)
		end("expired", lost, true, webhook.ErrClaimLost)
		end("expired", lost, false, webhook.ErrClaimLost)
		end("expired", token, true, nil)

		// The process dies after the transaction of Once.
		token = begin("once", 10*time.Millisecond, webhook.Claimed)
		if first, err := a.store.Once(t.Context(), a.db, "once"); err != nil || !first {
			t.Errorf("Once returned %v, %v, want true during a claim", first, err)
		}
		time.Sleep(20 * time.Millisecond)
		begin("once", time.Minute, webhook.Handled)
		end("once", token, false, nil)
		begin("once", time.Minute, webhook.Handled)
		if first, err := a.store.Once(t.Context(), a.db, "handled"); err != nil || first {
			t.Errorf("Once returned %v, %v, want false after End", first, err)
		}
	})
}

func TestStore_Clean(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		for _, id := range []string{"a", "b"} {
			if _, _, err := a.store.Duplicates().Begin(t.Context(), id, time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.store.Once(t.Context(), a.db, "c"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		if n, err := a.store.Clean(t.Context(), time.Hour); err != nil || n != 2 {
			t.Errorf("Clean deleted %d rows, error %v, want the 2 expired claims", n, err)
		}
	})
}
