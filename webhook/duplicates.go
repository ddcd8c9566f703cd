package webhook

import (
	"context"
	"sync"
	"time"
)

// duplicates remembers the signatures of deliveries that succeeded, for window
// and at most limit of them. A nil *duplicates remembers none.
type duplicates struct {
	window time.Duration
	limit  int

	mu      sync.Mutex
	running map[string]chan struct{} // closed when the delivery has ended
	seen    map[string]struct{}
	order   []sighting // of seen, oldest first
}

type sighting struct {
	signature string
	until     time.Time
}

func newDuplicates(window time.Duration, limit int) *duplicates {
	return &duplicates{
		window:  window,
		limit:   limit,
		running: make(map[string]chan struct{}),
		seen:    make(map[string]struct{}),
	}
}

// once calls deliver, unless a delivery with this signature has succeeded. If one
// is running, once waits for its outcome, or for the end of ctx.
func (d *duplicates) once(ctx context.Context, signature string, deliver func() error) (repeat bool, err error) {
	if d == nil {
		return false, deliver()
	}
	if repeat, err := d.begin(ctx, signature); repeat || err != nil {
		return repeat, err
	}
	succeeded := false
	defer func() { d.end(signature, succeeded) }() // a panic passes through as a failure
	err = deliver()
	succeeded = err == nil
	return false, err
}

func (d *duplicates) begin(ctx context.Context, signature string) (repeat bool, err error) {
	for {
		repeat, running := d.enter(signature)
		if repeat || running == nil {
			return repeat, nil
		}
		select {
		case <-running:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// enter marks the delivery as running. If one is already, that one's channel is
// returned and nothing is marked.
func (d *duplicates) enter(signature string) (repeat bool, running <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(time.Now())
	if _, repeat = d.seen[signature]; repeat {
		return true, nil
	}
	if running, ok := d.running[signature]; ok {
		return false, running
	}
	d.running[signature] = make(chan struct{})
	return false, nil
}

func (d *duplicates) end(signature string, succeeded bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.running[signature])
	delete(d.running, signature)
	if succeeded {
		now := time.Now()
		d.seen[signature] = struct{}{}
		d.order = append(d.order, sighting{signature, now.Add(d.window)})
		d.forget(now)
	}
}

// forget drops what is too old and what is too much. All entries live equally
// long, so the oldest are the first.
func (d *duplicates) forget(now time.Time) {
	for len(d.order) > 0 && (len(d.order) > d.limit || !now.Before(d.order[0].until)) {
		delete(d.seen, d.order[0].signature)
		d.order[0] = sighting{}
		d.order = d.order[1:]
	}
}
