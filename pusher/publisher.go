package pusher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/internal/batcher"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/sentinel"
)

// Delivery is what a [Publisher] guarantees.
type Delivery int

const (
	// AtLeastOnce sends an event again until the server accepts it. If a response is
	// lost, subscribers may receive the events of that request twice, in order.
	AtLeastOnce Delivery = iota
	// AtMostOnce sends an event again only if the server cannot have processed it.
	// Nobody receives an event twice, and events in flight when a connection or the
	// server fails may be lost; they are reported with the error.
	AtMostOnce
)

// Overflow is what [Publisher.Publish] does when the queue is full.
type Overflow int

const (
	// Block waits until the queue has a free slot or the context is done.
	Block Overflow = iota
	// Reject returns [ErrQueueFull] at once.
	Reject
)

// A PublisherConfig configures a [Publisher]. The zero value of every field means its
// default.
type PublisherConfig struct {
	// Concurrency is the maximum number of requests in flight, up to 256. Events of
	// one channel are never in two of them, so a single channel gets at most ten
	// events per round trip. The default is 8.
	Concurrency int
	// QueueSize is the maximum number of events that are queued, in flight or being
	// reported. The default is 10,000.
	QueueSize int
	// Linger is how long an event waits for others to fill its request while other
	// requests are in flight. A negative value disables it. The default is 5 ms.
	Linger time.Duration
	// Delivery is AtLeastOnce by default.
	Delivery Delivery
	// Overflow is Block by default.
	Overflow Overflow
	// Timeout is the time from Publish after which an event that the server has not
	// accepted fails, also if it waited behind an earlier event of its channel. An
	// event in flight is not interrupted. The default is 10 minutes.
	Timeout time.Duration
	// OnResult is called once with the result of each queued event: for one channel in
	// the order of its events, for different channels concurrently. Its request counts
	// as in flight until it returns, so a slow function slows publishing down instead
	// of filling the memory. A panic is logged. By default failures are logged at
	// level error.
	//
	// Until OnResult returns, its context marks calls of this publisher. With it, or a
	// context derived from it, Publish never waits: it exceeds QueueSize if necessary.
	// Flush and Close return [ErrInvalid], because they would wait for themselves.
	//
	// With any other context they behave as everywhere, which can deadlock in OnResult:
	// Publish waits for a free slot, which there may not be until OnResult returns;
	// Flush and Close wait for OnResult until their context is done.
	//
	// The context is done when the context of Close is.
	OnResult func(ctx context.Context, result PublishResult)
	// IdempotencyKeys gives every event without a key a random one, which stays the same
	// when the event is sent again. A server that supports keys, such as Sockudo, then
	// delivers an event once within its time window (120 seconds), also if a response is
	// lost. It is off by default: how Pusher treats keys is unknown.
	IdempotencyKeys bool
	// DisableBatches sends every event in a separate request, except events of
	// [Publisher.PublishMulti]. It is for servers that accept batches without
	// delivering them. If a server responds to a batch with 404, the publisher does the
	// same by itself, and tries batches again after 0.1 seconds to 5 minutes.
	DisableBatches bool
}

// PublishResult is the result of an event that was queued.
type PublishResult struct {
	// Event is the event as it was published.
	Event Event
	// Err is nil if the server accepted the event, or else an [*Error]. After
	// [ErrTransport] and [ErrServer] subscribers may have received the event.
	Err error
	// Counts has the attributes that the event requested in Info and the server
	// reported.
	Counts ChannelCounts
	// Attempts is the number of requests that contained the event.
	Attempts int
	// Latency is the time from Publish to the result.
	Latency time.Duration
}

// Stats are counters of a [Publisher], for expvar or other metrics.
type Stats struct {
	Queued   int   `json:"queued"`    // events that wait, or whose result is being reported
	InFlight int   `json:"in_flight"` // events whose request is in flight
	Sent     int64 `json:"sent"`      // events that the server accepted
	Failed   int64 `json:"failed"`    // events that were queued and failed
	Dropped  int64 `json:"dropped"`   // events that were not queued because the queue was full
	Requests int64 `json:"requests"`  // requests that the server accepted
	Retries  int64 `json:"retries"`   // requests with an event that had been sent before
}

// A Publisher publishes many events in few requests. Events wait in a queue, and are
// sent in requests of up to ten. The events of a channel are published in order;
// between channels there is no order.
//
// Events that the server does not accept are sent again, as far as [Delivery] allows,
// while later events of the same channels wait and other channels continue. A batch
// that keeps failing is split, until the failing event is alone. The publisher slows
// down to the rate that the server accepts if it responds with 429, or 503 with
// Retry-After, which is honoured up to one minute; if the server does not respond,
// single requests probe it about once a second. docs/publishing.md describes what
// happens to an event in each case.
//
// [WithRetry] sets the delays between retries; its Attempts and Publishes do not
// apply. Failures that are retried are logged at level warn, at exponentially growing
// intervals.
//
// A Publisher is safe for concurrent use. Every call of the zero value returns
// [ErrConfiguration].
type Publisher struct {
	client    *Client
	engine    *batcher.Batcher[*queuedEvent]
	delivery  Delivery
	overflow  Overflow
	timeout   time.Duration
	addKeys   bool // IdempotencyKeys
	onResult  func(context.Context, PublishResult)
	noBatches bool // DisableBatches
	batches   batchBackoff

	failures, throttled failureSeries
}

