package pusher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/batcher"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// group returns a value that is equal for events that differ only in their channel.
func (e *queuedEvent) group() any {
	if e.multi == nil {
		return nil
	}
	return e.multi
}

// request returns the request that sends the event to these channels.
func (e *queuedEvent) request(channels []string) gen.TriggerRequest {
	return gen.TriggerRequest{
		Name:           e.sent.Name,
		Channels:       channels,
		Data:           e.sent.Data,
		SocketID:       e.sent.SocketID,
		Info:           e.sent.Info,
		IdempotencyKey: e.sent.IdempotencyKey,
	}
}

// bodySize returns the size of the request body with this event alone.
func (e *queuedEvent) bodySize() (int, error) {
	body, err := json.Marshal(e.request([]string{e.sent.Channel}))
	return len(body), err
}

// size returns how many bytes the event adds to a batch at most, and how many to a
// request for several channels.
func (e *queuedEvent) size() (bytes, memberBytes int) {
	return e.bytes, len(e.event.Channel) + len(`"",`)
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
	result, err := p.client.sendEvent(ctx, info, batch[0].request(channels))
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
		events[i] = e.sent
	}
	result, err := p.client.sendBatch(ctx, info, events)
	if err != nil {
		return err
	}
	if p.batches.accepted() {
		p.client.pipeline.log().Warn("pusher: the server accepts batch_events; events are published in batches again")
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
	case rejectsOneEvent(failure), failure.incomplete && len(batch) > 1:
		// A server that rejects a large request may close the connection during the upload.
		return batcher.Verdict{Action: batcher.Split}
	case failure.Status == http.StatusNotFound && !isGroup(batch):
		if p.batches.notFound(time.Now()) {
			p.client.pipeline.log().Warn("pusher: the server responded with 404 to batch_events; events are published one by one until it accepts a batch")
		}
		return batcher.Verdict{Action: batcher.Split}
	}
	verdict := batcher.Verdict{Action: batcher.Fail, RetryAfter: failure.RetryAfter}
	if retryable(failure) && (p.delivery == AtLeastOnce || notProcessed(failure)) {
		verdict.Action = batcher.Retry
	}
	switch {
	case failure.Status == http.StatusTooManyRequests, failure.Status == http.StatusServiceUnavailable && failure.RetryAfter > 0:
		verdict.Server = batcher.Throttling
		p.logFailure(&p.throttled, "pusher: publishing is throttled", failure)
	case retryable(failure):
		verdict.Server = batcher.Failing
		p.logFailure(&p.failures, "pusher: publishing failed", failure)
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

// logFailure logs failures 1, 2, 4, 8, … of a series.
func (p *Publisher) logFailure(series *failureSeries, message string, failure *Error) {
	if n := series.next(time.Now()); n&(n-1) == 0 {
		p.client.pipeline.log().Warn(message, "requests", n, "error", failure)
	}
}

// maxBatch returns how many events may share a request to batch_events.
func (p *Publisher) maxBatch() int {
	if p.noBatches || p.batches.pausedAt(time.Now()) {
		return 1
	}
	return protocol.MaxBatch
}

// A batchBackoff pauses batches after a server has responded with 404: longer each time,
// because it may have no batch_events, or only be starting behind a proxy.
type batchBackoff struct {
	mu    sync.Mutex
	delay time.Duration // of the last pause; 0 after a batch was accepted
	until time.Time
}

const minBatchPause, maxBatchPause = 100 * time.Millisecond, 5 * time.Minute

func (b *batchBackoff) pausedAt(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until)
}

// notFound begins a pause. It reports whether it is the first one.
func (b *batchBackoff) notFound(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) {
		return false // the batch was already in flight when the pause began
	}
	first := b.delay == 0
	b.delay = min(max(2*b.delay, minBatchPause), maxBatchPause)
	b.until = now.Add(b.delay)
	return first
}

// accepted ends pauses. It reports whether there was one.
func (b *batchBackoff) accepted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.delay > 0
	b.delay, b.until = 0, time.Time{}
	return was
}

// A failureSeries counts failed requests. It starts again after quietPeriod.
type failureSeries struct {
	mu   sync.Mutex
	n    int
	last time.Time
}

const quietPeriod = 10 * time.Second

func (s *failureSeries) next(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.last) >= quietPeriod {
		s.n = 0
	}
	s.n, s.last = s.n+1, now
	return s.n
}

// report passes a result to OnResult.
func (p *Publisher) report(ctx context.Context, r batcher.Result[*queuedEvent]) {
	result := PublishResult{Event: r.Item.event, Attempts: r.Attempts, Latency: r.Latency}
	if r.Outcome == batcher.Accepted {
		result.Counts = r.Item.counts
	} else {
		result.Err = p.resultError(ctx, r)
	}
	protect(p.client.pipeline.log(), "OnResult", func() { p.onResult(ctx, result) })
}

// resultError returns the error of an event that was not accepted. The error of the
// last attempt may have been reported for another event, so a copy is changed.
func (p *Publisher) resultError(ctx context.Context, r batcher.Result[*queuedEvent]) error {
	var last *Error
	known := errors.As(r.Err, &last)
	var kind, cause error
	switch r.Outcome {
	case batcher.TimedOut:
		cause = fmt.Errorf("not accepted within %v, in %d attempts: %w", p.timeout, r.Attempts, context.DeadlineExceeded)
	case batcher.Canceled:
		kind, cause = ErrClosed, context.Cause(ctx)
	default:
		if known {
			return r.Err
		}
		kind, cause = ErrTransport, r.Err // a RoundTripper has called runtime.Goexit
	}
	if !known {
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
