package batcher

import (
	"math"
	"time"
)

const (
	// round is the number of responses after which the rate is adjusted.
	round = 10
	// minShare limits how much one adjustment reduces the rate.
	minShare = 0.3
	// growth is by which share an accepted request raises the rate right after a
	// throttled one. It doubles every second, up to maxGrowth. With 0.2 %, about one
	// of 60 requests is throttled in the long run.
	growth, maxGrowth = 0.002, 0.1
	// Limits of the rate, in requests per second. startRate is more than a client can
	// send: six rounds later the rate is below 50. A rate above maxRate is the same as
	// none.
	minRate, startRate, maxRate = 1, 50_000, 1e6
	// maxBurst is how much of what was not used may be sent at once.
	maxBurst = 10 * time.Millisecond
)

// A limiter limits the rate of requests to what the server accepts. It does nothing
// until a request is throttled. The rate then starts high, and after every 10
// responses it is multiplied with the share that was accepted: if the client sends
// 400 requests a second and half of them are accepted, the server accepts 200 a
// second. Each accepted request raises it again, slowly at first and faster the
// longer the server has throttled none.
type limiter struct {
	rate        float64 // requests per second; 0 for no limit
	tokens      float64 // requests that may be sent at once
	refilled    time.Time
	throttledAt time.Time // last throttled request
	roundStart  time.Time // requests sent before do not count: they were sent at another rate
	counts      struct{ accepted, throttled int }
}

// sendAt returns when the next request may be sent.
func (l *limiter) sendAt(now time.Time) time.Time {
	if l.rate == 0 {
		return now
	}
	l.tokens += l.rate * now.Sub(l.refilled).Seconds()
	l.tokens = min(l.tokens, max(1, l.rate*maxBurst.Seconds()))
	l.refilled = now
	if l.tokens > 1-1e-9 {
		return now
	}
	return now.Add(time.Duration((1-l.tokens)/l.rate*float64(time.Second)) + 1)
}

// take takes the token of a request that is sent.
func (l *limiter) take() {
	if l.rate > 0 {
		l.tokens--
	}
}

func (l *limiter) accepted(sent, now time.Time) {
	if l.rate == 0 {
		return
	}
	l.rate *= 1 + min(maxGrowth, growth*math.Exp2(now.Sub(l.throttledAt).Seconds()))
	if l.rate > maxRate {
		*l = limiter{}
		return
	}
	if !sent.Before(l.roundStart) {
		l.counts.accepted++
		l.endRound(now)
	}
}

func (l *limiter) throttled(sent, now time.Time) {
	l.throttledAt = now
	if l.rate == 0 {
		l.rate, l.refilled, l.roundStart = startRate, now, now
		return
	}
	if !sent.Before(l.roundStart) {
		l.counts.throttled++
		l.endRound(now)
	}
}

func (l *limiter) endRound(now time.Time) {
	if l.counts.accepted+l.counts.throttled < round {
		return
	}
	if l.counts.throttled > 0 {
		share := float64(l.counts.accepted) / round
		l.rate = max(minRate, l.rate*max(minShare, share))
		l.roundStart = now
	}
	l.counts.accepted, l.counts.throttled = 0, 0
}
