package batcher

import "time"

const (
	// outageFailures is the number of consecutive failures of single items after which
	// the server counts as down, and maxOutageFailures that after wrong suspicions.
	outageFailures, maxOutageFailures = 5, 80
	// maxHalvings turns any batch into a single item.
	maxHalvings = 7
	// maxProbeInterval makes a client notice the end of an outage within a second.
	maxProbeInterval = time.Second
)

// An outage is a time in which the server accepts nothing. Until it ends, one request
// at a time probes the server.
//
// A server that rejects some items every time must not look like one that is down. So
// each failure halves the batches until they are single items, each success doubles
// them, and only failures of single items count. If they did begin an outage and a
// probe is accepted, twice as many have to fail for the next one.
type outage struct {
	baseDelay, maxDelay time.Duration // between probes

	halvings       int       // of the size of batches
	failures       int       // consecutive, of single items
	threshold      int       // failures that begin an outage
	throttledSince time.Time // first throttled request since one was accepted; zero for none
	retryAfter     time.Time // the latest that the server requested
	probing        bool
	probes         int
	probeAt        time.Time
	probeInFlight  bool
}

// active reports whether there is an outage.
func (o *outage) active(now time.Time) bool {
	// A limit of 4 requests a second or more accepts one within this time.
	const patience = 250 * time.Millisecond
	if !o.probing && !o.throttledSince.IsZero() && now.Sub(o.throttledSince) >= patience {
		o.probing, o.probeAt = true, o.retryAfter
	}
	return o.probing
}

// limit returns the size of the next batch, if n is the largest.
func (o *outage) limit(n int) int {
	if o.probing {
		return 1
	}
	return max(1, n>>o.halvings)
}

// failed records that the server failed to respond to a request.
func (o *outage) failed(now time.Time, items int, probe bool) {
	o.halvings = min(o.halvings+1, maxHalvings)
	if items == 1 {
		o.failures++
	}
	if probe || !o.probing && o.failures >= o.threshold {
		o.delay(now)
	}
}

// throttled records a throttled request.
func (o *outage) throttled(now time.Time, retryAfter time.Duration, probe bool) {
	if o.throttledSince.IsZero() {
		o.throttledSince = now
	}
	o.retryAfter = later(o.retryAfter, now.Add(retryAfter))
	if probe {
		o.delay(now)
	}
}

// delay schedules the next probe.
func (o *outage) delay(now time.Time) {
	o.probing, o.probeInFlight = true, false
	o.probes++
	o.probeAt = later(o.retryAfter, now.Add(exponential(o.baseDelay, o.maxDelay, o.probes)))
}

// ended records that the server has processed a request.
func (o *outage) ended() {
	after := outage{baseDelay: o.baseDelay, maxDelay: o.maxDelay, halvings: max(0, o.halvings-1), threshold: o.threshold}
	if o.probing {
		after.threshold = min(2*o.threshold, maxOutageFailures)
	} else if after.halvings == 0 {
		after.threshold = outageFailures
	}
	*o = after
}
