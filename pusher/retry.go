package pusher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says how often and when a request is repeated. A zero field keeps the
// default.
type Retry struct {
	// Attempts is how often a request is sent at most, the first time included;
	// the default is 3, and 1 repeats nothing.
	Attempts int
	// BaseDelay is the longest pause before the second try; it doubles with each
	// further one. The pause is random between 0 and that ("full jitter"). The
	// default is 100 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest pause. A server that asks for a longer one with
	// Retry-After is not asked again. The default is 2 s.
	MaxDelay time.Duration
	// Publishes repeats events and other POST requests as queries are, also when
	// the first try may have been processed: subscribers may then get an event
	// twice, because Pusher has no idempotency key.
	Publishes bool
}

const longestDelay = 24 * time.Hour

var defaultRetry = Retry{Attempts: 3, BaseDelay: 100 * time.Millisecond, MaxDelay: 2 * time.Second}

// WithRetry changes when requests are repeated. Queries are repeated when the
// connection fails and on status 429 and 5xx. A POST is repeated only when it
// cannot have been processed: when connecting failed (not: when it took longer
// than [WithTimeout] allows), and on 429, unless [Retry.Publishes] says otherwise.
// Whatever the policy, a request that is refused because this machine's clock is
// wrong is signed again, once, with the server's time.
func WithRetry(policy Retry) Option {
	return func(c *config) error {
		if policy.Attempts < 0 || policy.BaseDelay < 0 || policy.MaxDelay < 0 {
			return fmt.Errorf("WithRetry(%+v): want no negative field", policy)
		}
		if max(policy.BaseDelay, policy.MaxDelay) > longestDelay {
			return fmt.Errorf("WithRetry(%+v): want no delay above %v", policy, longestDelay)
		}
		c.retry = policy.withDefaults()
		return nil
	}
}

func (r Retry) withDefaults() Retry {
	if r.Attempts == 0 {
		r.Attempts = defaultRetry.Attempts
	}
	if r.BaseDelay == 0 {
		r.BaseDelay = defaultRetry.BaseDelay
	}
	if r.MaxDelay == 0 {
		r.MaxDelay = max(defaultRetry.MaxDelay, r.BaseDelay)
	}
	return r
}

// again tells whether a request that failed for the nth time is sent once more,
// and after which pause.
func (r Retry) again(req *http.Request, n int, failure *Error) (time.Duration, bool) {
	if n >= r.Attempts || req.Context().Err() != nil {
		return 0, false
	}
	if req.Method == http.MethodGet || r.Publishes {
		if !mayPass(failure) {
			return 0, false
		}
	} else if !unprocessed(failure) {
		return 0, false
	}
	pause := max(r.backoff(n), failure.RetryAfter)
	if pause > r.MaxDelay {
		return 0, false
	}
	if deadline, ok := req.Context().Deadline(); ok && time.Until(deadline) < pause {
		return 0, false
	}
	return pause, true
}

func (r Retry) backoff(n int) time.Duration {
	ceiling := r.BaseDelay
	for range n - 1 {
		if ceiling >= r.MaxDelay {
			break
		}
		ceiling *= 2
	}
	return rand.N(min(ceiling, r.MaxDelay) + 1)
}

// mayPass tells whether the failure is of a kind that goes by.
func mayPass(failure *Error) bool {
	if failure.Status == http.StatusProxyAuthRequired {
		return false
	}
	return failure.Kind == ErrHTTP || failure.Kind == ErrRateLimited || failure.Status >= 500
}

// unprocessed tells whether the server cannot have acted on the request.
func unprocessed(failure *Error) bool {
	if failure.Kind == ErrRateLimited {
		return true
	}
	var dial *net.OpError
	return failure.Kind == ErrHTTP && errors.As(failure.Err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect")
}

// sleep waits, or returns why the context ended first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads the header's seconds, which some servers give as a fraction,
// or its date, up to a day. What cannot be read counts as not given.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		switch {
		case !(seconds > 0):
			return 0
		case seconds > longestDelay.Seconds():
			return longestDelay
		}
		return time.Duration(seconds * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, date.Sub(now)), longestDelay)
	}
	return 0
}