// queuedEvent is an event that was validated and encoded.
type queuedEvent struct {
	ctx       context.Context // of Publish; nil if the client has no observer
	event     Event
	sent      gen.BatchEvent // the event as it is sent
	published time.Time
	multi     *string // the same pointer for all events of one PublishMulti
	bytes     int     // size of the request body with this event alone, if it is limited
	attempts  int
	counts    ChannelCounts
}

const maxConcurrency = 256 // as many idle connections as the client keeps

// NewPublisher returns a publisher for the client's app. It returns
// [ErrConfiguration] with all reasons if the configuration is invalid. The publisher
// runs until [Publisher.Close]; [Client.Close] does not close it.
func (c *Client) NewPublisher(config PublisherConfig) (*Publisher, error) {
	const op = "NewPublisher"
	if err := c.ready(op, context.Background()); err != nil {
		return nil, err
	}
	if err := config.validate(); err != nil {
		return nil, newError(op, ErrConfiguration, err)
	}
	config.setDefaults()
	p := &Publisher{
		client:    c,
		delivery:  config.Delivery,
		overflow:  config.Overflow,
		timeout:   config.Timeout,
		addKeys:   config.IdempotencyKeys,
		onResult:  config.OnResult,
		noBatches: config.DisableBatches,
	}
	if p.onResult == nil {
		p.onResult = p.logResult
	}
	maxBody := c.pipeline.maxBody
	var size func(*queuedEvent) (int, int)
	if maxBody > 0 {
		size = (*queuedEvent).size
	}
	p.engine = batcher.New(batcher.Config[*queuedEvent]{
		Concurrency: config.Concurrency,
		Capacity:    config.QueueSize,
		MaxBatch:    p.maxBatch,
		MaxGroup:    protocol.MaxChannels,
		Linger:      config.Linger,
		Timeout:     config.Timeout,
		BaseDelay:   c.pipeline.retry.BaseDelay,
		MaxDelay:    c.pipeline.retry.MaxDelay,
		Key:         func(e *queuedEvent) string { return e.event.Channel },
		Group:       (*queuedEvent).group,
		MaxBytes:    max(0, maxBody-len(`{"batch":[]}`)),
		Size:        size,
		Send:        p.send,
		Classify:    p.classify,
		OnResult:    p.report,
	})
	return p, nil
}

func (c *PublisherConfig) validate() error {
	var errs []error
	if c.Concurrency < 0 || c.Concurrency > maxConcurrency {
		errs = append(errs, fmt.Errorf("field Concurrency is %d: want 1 to %d", c.Concurrency, maxConcurrency))
	}
	if c.QueueSize < 0 {
		errs = append(errs, fmt.Errorf("field QueueSize is %d: want at least 1", c.QueueSize))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("field Timeout is %v: want more than 0", c.Timeout))
	}
	if c.Delivery != AtLeastOnce && c.Delivery != AtMostOnce {
		errs = append(errs, fmt.Errorf("field Delivery is %d: want AtLeastOnce or AtMostOnce", c.Delivery))
	}
	if c.Overflow != Block && c.Overflow != Reject {
		errs = append(errs, fmt.Errorf("field Overflow is %d: want Block or Reject", c.Overflow))
	}
	return sentinel.Join(errs...)
}

func (c *PublisherConfig) setDefaults() {
	if c.Concurrency == 0 {
		c.Concurrency = 8
	}
	if c.QueueSize == 0 {
		c.QueueSize = 10_000
	}
	if c.Linger == 0 {
		c.Linger = 5 * time.Millisecond
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Minute
	}
}

// Publish queues an event. Its data is encoded before Publish returns and may be
// changed afterwards. Publish returns [ErrInvalid] if the event breaks a limit of
// [Client.Trigger]. If the queue is full, Publish waits for a free slot, or returns
// [ErrQueueFull], see [Overflow]; if ctx is done while Publish waits, it returns
// ErrQueueFull as well. After Close, it returns [ErrClosed].
//
// If Publish returns an error, the event was not queued. If it returns nil, ctx no
// longer affects the event. See [PublisherConfig.OnResult] for calls from OnResult.
func (p *Publisher) Publish(ctx context.Context, event Event) error {
	const op = "Publish"
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	queued := &queuedEvent{ctx: p.observed(ctx), event: event, published: time.Now()}
	if err := p.prepare(queued, event.Data); err != nil {
		return invalid(op, err)
	}
	_, err := p.push(op, ctx, queued)
	return err
}

