package batcher

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A server that fails at random in every way, with latencies that overlap: items of a
// key are accepted in order and reported in order.
func TestBatcher_OrderPerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := newServer(t, func([]event) error {
			switch n++; {
			case n%7 == 0:
				return errRetry
			case n%11 == 0:
				return throttle(0)
			case n%13 == 0:
				return errSplit
			}
			return nil
		})
		s.latency = 3 * ms
		b := start(s, func(c *Config[event]) { c.MaxBatch = always(4); c.Linger = ms })
		for i := range 3000 {
			push(t, b, fmt.Sprint("k", i%37), fmt.Sprintf("%05d", i))
		}
		flushAll(t, b)
		for _, list := range [][]event{s.acceptedItems(), items(s.reported())} {
			last := map[string]string{}
			for _, e := range list {
				if e.text <= last[e.key] {
					t.Errorf("key %s: %s after %s", e.key, e.text, last[e.key])
				}
				last[e.key] = e.text
			}
			if len(last) != 37 {
				t.Errorf("%d keys, want 37", len(last))
			}
		}
		if len(s.reported()) != 3000 {
			t.Errorf("%d results, want 3000", len(s.reported()))
		}
	})
}

func TestBatcher_Groups(t *testing.T) {
	group := func(name string, from, to int) (list []event) {
		for i := from; i < to; i++ {
			list = append(list, event{key: fmt.Sprint("k", i), text: name, group: name})
		}
		return list
	}
	tests := []struct {
		name     string
		maxBatch int
		push     []event
		want     []int // sizes
	}{
		{"more than MaxGroup", 10, group("g", 0, 250), []int{100, 100, 50}},
		{"a small group shares a batch", 10, append(group("g", 0, 5), group("h", 5, 8)...), []int{8}},
		{"two groups", 10, append(group("g", 0, 20), group("h", 20, 50)...), []int{20, 30}},
		{"without batches", 1, append(group("g", 0, 5), event{key: "x"}, event{key: "y"}), []int{5, 1, 1}},
		{"a key in both", 10, append(group("g", 0, 20), group("h", 0, 20)...), []int{20, 20}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sizes []int
				s := newServer(t, func(batch []event) error { sizes = append(sizes, len(batch)); return nil })
				b := start(s, func(c *Config[event]) { c.Concurrency = 1; c.MaxBatch = always(tt.maxBatch) })
				if n, err := b.Push(t.Context(), true, tt.push...); n != len(tt.push) || err != nil {
					t.Fatalf("Push = %d, %v", n, err)
				}
				flushAll(t, b)
				if !slices.Equal(sizes, tt.want) {
					t.Errorf("batches of %d, want %d", sizes, tt.want)
				}
			})
		})
	}
}

func TestBatcher_Split(t *testing.T) {
	tests := []struct {
		bad  string
		most int // requests
	}{{"3", 9}, {"0", 9}, {"9", 9}, {"0 1", 9}, {"4 5 9", 17}, {"0 1 2 3 4 5 6 7 8 9", 19}}
	for _, tt := range tests {
		t.Run(tt.bad, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := strings.Fields(tt.bad)
				s := newServer(t, func(batch []event) error {
					if slices.ContainsFunc(batch, func(e event) bool { return slices.Contains(bad, e.text) }) {
						return errSplit
					}
					return nil
				})
				b := start(s, func(c *Config[event]) { c.Concurrency = 1 })
				if _, err := b.Push(t.Context(), true, batchOf("a", numbers(10)...)...); err != nil {
					t.Fatal(err)
				}
				flushAll(t, b)
				want := strings.Join(slices.DeleteFunc(numbers(10), func(s string) bool { return slices.Contains(bad, s) }), " ")
				if got := texts(s.acceptedItems()); got != want {
					t.Errorf("accepted %q, want %q", got, want)
				}
				for _, r := range s.reported() {
					if failed := r.Outcome == Failed; failed != slices.Contains(bad, r.Item.text) {
						t.Errorf("outcome of %s is %v", r.Item.text, r.Outcome)
					}
				}
				if n := len(s.received()); n > tt.most || time.Since(s.start) != 0 {
					t.Errorf("%d requests in %v, want at most %d at once", n, time.Since(s.start), tt.most)
				}
			})
		})
	}
}

// Items that share no batch with the one at fault are sent once.
func TestBatcher_Split_Apart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(batch []event) error {
			if slices.ContainsFunc(batch, func(e event) bool { return e.text == "9" }) {
				return errSplit
			}
			return nil
		})
		s.latency = ms
		b := start(s, func(c *Config[event]) { c.Concurrency = 1 })
		for i, text := range numbers(10) {
			push(t, b, fmt.Sprint("k", i), text)
		}
		time.Sleep(3 * ms / 2) // the batch of 1 to 9 is in flight
		for i := range 50 {
			push(t, b, fmt.Sprint("other", i), "a", "b")
			time.Sleep(ms)
		}
		flushAll(t, b)
		for _, r := range s.reported() {
			if strings.HasPrefix(r.Item.key, "other") && r.Attempts != 1 {
				t.Errorf("item of %s had %d attempts, want 1", r.Item.key, r.Attempts)
			}
		}
	})
}

// Keys without items take no memory.
func TestBatcher_Keys_Are_Removed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(newServer(t, nil), nil)
		for i := range 1000 {
			push(t, b, fmt.Sprint("k", i), "1", "2")
		}
		flushAll(t, b)
		if n := len(b.queues.keys); n != 0 || b.queues.readyItems != 0 || len(b.queues.ready) != 0 {
			t.Errorf("%d keys, %d ready items, want none", n, b.queues.readyItems)
		}
	})
}

// A batch, or group, has at most MaxBytes, unless it is a single item.
func TestBatcher_MaxBytes(t *testing.T) {
	tests := []struct {
		name  string
		group any
		sizes []int
		want  []string
	}{
		{"batch", nil, []int{40, 30, 30, 1, 99, 2}, []string{"40 30 30", "1 99", "2"}},
		{"too large", nil, []int{101, 50, 150, 50}, []string{"101", "50", "150", "50"}},
		{"group", "g", []int{50, 50, 50, 50, 50, 50, 50}, []string{"50 50 50 50 50 50", "50"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, nil)
				b := start(s, func(c *Config[event]) {
					c.Concurrency = 1
					c.MaxBytes = 100
					c.Size = func(e event) (int, int) {
						n, _ := strconv.Atoi(e.text)
						return n, n / 5
					}
				})
				var list []event
				for i, size := range tt.sizes {
					list = append(list, event{key: fmt.Sprint("k", i), text: fmt.Sprint(size), group: tt.group})
				}
				if _, err := b.Push(t.Context(), true, list...); err != nil {
					t.Fatal(err)
				}
				flushAll(t, b)
				if got, _ := s.sent(); !slices.Equal(got, tt.want) {
					t.Errorf("sent %q, want %q", got, tt.want)
				}
			})
		})
	}
}
