package pusher

import (
	"context"
	"sync"
	"time"
)

// A brake spaces out the requests of all lanes. It is off until a server asks to
// be left alone, and is let go bit by bit as it accepts requests again.
type brake struct {
	least, most time.Duration // of gap, once the brake is on

	mu   sync.Mutex
	gap  time.Duration // between two requests; 0 when the brake is off
	next time.Time     // no request leaves before
}

// wait returns when a request may leave, or why the context ended first.
func (b *brake) wait(ctx context.Context) error {
	for {
		pause := b.depart(time.Now())
		if pause <= 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// depart lets a request go and returns 0, or returns for how long to wait and ask
// again: another refusal may have come by then.
func (b *brake) depart(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if pause := b.next.Sub(now); pause > 0 {
		return pause
	}
	if b.gap > 0 {
		b.next = now.Add(b.gap)
	}
	return 0
}

func (b *brake) refused(now time.Time, retryAfter time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gap = min(max(2*b.gap, b.least), b.most)
	if next := now.Add(max(b.gap, retryAfter)); next.After(b.next) {
		b.next = next
	}
}

func (b *brake) accepted() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gap -= b.gap / 8
	if b.gap < b.least/32 {
		b.gap = 0
	}
}
