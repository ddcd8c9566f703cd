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
)

// A limiter limits the rate of requests to what the server accepts. It does nothing
// until a request is throttled. The rate then starts high, and after every 10
// responses it is multiplied with the share that was accepted: if the client sends
// 400 requests a second and half of them are accepted, the server accepts 200 a
// second. Each accepted request raises it again, slowly at first and faster the
// longer the server has throttled none.
type limiter struct {
	rate        float64   // requests per second; 0 for no limit
	nextAt      time.Time // of the next request
	throttledAt time.Time // last throttled request
	roundStart  time.Time // requests sent before do not count: they were sent at another rate
	counts      struct{ accepted, throttled int }
}

// take records that a request is sent.
func (l *limiter) take(now time.Time) {
	const maxBurst = 10 * time.Millisecond // made up for when a timer is late
	if l.rate == 0 {
		return
	}
	l.nextAt = later(l.nextAt, now.Add(-maxBurst)).Add(time.Duration(float64(time.Second) / l.rate))
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
		l.rate, l.roundStart = startRate, now
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
