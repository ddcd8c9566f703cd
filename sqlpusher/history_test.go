package sqlpusher_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/sqlpusher"
)

type historyResponse struct {
	Epoch    string
	Seq      int64
	Complete bool
	Events   []struct {
		Seq  int64
		Name string
		Data json.RawMessage
	}
}

// get requests the history, and returns the status code and the response.
func (a *app) get(query string) (int, historyResponse) {
	a.t.Helper()
	recorder := httptest.NewRecorder()
	handler := a.store.Handler(func(_ *http.Request, channel string) error {
		switch channel {
		case "orders-secret":
			return fmt.Errorf("not yours: %w", auth.ErrForbidden)
		case "orders-broken":
			return errors.New("the session store is down")
		}
		return nil
	})
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/history?"+query, nil))
	if got := recorder.Header().Get("Cache-Control"); got != "no-store" {
		a.t.Errorf("Cache-Control %q, want no-store", got)
	}
	var response historyResponse
	if recorder.Code == http.StatusOK {
		if err := json.Unmarshal(recorder.Body.Bytes(), &response); err != nil {
			a.t.Fatalf("%s: %v", recorder.Body, err)
		}
	}
	return recorder.Code, response
}

func (a *app) numbers(query string) string {
	a.t.Helper()
	status, response := a.get(query)
	var numbers []int64
	for _, e := range response.Events {
		numbers = append(numbers, e.Seq)
	}
	return fmt.Sprint(status, " ", response.Complete, " ", response.Seq, " ", numbers)
}

func TestStore_Handler(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		for i := range 5 {
			a.add(pusher.Event{Channel: "orders-1", Name: "paid", Data: i}, pusher.Event{Channel: "orders-2", Name: "paid", Data: i})
		}
		epoch := a.epoch("orders-1")
		tests := []struct{ name, query, want string }{
			{"position", "channel=orders-1", "200 true 5 []"},
			{"all", "channel=orders-1&after=0&epoch=" + epoch, "200 true 5 [1 2 3 4 5]"},
			{"some", "channel=orders-1&after=3&epoch=" + epoch, "200 true 5 [4 5]"},
			{"none", "channel=orders-1&after=5&epoch=" + epoch, "200 true 5 []"},
			{"future", "channel=orders-1&after=6&epoch=" + epoch, "200 false 5 []"},
			{"other epoch", "channel=orders-1&after=3&epoch=x", "200 false 5 []"},
			{"empty channel", "channel=orders-9", "200 true 0 []"},
			{"empty channel after 0", "channel=orders-9&after=0&epoch=" + epoch, "200 true 0 []"},
			{"no epoch", "channel=orders-1&after=3", "400 false 0 []"},
			{"negative number", "channel=orders-1&after=-1&epoch=" + epoch, "400 false 0 []"},
			{"no number", "channel=orders-1&after=x&epoch=" + epoch, "400 false 0 []"},
			{"without history", "channel=news", "404 false 0 []"},
			{"no channel", "", "404 false 0 []"},
			{"forbidden", "channel=orders-secret", "403 false 0 []"},
			{"authorization fails", "channel=orders-broken", "500 false 0 []"},
			{"SQL", "channel=" + url.QueryEscape("orders'; DROP TABLE pusher_events; --"), "200 true 0 []"},
		}
		for _, test := range tests {
			if got := a.numbers(test.query); got != test.want {
				t.Errorf("%s: got %s, want %s", test.name, got, test.want)
			}
		}
		if _, response := a.get("channel=orders-1&after=4&epoch=" + epoch); string(response.Events[0].Data) != "4" || response.Events[0].Name != "paid" {
			t.Errorf("event %+v, want paid with 4", response.Events[0])
		}
	})
}

func TestStore_Handler_Pages(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		for range 3 {
			events := make([]pusher.Event, 500)
			for i := range events {
				events[i] = pusher.Event{Channel: "orders-1", Name: "n", Data: i}
			}
			a.add(events...)
		}
		large := `"` + strings.Repeat("x", 400_000) + `"`
		for range 5 {
			a.add(pusher.Event{Channel: "orders-2", Name: "n", Data: large})
		}
		a.add(pusher.Event{Channel: "orders-3", Name: "n", Data: `"` + strings.Repeat("x", 1<<20-2) + `"`})
		epoch := a.epoch("orders-1")
		if _, response := a.get("channel=orders-1&after=0&epoch=" + epoch); len(response.Events) != 1000 || !response.Complete || response.Seq != 1500 {
			t.Errorf("%d events, complete %v, newest %d, want 1,000 of 1,500", len(response.Events), response.Complete, response.Seq)
		}
		if got, want := a.numbers("channel=orders-2&after=0&epoch="+epoch), "200 true 5 [1 2 3]"; got != want {
			t.Errorf("large events: %s, want %s", got, want)
		}
		if got, want := a.numbers("channel=orders-3&after=0&epoch="+epoch), "200 true 1 [1]"; got != want {
			t.Errorf("one event of 1 MiB: %s, want %s", got, want)
		}
	})
}

