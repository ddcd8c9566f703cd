//go:build interop

package interop_test

import (
	"context"
	"slices"
	"sync"
)

// An eventLog is a list that goroutines append to while a test waits for entries. It
// is safe for concurrent use.
type eventLog[T any] struct {
	mu      sync.Mutex
	entries []T
	added   chan struct{} // closed by the next add
}

func newEventLog[T any]() *eventLog[T] { return &eventLog[T]{added: make(chan struct{})} }

func (l *eventLog[T]) add(entries ...T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entries...)
	close(l.added)
	l.added = make(chan struct{})
}

// all returns the current entries, and a channel that is closed by the next add.
func (l *eventLog[T]) all() ([]T, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.entries), l.added
}

// wait returns the index of the first entry that match returns true for. It returns
// an error if there is none within the timeout.
func (l *eventLog[T]) wait(ctx context.Context, match func(int, T) bool) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for next := 0; ; {
		entries, added := l.all()
		for ; next < len(entries); next++ {
			if match(next, entries[next]) {
				return next, nil
			}
		}
		select {
		case <-added:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}
