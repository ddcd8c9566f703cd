package pusher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/batcher"
)

// group returns a value that is equal for events that differ only in their channel.
func (e *queuedEvent) group() any {
	if e.multi == nil {
		return nil
	}
	return e.multi
}

// isGroup reports whether the events can be sent as one event for many channels.
func isGroup(batch []*queuedEvent) bool {
	for _, e := range batch[1:] {
		if e.multi == nil || e.multi != batch[0].multi {
			return false
		}
	}
	return true
}

// send makes one attempt. It uses /events when one request body covers the whole
// batch, because not every server has batch_events.
func (p *Publisher) send(ctx context.Context, batch []*queuedEvent) error {
	info := callInfo{op: "Publish", channels: len(batch), events: len(batch), once: true}
	for _, e := range batch {
		e.attempts++
		if p.client.pipeline.observer != nil {
			info.queued = append(info.queued, QueuedEvent{Context: e.ctx, Wait: time.Since(e.published), Attempt: e.attempts})
		}
	}
	if isGroup(batch) {
		info.events = 1
		return p.sendGroup(ctx, info, batch)
	}
	return p.sendBatch(ctx, info, batch)
}

func (p *Publisher) sendGroup(ctx context.Context, info callInfo, batch []*queuedEvent) error {
	channels := make([]string, len(batch))
	for i, e := range batch {
		channels[i] = e.event.Channel
	}
	first := batch[0]
	result, err := p.client.sendEvent(ctx, info, gen.TriggerRequest{
		Name:     first.event.Name,
		Channels: channels,
		Data:     first.data,
		SocketID: optional(first.event.SocketID),
		Info:     joinAttributes(first.event.Info),
	})
	if err != nil {
		return err
	}
	for _, e := range batch {
		e.counts = result.Channels[e.event.Channel]
	}
	return nil
}

func (p *Publisher) sendBatch(ctx context.Context, info callInfo, batch []*queuedEvent) error {
	events := make([]gen.BatchEvent, len(batch))
	for i, e := range batch {
		events[i] = gen.BatchEvent{
			Channel:  e.event.Channel,
			Name:     e.event.Name,
			Data:     e.data,
			SocketID: optional(e.event.SocketID),
			Info:     joinAttributes(e.event.Info),
		}
	}
	result, err := p.client.sendBatch(ctx, info, events)
	if err != nil {
		return err
	}
	for i, e := range batch {
		if i < len(result.Batch) {
			e.counts = result.Batch[i]
		}
	}
	return nil
}

// classify decides what happens to the events of a request that was not accepted.
func (p *Publisher) classify(batch []*queuedEvent, err error) batcher.Verdict {
	var failure *Error
	if !errors.As(err, &failure) {
		return batcher.Verdict{Action: batcher.Fail}
	}
	switch {
	case rejectsOneEvent(failure):
		return batcher.Verdict{Action: batcher.Split}
	case failure.Status == http.StatusNotFound && !isGroup(batch):
		p.disableBatches()
		return batcher.Verdict{Action: batcher.Split}
	}
	verdict := batcher.Verdict{Action: batcher.Fail, RetryAfter: failure.RetryAfter}
	if retryable(failure) && (p.delivery == AtLeastOnce || notProcessed(failure)) {
		verdict.Action = batcher.Retry
	}
	switch {
	case failure.Status == http.StatusTooManyRequests, failure.Status == http.StatusServiceUnavailable && failure.RetryAfter > 0:
		verdict.Server = batcher.Throttling
		p.logPowerOfTwo(p.throttled.Add(1), "pusher: publishing is throttled", failure)
	case retryable(failure):
		verdict.Server = batcher.Failing
		p.logPowerOfTwo(p.failures.Add(1), "pusher: publishing failed", failure)
	}
	return verdict
}

// rejectsOneEvent reports whether an error response may be due to a single event of
// the batch.
func rejectsOneEvent(failure *Error) bool {
	switch failure.Status {
	case http.StatusBadRequest:
		return failure.Is(ErrInvalid) // not an unknown key
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func (p *Publisher) disableBatches() {
	if p.noBatches.CompareAndSwap(false, true) {
		p.client.pipeline.log().Warn("pusher: the server responded with 404 to batch_events; events are published one by one from now on")
		p.engine.SetMaxBatch(1)
	}
}

// logPowerOfTwo logs failures 1, 2, 4, 8, …
func (p *Publisher) logPowerOfTwo(n int64, message string, failure *Error) {
	if n&(n-1) == 0 {
		p.client.pipeline.log().Warn(message, "requests", n, "error", failure)
	}
}

// report passes a result to OnResult.
func (p *Publisher) report(ctx context.Context, r batcher.Result[*queuedEvent]) {
	result := PublishResult{Event: r.Item.event, Attempts: r.Attempts, Latency: r.Latency}
	if r.Outcome == batcher.Accepted {
		p.failures.Store(0)
		result.Counts = r.Item.counts
	} else {
		result.Err = p.resultError(ctx, r)
	}
	protect(p.client.pipeline.log(), "OnResult", func() { p.onResult(ctx, result) })
}

// resultError returns the error of an event that was not accepted. The error of the
// last attempt may have been reported for another event, so a copy is changed.
func (p *Publisher) resultError(ctx context.Context, r batcher.Result[*queuedEvent]) error {
	var kind, cause error
	switch r.Outcome {
	case batcher.TimedOut:
		cause = fmt.Errorf("not accepted within %v, in %d attempts: %w", p.timeout, r.Attempts, context.DeadlineExceeded)
	case batcher.Canceled:
		kind, cause = ErrClosed, context.Cause(ctx)
	default:
		return r.Err
	}
	var last *Error
	if !errors.As(r.Err, &last) {
		return newError("Publish", kind, cause)
	}
	final := *last
	if kind != nil {
		cause = fmt.Errorf("%w: %w", kind, cause)
	}
	final.Err = joinCause(last.Err, cause)
	return &final
}

// logResult is used without OnResult.
func (p *Publisher) logResult(_ context.Context, r PublishResult) {
	if r.Err != nil {
		p.client.pipeline.log().Error("pusher: event not published", "channel", r.Event.Channel, "event", r.Event.Name, "error", r.Err)
	}
}
