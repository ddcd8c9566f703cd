package sqlpusher_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/sqlpusher"
)

type price struct {
	EUR float64 `json:"eur"`
}

var priceChanged = pusher.DefineEvent[price]("price-changed")

func TestStore_Add(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		a.run(a.store, sqlpusher.RelayConfig{})
		a.add(
			priceChanged.On("prices", price{9.5}),
			pusher.Event{Channel: "prices", Name: "text", Data: "not JSON, with U+0000: \x00, and '); DROP TABLE pusher_events; --", SocketID: "12.34"},
			pusher.Event{Channel: "prices", Name: "'); --", Data: map[string]string{"html": "<b>"}},
			pusher.Event{Channel: "orders-1", Name: "paid", Data: price{1}},
			pusher.Event{Channel: "orders-1", Name: "sent", Data: `{"n": 2}`},
		)
		epoch := a.epoch("orders-1")
		var prices, orders []string
		for _, e := range a.wait(5) {
			line := e.Name + " " + e.Data + " " + e.SocketID
			if e.Channel == "prices" {
				prices = append(prices, line)
			} else {
				orders = append(orders, line)
			}
		}
		equal(t, prices, []string{
			`price-changed {"eur":9.5} `,
			"text not JSON, with U+0000: \x00, and '); DROP TABLE pusher_events; -- 12.34",
			`'); -- {"html":"<b>"} `,
		})
		equal(t, orders, []string{
			`paid {"epoch":"` + epoch + `","seq":1,"data":{"eur":1}} `,
			`sent {"epoch":"` + epoch + `","seq":2,"data":{"n": 2}} `,
		})
		a.drained()
	})
}

func (a *app) epoch(channel string) string {
	a.t.Helper()
	p, err := a.store.Position(a.t.Context(), a.db, channel)
	if err != nil {
		a.t.Fatal(err)
	}
	return p.Epoch
}

func TestStore_Add_Rollback(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		failure := errors.New("out of stock")
		err := a.store.InTx(t.Context(), func(tx *sql.Tx) error {
			if err := a.store.Add(t.Context(), tx, pusher.Event{Channel: "orders-1", Name: "paid", Data: 1}); err != nil {
				return err
			}
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("InTx returned %v, want the error of the function", err)
		}
		a.add(pusher.Event{Channel: "orders-1", Name: "paid", Data: 2})
		a.run(a.store, sqlpusher.RelayConfig{})
		a.drained()
		equal(t, text(a.server.Events()), []string{`orders-1 paid {"epoch":"` + a.epoch("orders-1") + `","seq":1,"data":2}`})
	})
}

func TestStore_Add_Invalid(t *testing.T) {
	a := newApp(t, databases[0])
	many := make([]pusher.Event, 1001)
	for i := range many {
		many[i] = pusher.Event{Channel: "c", Name: "n"}
	}
	tests := []struct {
		name   string
		events []pusher.Event
		want   error
	}{
		{"channel", []pusher.Event{{Channel: "a b", Name: "n"}}, pusher.ErrInvalid},
		{"second event", []pusher.Event{{Channel: "a", Name: "n"}, {Channel: "a", Name: "pusher:n"}}, pusher.ErrInvalid},
		{"socket ID", []pusher.Event{{Channel: "a", Name: "n", SocketID: "x"}}, pusher.ErrInvalid},
		{"info", []pusher.Event{{Channel: "a", Name: "n", Info: []pusher.Attribute{pusher.UserCount}}}, pusher.ErrInvalid},
		{"too large", []pusher.Event{{Channel: "a", Name: "n", Data: strings.Repeat("x", 10241)}}, pusher.ErrTooLarge},
		{"too large when encrypted", []pusher.Event{{Channel: "private-encrypted-a", Name: "n", Data: strings.Repeat("x", 10000)}}, pusher.ErrTooLarge},
		{"too large for history", []pusher.Event{{Channel: "orders", Name: "n", Data: `"` + strings.Repeat("x", 1<<20-1) + `"`}}, pusher.ErrTooLarge},
		{"no JSON with history", []pusher.Event{{Channel: "orders", Name: "n", Data: "text"}}, pusher.ErrInvalid},
		{"too many", many, pusher.ErrInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := a.store.Add(t.Context(), a.db, test.events...); !errors.Is(err, test.want) || !errors.Is(err, pusher.ErrInvalid) {
				t.Errorf("Add returned %v, want %v", err, test.want)
			}
		})
	}
	if err := a.store.Add(t.Context(), a.db); err != nil {
		t.Errorf("Add without events: %v", err)
	}
	if n := a.stats().Pending; n != 0 {
		t.Errorf("%d events were written, want none", n)
	}
}

// Concurrent transactions over several channels neither deadlock nor skip a number, and
// the order of IDs is that of the numbers.
func TestStore_Add_Concurrent(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		a := newApp(t, d)
		const workers, rounds = 8, 40
		var wg sync.WaitGroup
		for worker := range workers {
			wg.Go(func() {
				for round := range rounds {
					var events []pusher.Event
					for i := range 5 {
						channel := fmt.Sprintf("orders-%d", (worker*round+i*(1+worker%3))%7)
						events = append(events, pusher.Event{Channel: channel, Name: "n", Data: i})
					}
					a.add(events...)
				}
			})
		}
		wg.Wait()
		rows, err := a.db.QueryContext(t.Context(), "SELECT channel, seq FROM pusher_events ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		last, total := map[string]int64{}, 0
		for rows.Next() {
			var channel string
			var seq int64
			if err := rows.Scan(&channel, &seq); err != nil {
				t.Fatal(err)
			}
			if last[channel]++; seq != last[channel] {
				t.Fatalf("%s: number %d is followed by %d", channel, last[channel]-1, seq)
			}
			total++
		}
		if err := rows.Err(); err != nil || total != workers*rounds*5 {
			t.Errorf("%d events, error %v, want %d", total, err, workers*rounds*5)
		}
	})
}
