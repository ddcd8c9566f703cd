package webhook

import (
	"context"
	"sync"
	"time"
)

// duplicates remembers the signatures of webhooks that were handled successfully,
// for the time window and up to limit of them. A nil *duplicates remembers none.
type duplicates struct {
	window time.Duration
	limit  int

	mu      sync.Mutex
	running map[string]chan struct{} // closed when the webhook has been handled
	handled map[string]struct{}
	expiry  []entry // of handled, oldest first
}

type entry struct {
	signature string
	expires   time.Time
}

func newDuplicates(window time.Duration, limit int) *duplicates {
	return &duplicates{
		window:  window,
		limit:   limit,
		running: make(map[string]chan struct{}),
		handled: make(map[string]struct{}),
	}
}

// once calls handle, unless a webhook with this signature has been handled
// successfully. If one is being handled, once waits for its outcome. If ctx is
// done first, once returns its cause.
func (d *duplicates) once(ctx context.Context, signature string, handle func() error) (duplicate bool, err error) {
	if d == nil {
		return false, handle()
	}
	if duplicate, err := d.begin(ctx, signature); duplicate || err != nil {
		return duplicate, err
	}
	succeeded := false
	defer func() { d.end(signature, succeeded) }() // a panic counts as a failure
	err = handle()
	succeeded = err == nil
	return false, err
}

func (d *duplicates) begin(ctx context.Context, signature string) (duplicate bool, err error) {
	for {
		duplicate, running := d.tryBegin(signature)
		if duplicate || running == nil {
			return duplicate, nil
		}
		select {
		case <-running:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// tryBegin marks the signature as running. If it is running already, tryBegin
// returns the channel that is closed at the end.
func (d *duplicates) tryBegin(signature string) (duplicate bool, running <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.evict(time.Now())
	if _, ok := d.handled[signature]; ok {
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
		d.handled[signature] = struct{}{}
		d.expiry = append(d.expiry, entry{signature, now.Add(d.window)})
		d.evict(now)
	}
}

// evict removes expired entries and those above the limit. All entries have the
// same lifetime, so the oldest expire first.
func (d *duplicates) evict(now time.Time) {
	for len(d.expiry) > 0 && (len(d.expiry) > d.limit || !now.Before(d.expiry[0].expires)) {
		delete(d.handled, d.expiry[0].signature)
		d.expiry[0] = entry{} // releases the string while the array is in use
		d.expiry = d.expiry[1:]
	}
}
