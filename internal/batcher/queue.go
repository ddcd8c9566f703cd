package batcher

import (
	"container/list"
	"slices"
	"time"
)

// An item is a value that was pushed.
type item[T any] struct {
	value    T
	number   uint64 // of the order of Push
	pushed   time.Time
	deadline time.Time
	extended bool // deadline was extended
	group    any
	key      *key[T]
	pending  *list.Element
	limit    int // maximum size of its next batch; 0 if it is not suspected of making batches fail
	attempts int
	failures int   // attempts that are retried because the server failed or throttled
	err      error // of the last attempt
}

// A key is the queue of the items with one key. It exists while it has items.
type key[T any] struct {
	name    string
	items   []*item[T]
	taken   int // number of its first items that are in a batch
	retryAt time.Time
}

// A batch is a number of items that are sent, or reported, together.
type batch[T any] struct {
	items   []*item[T]
	keys    []*key[T]
	sent    time.Time // zero if it is reported without having been sent
	probe   bool
	outcome Outcome
}

// queues are the keys. A key is in ready, in delayed, or has items in a batch.
type queues[T any] struct {
	keys       map[string]*key[T]
	ready      []*key[T] // in the order in which they became ready
	readyItems int       // number of all items of the ready keys
	delayed    []*key[T] // waiting for retryAt
}

func (q *queues[T]) push(name string, it *item[T]) {
	k := q.keys[name]
	if k == nil {
		k = &key[T]{name: name}
		q.keys[name] = k
		q.ready = append(q.ready, k)
	}
	it.key = k
	k.items = append(k.items, it)
	if k.taken == 0 && k.retryAt.IsZero() {
		q.readyItems++
	}
}

// put makes a key that is not in a batch ready, at a later time if that is not zero.
func (q *queues[T]) put(k *key[T], at time.Time) {
	k.taken, k.retryAt = 0, at
	switch {
	case len(k.items) == 0:
		delete(q.keys, k.name)
	case at.IsZero():
		q.ready = append(q.ready, k)
		q.readyItems += len(k.items)
	default:
		q.delayed = append(q.delayed, k)
	}
}

// endDelays makes the keys ready whose delay is over. It returns when the next delay
// ends, at most an hour from now.
func (q *queues[T]) endDelays(now time.Time) (next time.Time) {
	next = now.Add(time.Hour)
	waiting := q.delayed[:0]
	for _, k := range q.delayed {
		if !k.retryAt.After(now) {
			q.put(k, time.Time{})
			continue
		}
		waiting = append(waiting, k)
		next = earlier(next, k.retryAt)
	}
	clear(q.delayed[len(waiting):])
	q.delayed = waiting
	return next
}

// take removes the next batch from the ready keys, of which there is at least one.
// It consists of a group if that makes a larger batch. Items that have failed are
// batched with others that may be in a batch of the same size only, so that the
// halves of a batch stay apart.
func (q *queues[T]) take(maxBatch, maxGroup int) *batch[T] {
	first := q.ready[0].items[0]
	if first.limit > 0 {
		maxBatch, maxGroup = min(maxBatch, first.limit), min(maxGroup, first.limit)
	}
	var b batch[T]
	if n := q.groupSize(maxGroup); n > maxBatch {
		for _, k := range q.ready[:n] {
			b.add(k, 1)
		}
	} else {
		for _, k := range q.ready {
			n := 0
			for n < min(len(k.items), maxBatch-len(b.items)) && k.items[n].limit == first.limit {
				n++
			}
			if n == 0 {
				break
			}
			b.add(k, n)
		}
	}
	for _, k := range b.keys {
		q.readyItems -= len(k.items)
	}
	clear(q.ready[:len(b.keys)])
	q.ready = q.ready[len(b.keys):]
	return &b
}

// groupSize returns how many of the first ready keys start with an item of the same
// group.
func (q *queues[T]) groupSize(most int) int {
	first := q.ready[0].items[0]
	if first.group == nil {
		return 0
	}
	n := 1
	for n < min(len(q.ready), most) && q.ready[n].items[0].group == first.group && q.ready[n].items[0].limit == first.limit {
		n++
	}
	return n
}

// takeAll removes the items, which are the first ones of their keys, as a batch.
func (q *queues[T]) takeAll(items []*item[T]) *batch[T] {
	var b batch[T]
	for _, it := range items {
		if it.key.taken == 0 {
			b.keys = append(b.keys, it.key)
			if it.key.retryAt.IsZero() {
				q.readyItems -= len(it.key.items)
			}
		}
		it.key.taken++
	}
	b.items = items
	taken := func(k *key[T]) bool { return k.taken > 0 }
	q.ready = slices.DeleteFunc(q.ready, taken)
	q.delayed = slices.DeleteFunc(q.delayed, taken)
	return &b
}

// add adds the first n items of a key.
func (b *batch[T]) add(k *key[T], n int) {
	k.taken = n
	b.keys = append(b.keys, k)
	b.items = append(b.items, k.items[:n]...)
}

// drop removes the items that are in a batch.
func (k *key[T]) drop() {
	clear(k.items[:k.taken])
	k.items = k.items[k.taken:]
}
