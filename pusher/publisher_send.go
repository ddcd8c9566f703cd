package pusher

import (
	"errors"
	"net/http"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// once returns a transport like t that repeats nothing.
func (t *transport) once() *transport {
	once := &transport{sender: t.sender, timeout: t.timeout, signer: t.signer, prefix: t.prefix, retry: t.retry, logger: t.logger}
	once.retry.Attempts = 1
	once.skew.Store(t.skew.Load())
	return once
}

// deliver sends the items of one request until each is accepted or lost, and
// reports them in order.
func (p *Publisher) deliver(items []*item) {
	counts, failure := p.insist(items)
	if failure != nil && len(items) > 1 && mayBeOneEvent(failure) {
		half := len(items) / 2
		p.deliver(items[:half])
		p.deliver(items[half:])
		return
	}
	for i, it := range items {
		report := Report{Event: it.event}
		if failure != nil {
			report.Err = failure
		} else if i < len(counts) {
			report.Counts = counts[i]
		}
		p.report(it, report)
	}
}

// mayBeOneEvent tells whether the server has refused a request for what it says.
func mayBeOneEvent(failure *Error) bool {
	switch failure.Status {
	case http.StatusBadRequest:
		return failure.Kind == ErrInvalid
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// insist sends a request again and again, for as long as that may help and is
// allowed.
func (p *Publisher) insist(items []*item) ([]ChannelCounts, *Error) {
	p.stats.inFlight.Add(int64(len(items)))
	defer p.stats.inFlight.Add(-int64(len(items)))

	var last *Error
	for n := 1; ; n++ {
		if err := p.brake.wait(p.ctx); err != nil {
			return nil, givenUp(last, err)
		}
		if n > 1 {
			p.stats.retried.Add(1)
		}
		counts, failure := p.try(items)
		if failure == nil {
			p.stats.batches.Add(1)
			p.brake.accepted()
			return counts, nil
		}
		if last = failure; !p.again(failure) {
			return nil, failure
		}
		pause := p.pause(n, failure)
		if isPowerOfTwo(n) { // a long outage is not worth a line for each try
			p.client.transport.log().Warn("pusher: publishing is repeated", "events", len(items), "try", n, "reason", failure)
		}
		if err := sleep(p.ctx, pause); err != nil {
			return nil, givenUp(last, err)
		}
	}
}

// again tells whether the request is sent once more.
func (p *Publisher) again(failure *Error) bool {
	if p.ctx.Err() != nil {
		return false
	}
	if p.atMost {
		return unprocessed(failure)
	}
	return mayPass(failure)
}

// pause is how long this lane waits before it tries again. A server that asks to
// be left alone stops all lanes instead.
func (p *Publisher) pause(n int, failure *Error) time.Duration {
	if failure.Status == http.StatusTooManyRequests || failure.Status == http.StatusServiceUnavailable {
		return 0
	}
	return p.client.transport.retry.backoff(n)
}

func isPowerOfTwo(n int) bool { return n&(n-1) == 0 }

// givenUp is the error of events that Close did not wait for.
func givenUp(last *Error, reason error) *Error {
	if last == nil {
		return &Error{Op: "Publish", Kind: ErrClosed, Err: reason}
	}
	last.Err = interrupted(last.Err, reason)
	return last
}

// try sends one request. More events than a batch may have are those of one multi.
func (p *Publisher) try(items []*item) ([]ChannelCounts, *Error) {
	send := p.sendBatch
	if len(items) > protocol.MaxBatch {
		send = p.sendMulti
	}
	counts, err := send(items)
	var failure *Error
	if err == nil || !errors.As(failed("Publish", err), &failure) {
		return counts, nil
	}
	if failure.Status == http.StatusTooManyRequests || failure.Status == http.StatusServiceUnavailable {
		p.brake.refused(time.Now(), failure.RetryAfter)
	}
	return nil, failure
}

func (p *Publisher) sendBatch(items []*item) ([]ChannelCounts, error) {
	batch := make([]gen.BatchEvent, len(items))
	for i, it := range items {
		batch[i] = gen.BatchEvent{
			Channel:  it.event.Channel,
			Name:     it.event.Name,
			Data:     it.text,
			SocketID: optional(it.event.SocketID),
			Info:     join(it.event.Info),
		}
	}
	answer, err := p.api.TriggerBatchWithResponse(p.ctx, p.client.app.AppID, gen.BatchRequest{Batch: batch})
	if err != nil {
		return nil, err
	}
	return answer.JSON200.Batch, nil
}

func (p *Publisher) sendMulti(items []*item) ([]ChannelCounts, error) {
	channels := make([]string, len(items))
	for i, it := range items {
		channels[i] = it.event.Channel
	}
	first := items[0]
	answer, err := p.api.TriggerEventWithResponse(p.ctx, p.client.app.AppID, gen.TriggerRequest{
		Name:     first.event.Name,
		Channels: channels,
		Data:     first.text,
		SocketID: optional(first.event.SocketID),
		Info:     join(first.event.Info),
	})
	if err != nil {
		return nil, err
	}
	counts := make([]ChannelCounts, len(items))
	for i, channel := range channels {
		counts[i] = answer.JSON200.Channels[channel]
	}
	return counts, nil
}
