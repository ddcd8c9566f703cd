package pusher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry is a retry policy. A zero field means its default.
type Retry struct {
	// Attempts is the maximum number of times a request is sent, including the first;
	// 1 disables retries. The default is 3.
	Attempts int
	// BaseDelay is the maximum delay before the first retry. It doubles with each
	// further retry. The delay is random between 0 and that maximum ("full jitter").
	// The default is 100 ms.
	BaseDelay time.Duration
	// MaxDelay limits the delay. A request whose Retry-After exceeds it is not
	// retried. The default is 2 s.
	MaxDelay time.Duration
	// Publishes also retries events and other POST requests if the server may have
	// processed them. Subscribers may then receive an event twice, because Pusher has
	// no idempotency key; see [WithIdempotencyKey] for servers that do.
	Publishes bool
}

const maxRetryDelay = 24 * time.Hour

var defaultRetry = Retry{Attempts: 3, BaseDelay: 100 * time.Millisecond, MaxDelay: 2 * time.Second}

// WithRetry sets the retry policy. Queries are retried after transport errors and
// after status 408, 425, 429 and 5xx, except 501 and 505. A POST request is retried
// only if it cannot have been processed, unless [Retry.Publishes] is set: after status
// 425 and 429, and if no connection could be established or the request could not be
// written completely. Errors that no retry can fix, such
// as an untrusted certificate or missing proxy credentials, are final.
//
// Independently of the policy, a request that is rejected because this machine's
// clock is wrong is signed again, once, with the server's time.
func WithRetry(policy Retry) Option {
	return func(c *config) error {
		if policy.Attempts < 0 || policy.BaseDelay < 0 || policy.MaxDelay < 0 {
			return fmt.Errorf("WithRetry(%+v): a field is negative", policy)
		}
		if max(policy.BaseDelay, policy.MaxDelay) > maxRetryDelay {
			return fmt.Errorf("WithRetry(%+v): a delay exceeds %v", policy, maxRetryDelay)
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

// next returns the delay before the next attempt. It reports false if there is none.
func (r Retry) next(ctx context.Context, publish bool, attempt int, failure *Error) (delay time.Duration, ok bool) {
	switch {
	case attempt >= r.Attempts, !retryable(failure):
		return 0, false
	case publish && !r.Publishes && !notProcessed(failure):
		return 0, false
	}
	delay = max(r.backoff(attempt), failure.RetryAfter)
	deadline, limited := ctx.Deadline()
	switch {
	case delay > r.MaxDelay, ctx.Err() != nil, limited && time.Until(deadline) < delay:
		return 0, false
	}
	return delay, true
}

// backoff returns the random delay after the given attempt.
func (r Retry) backoff(attempt int) time.Duration {
	limit := r.BaseDelay
	for range attempt - 1 {
		if limit >= r.MaxDelay {
			break
		}
		limit *= 2
	}
	return rand.N(min(limit, r.MaxDelay) + 1)
}

// retryable reports whether the request may succeed when it is sent again.
func retryable(failure *Error) bool {
	switch failure.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusProxyAuthRequired, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return failure.Status >= 500 || failure.Kind == ErrTransport || failure.Kind == ErrTLS && isTimeout(failure)
}

// notProcessed reports whether the server cannot have processed the request.
func notProcessed(failure *Error) bool {
	switch failure.Status {
	case http.StatusTooManyRequests, http.StatusTooEarly:
		return true
	}
	return !failure.sent
}

// wait waits until done is closed, or returns the cause if ctx is done first.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleep waits for d, or returns the cause if ctx is done first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// parseRetryAfter parses the seconds of a Retry-After header, which some servers
// send as a fraction, or its date, up to a day. It returns 0 for an invalid value.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		switch {
		case !(seconds > 0):
			return 0
		case seconds > maxRetryDelay.Seconds():
			return maxRetryDelay
		}
		return time.Duration(seconds * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, date.Sub(now)), maxRetryDelay)
	}
	return 0
}
