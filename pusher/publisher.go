package pusher

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/gen"
)

// ErrQueueFull is the case of an [*Error] that says that a publisher's queue had no
// room, and the event was not taken.
var ErrQueueFull = errors.New("queue full")

// A Publisher sends many events in few requests. [Publisher.Publish] puts an event
// into a queue, from where lanes send it, each one request of up to ten events at a
// time. All events of a channel go through the same lane, so they leave in the
// order in which they were published; between channels there is no order.
//
// A lane that has been idle sends an event at once; while it waits for an answer,
// events gather for its next request. See [Linger].
//
// Publishing is at least once, unless [AtMostOnce] is given: an event is sent again
// until the server accepts it, refuses it for good, or [Publisher.Close] gives up.
// When an answer is lost, subscribers may get the events of that request twice,
// the repetition directly after the first time and in the same order. At most once
// sends nothing again that may have been processed: nobody gets an event twice, and
// what was under way when a connection or the server failed may be lost and is
// reported with its error.
//
// Both send again after a failure to connect and after status 429. Status 429 and
// 503 hold all lanes back, for as long as Retry-After says and then at a rate that
// grows as requests are accepted. The pauses are those of [WithRetry], whose
// Attempts and Publishes do not apply. A batch that is refused with status 400, 413
// or 422 counts as not processed; it is divided until the event at fault is alone.
//
// What becomes of each event goes to [OnReport]. Without it, events that could not
// be published are logged at level error. Repetitions are logged at level warn.
//
// Any number of goroutines may use a Publisher. The zero value refuses every call
// as [ErrConfiguration].
type Publisher struct {
	client   *Client
	api      *gen.ClientWithResponses // tries each request once
	refuse   bool                     // when full, rather than wait
	atMost   bool                     // once
	onReport func(context.Context, Report)

	places chan struct{} // one for each event from Publish to the end of its report
	lanes  []*lane
	seed   maphash.Seed // of the choice of lanes
	brake  brake
	stats  counters

	began   time.Time
	closing func()        // ends what Close ends at once
	closed  chan struct{} // no event is taken any more
	ended   chan struct{} // every event is reported
	ctx     context.Context
	abort   context.CancelFunc // ends all requests and pauses
}

// NewPublisher returns a publisher for the client's app. It reports every unusable
// option at once, as [ErrConfiguration]. Its lanes run until [Publisher.Close],
// which [Client.Close] does not do.
func (c *Client) NewPublisher(opts ...PublisherOption) (*Publisher, error) {
	const op = "NewPublisher"
	ctx, abort := context.WithCancel(context.Background())
	if err := c.ready(op, ctx); err != nil {
		abort()
		return nil, err
	}
	cfg := defaultPublisherConfig()
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(&cfg))
	}
	once := c.transport.once()
	api, err := gen.NewClientWithResponses(c.baseURL, gen.WithHTTPClient(once))
	if err := errors.Join(append(errs, err)...); err != nil {
		abort()
		return nil, &Error{Op: op, Kind: ErrConfiguration, Err: err}
	}
	p := &Publisher{
		client:   c,
		api:      api,
		refuse:   cfg.refuse,
		atMost:   cfg.atMostOnce,
		onReport: cfg.onReport,
		places:   make(chan struct{}, cfg.queueSize),
		seed:     maphash.MakeSeed(),
		brake:    brake{least: once.retry.BaseDelay, most: once.retry.MaxDelay},
		began:    time.Now(),
		closed:   make(chan struct{}),
		ended:    make(chan struct{}),
		ctx:      ctx,
		abort:    abort,
	}
	p.start(cfg.lanes, cfg.linger)
	return p, nil
}

func (p *Publisher) start(lanes int, linger time.Duration) {
	var running sync.WaitGroup
	for range lanes {
		l := newLane(p, linger)
		p.lanes = append(p.lanes, l)
		running.Go(l.run)
	}
	p.closing = sync.OnceFunc(func() {
		close(p.closed)
		for _, l := range p.lanes {
			l.close()
		}
		go func() {
			running.Wait()
			p.abort() // nothing is left to end
			close(p.ended)
		}()
	})
}

// Publish queues one event. Data is encoded, and encrypted where the channel is,
// before Publish returns, and may then be changed. Limits are as at
// [Client.TriggerBatch]; an event that breaks one is [ErrInvalid].
//
// While the queue is full Publish waits for room, or for the end of ctx, which is
// then [ErrQueueFull] with the reason of ctx; with [RefuseWhenFull] it does not
// wait. A ctx that has ended already is [ErrHTTP], and after [Publisher.Close] the
// error is [ErrClosed]. On every error the event was not queued. What happens to a
// queued event does not depend on ctx.
func (p *Publisher) Publish(ctx context.Context, event Event) error {
	const op = "Publish"
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	var queued [1]item
	if err := p.client.fill(&queued[0], &event); err != nil {
		return refused(op, err)
	}
	if failure := p.enter(ctx); failure != nil {
		p.stats.refuse(failure, 1)
		failure.Op = op
		return failure
	}
	if !p.lane(event.Channel).push(queued[:]) {
		p.leave()
		return &Error{Op: op, Kind: ErrClosed}
	}
	return nil
}

// Flush sends what waits without lingering, and returns when every event published
// before has been reported. When ctx ends first, the error is [ErrHTTP] with the
// reason of ctx, and the events stay queued. In [OnReport] functions Flush would
// wait for itself and is [ErrInvalid].
func (p *Publisher) Flush(ctx context.Context) error {
	const op = "Flush"
	if err := p.readyToWait(op, ctx); err != nil {
		return err
	}
	f := newFlush(len(p.lanes))
	flushed := f.done
	for _, l := range p.lanes {
		if !l.push([]item{{flush: f}}) {
			flushed = p.ended
		}
	}
	select {
	case <-flushed:
		return nil
	case <-ctx.Done():
		return &Error{Op: op, Kind: ErrHTTP, Err: fmt.Errorf("events are still queued: %w", ctx.Err())}
	}
}

// Close takes no more events, sends those that wait, and returns when every event
// has been reported and every goroutine of the publisher has ended. When ctx ends
// first, requests under way are broken off, and events not sent yet are reported
// as [ErrClosed]; the error of Close is then ErrClosed, too, with the reason of
// ctx. Closing again waits as well. In [OnReport] functions Close is [ErrInvalid].
func (p *Publisher) Close(ctx context.Context) error {
	const op = "Close"
	if err := p.readyToWait(op, ctx); err != nil {
		return err
	}
	p.closing()
	select {
	case <-p.ended:
		return nil
	default:
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		p.abort()
		<-p.ended
		return &Error{Op: op, Kind: ErrClosed, Err: fmt.Errorf("events were given up: %w", ctx.Err())}
	}
}

func (p *Publisher) ready(op string, ctx context.Context) error {
	switch {
	case p == nil || p.client == nil:
		return &Error{Op: op, Kind: ErrConfiguration, Err: errors.New("the publisher was not made with NewPublisher")}
	case ctx == nil:
		return refused(op, errNilContext)
	}
	return nil
}

func (p *Publisher) readyToWait(op string, ctx context.Context) error {
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	if p.reportOf(ctx) != nil {
		return refused(op, errors.New("called by an OnReport function, it would wait for itself"))
	}
	return nil
}
