//go:build interop

package interop_test

import (
	"context"
	"slices"
	"sync"
)

// A journal is a growing list that a test can wait on. Any number of goroutines
// may use it. newJournal makes one.
type journal[T any] struct {
	mu      sync.Mutex
	entries []T
	more    chan struct{} // closed when entries has grown
}

func newJournal[T any]() *journal[T] { return &journal[T]{more: make(chan struct{})} }

func (j *journal[T]) add(entries ...T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, entries...)
	close(j.more)
	j.more = make(chan struct{})
}

// all returns the entries there are, and what is closed once there are more.
func (j *journal[T]) all() ([]T, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clip(j.entries), j.more
}

// wait returns the index of the first entry that match is true for. Without one
// in time it is the context's error.
func (j *journal[T]) wait(ctx context.Context, match func(int, T) bool) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for next := 0; ; {
		entries, more := j.all()
		for ; next < len(entries); next++ {
			if match(next, entries[next]) {
				return next, nil
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}
