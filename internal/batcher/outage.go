package batcher

import "time"

const (
	// outageFailures is the number of consecutive failures that make an outage.
	outageFailures = 5
	// throttledOutage is the time without an accepted request, after one that was
	// throttled, that makes an outage.
	throttledOutage = 250 * time.Millisecond
	// maxProbeInterval makes a client notice the end of an outage within a second.
	maxProbeInterval = time.Second
)

// An outage is a time in which the server accepts nothing. Until it ends, one
// request at a time probes the server.
type outage struct {
	baseDelay, maxDelay time.Duration // between probes

	failures       int       // consecutive
	throttledSince time.Time // first throttled request since one was accepted; zero for none
	retryAfter     time.Time // the latest that a throttled request was told
	probing        bool
	probes         int
	probeAt        time.Time
	probeInFlight  bool
}

// active reports whether there is an outage.
func (o *outage) active(now time.Time) bool {
	if !o.probing && !o.throttledSince.IsZero() && now.Sub(o.throttledSince) >= throttledOutage {
		o.probing, o.probeAt = true, o.retryAfter
	}
	return o.probing
}

// nextProbe returns when the next probe may be sent.
func (o *outage) nextProbe(now time.Time) time.Time {
	if o.probeInFlight {
		return now.Add(time.Hour) // its end wakes the scheduler
	}
	return o.probeAt
}

// failed records that the server failed to respond to a request.
func (o *outage) failed(now time.Time, probe bool) {
	o.failures++
	if probe && o.probing || !o.probing && o.failures >= outageFailures {
		o.delay(now)
	}
}

// throttled records a throttled request.
func (o *outage) throttled(now time.Time, retryAfter time.Duration, probe bool) {
	if o.throttledSince.IsZero() {
		o.throttledSince = now
	}
	if at := now.Add(retryAfter); at.After(o.retryAfter) {
		o.retryAfter = at
	}
	if probe && o.probing {
		o.delay(now)
	} else if !o.probing {
		o.failures = 0 // it has responded
	}
}

// delay schedules the next probe.
func (o *outage) delay(now time.Time) {
	o.probing, o.probeInFlight = true, false
	o.probes++
	o.probeAt = now.Add(exponential(o.baseDelay, o.maxDelay, o.probes))
	if o.retryAfter.After(o.probeAt) {
		o.probeAt = o.retryAfter
	}
}

// ended records that the server has processed a request.
func (o *outage) ended() { *o = outage{baseDelay: o.baseDelay, maxDelay: o.maxDelay} }
