package realtime

import (
	"context"
	"math/rand/v2"
	"time"
)

// stableAfter is how long a connection must have lasted so that the next delay is a
// short one again.
const stableAfter = 10 * time.Second

// A backoff computes delays before attempts. The zero number of attempts is the state
// after a success.
type backoff struct {
	min, max time.Duration
	attempts int
}

// next returns a random delay between min and an upper limit that starts with twice
// the minimum and doubles with each attempt, up to max. The first delay is 0 if
// atOnce.
func (b *backoff) next(atOnce bool) time.Duration {
	b.attempts++
	if atOnce && b.attempts == 1 {
		return 0
	}
	limit := b.min
	for n := 0; n < b.attempts && limit < b.max; n++ {
		if limit > b.max/2 { // doubling it could overflow
			limit = b.max
		} else {
			limit *= 2
		}
	}
	return b.min + rand.N(limit-b.min+1)
}

func (b *backoff) reset() { b.attempts = 0 }

// sleep returns false if ctx is done before d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