// PublishMulti queues an event for each of any number of channels, like a call of
// [Publisher.Publish] for each of them. The event's Channel must be empty; a channel
// that is given twice counts once. Up to 100 channels share a request; encrypted
// channels, and events with [PublisherConfig.IdempotencyKeys], are sent in batches. The
// event cannot have a key of its own, because all channels would share it.
//
// If PublishMulti returns [ErrInvalid], nothing was queued. If the queue is full or
// the publisher is closed, the error states how many events were queued.
func (p *Publisher) PublishMulti(ctx context.Context, channels []string, event Event) error {
	const op = "PublishMulti"
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	events, err := p.prepareMulti(ctx, channels, event)
	if err != nil {
		return invalid(op, err)
	}
	n, err := p.push(op, ctx, events...)
	var failure *Error
	if errors.As(err, &failure) {
		err := *failure
		err.Err = joinCause(err.Err, fmt.Errorf("%d of %d events were queued", n, len(events)))
		return &err
	}
	return nil
}

func (p *Publisher) prepareMulti(ctx context.Context, channels []string, event Event) ([]*queuedEvent, error) {
	switch {
	case event.Channel != "":
		return nil, fmt.Errorf("the event has the channel %q in addition to the list", event.Channel)
	case event.IdempotencyKey != "":
		return nil, errors.New("the event has an idempotency key, which all channels would share: set PublisherConfig.IdempotencyKeys instead")
	case len(channels) == 0:
		return nil, errors.New("no channels")
	}
	text, err := encode(event.Data)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	events := make([]*queuedEvent, 0, len(channels))
	for _, channel := range unique(channels) {
		one := &queuedEvent{ctx: p.observed(ctx), event: event, published: now}
		one.event.Channel = channel
		if err := p.prepare(one, text); err != nil {
			return nil, err
		}
		// A request that is split after a failure must not share a key.
		if !protocol.IsEncrypted(channel) && !p.addKeys {
			one.multi = &text
		}
		events = append(events, one)
	}
	return events, nil
}

// observed returns ctx if the client's observer needs it. Otherwise ctx and its values
// would stay in memory until the event has a result.
func (p *Publisher) observed(ctx context.Context) context.Context {
	if p.client.pipeline.observer == nil {
		return nil
	}
	return ctx
}

// prepare validates an event and encodes it with the data.
func (p *Publisher) prepare(queued *queuedEvent, data any) error {
	queued.event.Info = slices.Clone(queued.event.Info)
	if p.addKeys && queued.event.IdempotencyKey == "" {
		queued.event.IdempotencyKey = rand.Text()
	}
	event := queued.event
	event.Data = data
	var err error
	if queued.sent, err = p.client.prepareEvent(&event); err != nil || p.client.pipeline.maxBody == 0 {
		return err
	}
	if queued.bytes, err = queued.bodySize(); err == nil {
		err = p.client.pipeline.checkBodySize(queued.bytes)
	}
	return err
}

func (p *Publisher) push(op string, ctx context.Context, events ...*queuedEvent) (int, error) {
	n, err := p.engine.Push(ctx, p.overflow == Block, events...)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, batcher.ErrClosed):
		return n, newError(op, ErrClosed, nil)
	case errors.Is(err, batcher.ErrFull):
		return n, newError(op, ErrQueueFull, context.Cause(ctx))
	}
	return n, newError(op, nil, err)
}

// Flush sends queued events without lingering, and returns when the result of every
// event that was published before has been reported. If ctx is done first, it
// returns an [*Error] with the context's error, and the events stay queued. With the
// context of OnResult it returns [ErrInvalid].
func (p *Publisher) Flush(ctx context.Context) error {
	const op = "Flush"
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	return waitError(op, "events are still queued", p.engine.Flush(ctx))
}

// Close accepts no more events, sends those that are queued, and returns when every
// result has been reported. If ctx is done first, requests in flight are canceled,
// events that were not accepted fail with [ErrClosed], and Close returns at most a
// second later: with an [*Error] that has the context's error and the number of events
// that failed so or have no result, or nil if there are none. Closing again waits as
// well. With the context of OnResult, Close returns [ErrInvalid] and does nothing.
func (p *Publisher) Close(ctx context.Context) error {
	const op = "Close"
	if err := p.ready(op, ctx); err != nil {
		return err
	}
	lost, err := p.engine.Close(ctx)
	return waitError(op, fmt.Sprintf("%d events were not published", lost), err)
}

// waitError returns the error of Flush and Close.
func waitError(op, consequence string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, batcher.ErrInCallback):
		return newError(op, ErrInvalid, err)
	}
	return newError(op, nil, fmt.Errorf("%s: %w", consequence, err))
}

// Stats returns the current counters. They are consistent with each other.
func (p *Publisher) Stats() Stats {
	if p == nil || p.engine == nil {
		return Stats{}
	}
	s := p.engine.Stats()
	return Stats{
		Queued:   s.Queued,
		InFlight: s.InFlight,
		Sent:     s.Accepted,
		Failed:   s.Failed,
		Dropped:  s.Rejected,
		Requests: s.Batches,
		Retries:  s.Retries,
	}
}

func (p *Publisher) ready(op string, ctx context.Context) error {
	switch {
	case p == nil || p.engine == nil:
		return newError(op, ErrConfiguration, errors.New("the publisher was not made with NewPublisher"))
	case ctx == nil:
		return newError(op, ErrInvalid, errors.New("the context is nil"))
	}
	return nil
}
