package batcher

import (
	"container/list"
	"math/rand/v2"
	"slices"
	"time"
)

// An item is a value that was pushed.
type item[T any] struct {
	value    T
	number   uint64 // of the order of Push
	pushed   time.Time
	deadline time.Time
	group    any
	size     int // bytes that it adds to a batch
	// memberSize is how many bytes the item adds to a batch with others of its group.
	memberSize int

	key      *key[T]
	pending  *list.Element
	limit    int // maximum size of its next batch; 0 if it is not suspected of making batches fail
	attempts int
	failures int   // attempts that are retried because the server failed or throttled
	suspect  bool  // a request with this item alone failed
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
	items    []*item[T] // the first ones of their keys
	keys     []*key[T]
	sent     time.Time
	probe    bool
	outcome  Outcome
	reported int // number of its first items that were passed to OnResult
}

// queues are the keys. A key is in ready, in delayed, or has items in a batch.
type queues[T any] struct {
	keys       map[string]*key[T]
	ready      []*key[T] // in the order in which they became ready
	readyItems int       // number of all items of the ready keys
	delayed    []*key[T] // in the order of retryAt
	maxBytes   int       // maximum sum of the sizes of a batch with several items
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

// put makes a key that is not in a batch ready, at a later time if at is not zero.
func (q *queues[T]) put(k *key[T], at time.Time) {
	k.taken, k.retryAt = 0, at
	if len(k.items) == 0 {
		delete(q.keys, k.name)
	} else if at.IsZero() {
		q.ready = append(q.ready, k)
		q.readyItems += len(k.items)
	} else {
		i, _ := slices.BinarySearchFunc(q.delayed, at, func(k *key[T], at time.Time) int { return k.retryAt.Compare(at) })
		q.delayed = slices.Insert(q.delayed, i, k)
	}
}

// endDelays makes the keys ready whose delay is over. It returns when the next delay
// ends, or the zero time.
func (q *queues[T]) endDelays(now time.Time) (next time.Time) {
	for len(q.delayed) > 0 {
		k := q.delayed[0]
		if k.retryAt.After(now) {
			return k.retryAt
		}
		q.delayed = slices.Delete(q.delayed, 0, 1)
		q.put(k, time.Time{})
	}
	return time.Time{}
}

// take removes the next batch from the ready keys, of which there is at least one. It
// consists of a group if that makes a larger batch.
func (q *queues[T]) take(maxBatch, maxGroup int) *batch[T] {
	items := q.collect(maxBatch, nil)
	if group := items[0].group; group != nil {
		members := q.collect(maxGroup, group)
		if len(members) > len(items) {
			items = members
		}
	}
	b := q.claim(items)
	clear(q.ready[:len(b.keys)])
	q.ready = q.ready[len(b.keys):]
	return b
}

// chooseProbe moves a random ready key to the front, if possible one whose first item
// is not suspect.
func (q *queues[T]) chooseProbe() {
	for _, i := range rand.Perm(len(q.ready)) {
		q.ready[0], q.ready[i] = q.ready[i], q.ready[0]
		if !q.ready[0].items[0].suspect {
			return
		}
	}
}

// collect returns up to n items that may share a batch with the first ready one, if
// group is not nil only members of it. Items that have failed are batched with others
// of the same limit only, so that the halves of a batch stay apart.
func (q *queues[T]) collect(n int, group any) (items []*item[T]) {
	limit := q.ready[0].items[0].limit
	if limit > 0 {
		n = min(n, limit)
	}
	size := 0
	for _, k := range q.ready {
		before := len(items)
		for _, it := range k.items {
			if len(items) == n || it.limit != limit || group != nil && it.group != group {
				break
			}
			if group != nil && len(items) > 0 {
				size += it.memberSize
			} else {
				size += it.size
			}
			if len(items) > 0 && size > q.maxBytes {
				return items
			}
			items = append(items, it)
		}
		if len(items) == before {
			break
		}
	}
	return items
}

// takeAll removes the items, which are the first ones of their keys, as a batch.
func (q *queues[T]) takeAll(items []*item[T]) *batch[T] {
	b := q.claim(items)
	taken := func(k *key[T]) bool { return k.taken > 0 }
	q.ready = slices.DeleteFunc(q.ready, taken)
	q.delayed = slices.DeleteFunc(q.delayed, taken)
	return b
}

// claim makes a batch of the items, which are the first ones of their keys.
func (q *queues[T]) claim(items []*item[T]) *batch[T] {
	b := &batch[T]{items: items}
	for _, it := range items {
		if it.key.taken == 0 {
			b.keys = append(b.keys, it.key)
			if it.key.retryAt.IsZero() {
				q.readyItems -= len(it.key.items)
			}
		}
		it.key.taken++
	}
	return b
}

// drop removes the items that are in a batch.
func (k *key[T]) drop() {
	clear(k.items[:k.taken])
	k.items = k.items[k.taken:]
}