// Events that a subscriber needs were deleted, or a backup was restored.
func TestStore_Handler_Incomplete(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		a.run(a.store, sqlpusher.RelayConfig{Retention: -1})
		a.add(pusher.Event{Channel: "orders-1", Name: "n", Data: 1}, pusher.Event{Channel: "news", Name: "n", Data: 1})
		a.drained()
		time.Sleep(20 * time.Millisecond)
		if n, err := a.store.Clean(t.Context(), 10*time.Millisecond); err != nil || n != 1 {
			t.Errorf("Clean deleted %d rows, error %v, want 1", n, err)
		}
		epoch := a.epoch("orders-1")
		if got, want := a.numbers("channel=orders-1&after=0&epoch="+epoch), "200 false 1 []"; got != want {
			t.Errorf("all deleted: %s, want %s", got, want)
		}
		a.add(pusher.Event{Channel: "orders-1", Name: "n", Data: 2})
		for after, want := range map[int]string{0: "200 false 2 []", 1: "200 true 2 [2]"} {
			if got := a.numbers(fmt.Sprintf("channel=orders-1&after=%d&epoch=%s", after, epoch)); got != want {
				t.Errorf("after %d: %s, want %s", after, got, want)
			}
		}
		if err := a.store.NewEpoch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := a.numbers("channel=orders-1&after=2&epoch="+epoch), "200 false 2 []"; got != want {
			t.Errorf("new epoch: %s, want %s", got, want)
		}
	})
}

func TestStore_Handler_Method(t *testing.T) {
	a := newApp(t, databases[0])
	recorder := httptest.NewRecorder()
	a.store.Handler(func(*http.Request, string) error { return nil }).ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", nil))
	if recorder.Code != http.StatusMethodNotAllowed || recorder.Header().Get("Allow") != "GET" {
		t.Errorf("status %d, Allow %q, want 405 and GET", recorder.Code, recorder.Header().Get("Allow"))
	}
}

// Data that is too large for an event is published without it.
func TestRelay_LargeData(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		a.run(a.store, sqlpusher.RelayConfig{})
		large := `"` + strings.Repeat("x", 1<<20-2) + `"`
		a.add(pusher.Event{Channel: "orders-1", Name: "n", Data: large}, pusher.Event{Channel: "private-encrypted-orders", Name: "n", Data: `"` + strings.Repeat("x", 9000) + `"`})
		epoch := a.epoch("orders-1")
		for _, e := range a.wait(2) {
			if want := `{"epoch":"` + epoch + `","seq":1}`; e.Channel == "orders-1" && e.Data != want {
				t.Errorf("published %s, want %s", e.Data, want)
			}
			if e.Channel != "orders-1" && len(e.Data) > 300 {
				t.Errorf("published %d encrypted bytes, want only a position", len(e.Data))
			}
		}
		_, response := a.get("channel=orders-1&after=0&epoch=" + epoch)
		if string(response.Events[0].Data) != large {
			t.Errorf("the handler returned %d bytes, want %d", len(response.Events[0].Data), len(large))
		}
		a.drained()
	})
}

func TestStore_Position(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		a.add(pusher.Event{Channel: "orders-1", Name: "n", Data: 1})
		err := a.store.InTx(t.Context(), func(tx *sql.Tx) error {
			if err := a.store.Add(t.Context(), tx, pusher.Event{Channel: "orders-1", Name: "n", Data: 2}); err != nil {
				return err
			}
			p, err := a.store.Position(t.Context(), tx, "orders-1")
			if err == nil && (p.Seq != 2 || len(p.Epoch) != 16) {
				t.Errorf("position %+v in the transaction, want 2", p)
			}
			return errors.Join(err, sql.ErrTxDone)
		})
		if !errors.Is(err, sql.ErrTxDone) {
			t.Fatal(err)
		}
		if p, err := a.store.Position(t.Context(), a.db, "orders-1"); err != nil || p.Seq != 1 {
			t.Errorf("position %+v, error %v after the rollback, want 1", p, err)
		}
	})
}

func TestScriptHandler(t *testing.T) {
	recorder := httptest.NewRecorder()
	sqlpusher.ScriptHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/catchup.js", nil))
	if !strings.Contains(recorder.Body.String(), "export function catchUp(") || recorder.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("status %d, header %v, %d bytes", recorder.Code, recorder.Header(), recorder.Body.Len())
	}
}
