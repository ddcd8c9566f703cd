package pusher

import (
	"context"
	"sync/atomic"
	"time"
)

// A Report says what became of one event.
type Report struct {
	// Event is the event as it was published.
	Event Event
	// Counts is what the server said of the channel, if the event asked for it.
	Counts ChannelCounts
	// Err is nil if the server has accepted the event, and else an [*Error]. After
	// [ErrHTTP] and [ErrServer] the event may have reached its subscribers.
	Err error
}

func (p *Publisher) report(it *item, report Report) {
	p.stats.end(report.Err, time.Since(p.began)-it.since)
	if p.onReport == nil {
		if report.Err != nil {
			p.client.transport.log().Error("pusher: an event could not be published", "channel", report.Event.Channel, "event", report.Event.Name, "reason", report.Err)
		}
		p.leave()
		return
	}
	r := &reporting{Context: p.ctx, publisher: p}
	contain(p.client.transport.log(), "OnReport", func() { p.onReport(r, report) })
	if r.place.Swap(placeGone) == placeKept {
		p.leave()
	}
}

// reporting is the context of a call of OnReport. Publish knows by it that a lane
// stands still until it returns.
type reporting struct {
	context.Context
	publisher *Publisher
	place     atomic.Int32 // of the reported event, in the queue
}

const (
	placeKept       = iota
	placeBequeathed // to an event that was published again
	placeGone       // the call is over
)

// reportingKey finds the call in contexts made from it.
type reportingKey struct{ publisher *Publisher }

// Value is that of any context, and the call itself for its publisher.
func (r *reporting) Value(key any) any {
	if key == (reportingKey{r.publisher}) {
		return r
	}
	return r.Context.Value(key)
}

// reportOf is the call of OnReport that the context belongs to, or nil.
func (p *Publisher) reportOf(ctx context.Context) *reporting {
	r, _ := ctx.Value(reportingKey{p}).(*reporting)
	if r == nil || r.place.Load() == placeGone {
		return nil
	}
	return r
}

// bequeath gives the reported event's place in the queue away, once.
func (r *reporting) bequeath() bool {
	return r.place.CompareAndSwap(placeKept, placeBequeathed)
}
