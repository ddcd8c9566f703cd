package sqlpusher

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/pusher"
)

// A RelayConfig configures a [Relay]. The zero value of every field means its default.
type RelayConfig struct {
	// Lease is how long a relay that has died keeps its share of the channels. It must
	// exceed RequestTimeout by at least 2 seconds. The default is 10 s.
	Lease time.Duration
	// RequestTimeout is at least the pusher.WithTimeout of the client. A relay stops
	// sending when less of its lease is left. The default is 5 s.
	RequestTimeout time.Duration
	// PollInterval is the time between two reads while there are events, and for ten
	// seconds afterwards; then it is ten times as long. The default is 50 ms.
	PollInterval time.Duration
	// MaxInFlight is the maximum number of events that are being sent, or were
	// accepted and are not yet recorded in the database. Those can be sent again if the
	// relay dies. The default is 1,000.
	MaxInFlight int
	// Retention is how long events of channels with history are kept after they were
	// added. Older ones are deleted, and so are expired rows of the inbox. The
	// default is 24 hours. A negative value disables it; see [Store.Clean].
	Retention time.Duration
	// Wait, if set, returns nil when there may be new events, for example because a
	// notification has arrived, so that the relay reads at once. It is called again
	// and again, and must return when ctx is done.
	Wait func(ctx context.Context) error
	// Publisher configures the publisher, for example its Concurrency. With
	// IdempotencyKeys, every event has a key that is the same for all relays.
	// QueueSize, Timeout, Delivery, Overflow and OnResult are the relay's.
	Publisher pusher.PublisherConfig
}

// A Relay publishes the events of a [Store]. Any number of relays in any number of
// processes share the channels; up to 16 of them work at the same time.
//
// Every event is published at least once. If a relay dies, another one publishes its
// events after the lease, and up to MaxInFlight of them twice. With idempotency
// keys, a server that supports them delivers an event once within its time window.
// The events of a channel are published in the order in which their transactions
// committed, see docs/sqlpusher-design.md.
//
// An event that the server rejects with status 400, 413 or 422, or that exceeds a limit
// of the relay's client, is marked as failed; see [Store.Failed]. After any other
// failure that a publisher does not retry, such as 401, the relay leaves its channels to
// other relays and starts again after up to 10 seconds; events stay pending.
type Relay struct {
	store   *Store
	config  RelayConfig
	running atomic.Bool
	logs    failureLog
}

// NewRelay returns a relay. It performs no I/O; [Relay.Run] publishes. It returns
// [pusher.ErrConfiguration] if a field is invalid.
func (s *Store) NewRelay(config RelayConfig) (*Relay, error) {
	config.Lease = cmp.Or(config.Lease, 10*time.Second)
	config.RequestTimeout = cmp.Or(config.RequestTimeout, 5*time.Second)
	config.PollInterval = cmp.Or(config.PollInterval, 50*time.Millisecond)
	config.MaxInFlight = cmp.Or(config.MaxInFlight, 1000)
	config.Retention = cmp.Or(config.Retention, 24*time.Hour)
	if config.RequestTimeout < 0 || config.Lease < config.RequestTimeout+2*time.Second || config.PollInterval < 0 || config.MaxInFlight < 0 {
		return nil, fmt.Errorf("sqlpusher: NewRelay: %w: want a Lease of at least RequestTimeout + 2s, and no negative field but Retention", pusher.ErrConfiguration)
	}
	config.Publisher.QueueSize = config.MaxInFlight
	config.Publisher.Timeout = 24 * time.Hour // the end of the lease cancels the publisher
	config.Publisher.Delivery = pusher.AtLeastOnce
	config.Publisher.Overflow = pusher.Block
	probe, err := s.client.NewPublisher(config.Publisher) // checks the other fields
	if err != nil {
		return nil, fmt.Errorf("sqlpusher: NewRelay: %w", err)
	}
	_ = probe.Close(context.Background())
	return &Relay{store: s, config: config, logs: failureLog{store: s}}, nil
}

// Run publishes events until ctx is done. Then it waits up to 5 seconds for requests in
// flight, leaves its share of the channels to other relays, and returns nil. Failures
// are logged and do not end it. A second concurrent call returns [pusher.ErrInvalid].
func (r *Relay) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return fmt.Errorf("sqlpusher: Run: %w: the relay is running", pusher.ErrInvalid)
	}
	defer r.running.Store(false)
	const shortest, longest = 100 * time.Millisecond, 10 * time.Second
	for delay := shortest; ctx.Err() == nil; delay = min(2*delay, longest) {
		s := r.newSession()
		if err := s.run(ctx); err != nil {
			r.logs.failed(ctx, "sqlpusher: relay interrupted", err)
		}
		if s.accepted.Load() {
			delay = shortest
		}
		sleep(ctx, delay)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// A session is the work of a relay from its registration until it leaves or fails.
// Nothing is kept from one session to the next.
//
// Three goroutines share it. read owns the cursor, the shards and the events in flight;
// renew extends the lease; record writes results to the database. A result travels
// from the publisher to record and then to read, so an event leaves inFlight before the
// first read that cannot return it.
type session struct {
	*Relay
	id        string
	publisher *pusher.Publisher
	abort     context.CancelCauseFunc
	wake      chan struct{}
	results   chan result
	recorded  chan []row
	accepted  atomic.Bool // at least one event
	cleans    atomic.Bool // whether this session deletes old rows

	// Of read.
	inFlight map[int64]row
	held     map[int]bool // shards; false while their last events are in flight
	cursor   cursor
}

// A row is an event in flight.
type row struct {
	id      int64
	shard   int
	history bool
}

type result struct {
	row
	err error
}

func (r *Relay) newSession() *session {
	return &session{
		Relay:    r,
		id:       rand.Text(),
		wake:     make(chan struct{}, 1),
		results:  make(chan result, r.config.MaxInFlight),
		recorded: make(chan []row, r.config.MaxInFlight),
		inFlight: map[int64]row{},
		held:     map[int]bool{},
		cursor:   newCursor(),
	}
}

// grace is how long a relay that was stopped waits for requests in flight, and then for
// the database.
const grace = 5 * time.Second

var errStopped = errors.New("stopped")

// run returns the reason why the session has failed, or nil if ctx is done.
func (s *session) run(ctx context.Context) (err error) {
	live, abort := context.WithCancelCause(context.WithoutCancel(ctx)) // until the publisher is closed
	defer abort(nil)
	s.abort = abort
	if err := s.register(ctx); err != nil {
		return err
	}
	config := s.config.Publisher
	config.OnResult = s.onResult
	if s.publisher, err = s.store.client.NewPublisher(config); err != nil {
		return err
	}
	s.store.mu.Lock()
	s.store.wakes[s.wake] = true
	s.store.mu.Unlock()
	defer func() {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		delete(s.store.wakes, s.wake)
	}()

	var recording sync.WaitGroup
	closed := make(chan struct{}) // the publisher
	recording.Go(func() { s.record(live, closed) })
	var others sync.WaitGroup
	others.Go(func() { s.renew(live) })
	if s.config.Retention > 0 {
		others.Go(func() { s.clean(live) })
	}
	reading, stop := context.WithCancel(live)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	if wait := s.config.Wait; wait != nil {
		others.Go(func() { s.wait(reading, wait) })
	}
	// If the session fails, nothing is sent from now on.
	defer context.AfterFunc(live, func() { _ = s.publisher.Close(live) })()
	s.read(reading)

	closing, cancel := context.WithTimeout(live, grace)
	_ = s.publisher.Close(closing)
	cancel()
	close(closed)
	recording.Wait()
	err = context.Cause(live)
	abort(errStopped)
	stop()
	others.Wait()
	s.leave(ctx)
	return err
}

// onResult is called by the publisher, in order for each channel. It returns after
// the publisher was canceled if later events must not be sent before this one.
func (s *session) onResult(ctx context.Context, published pusher.PublishResult) {
	r := published.Event.Metadata.(row)
	if published.Err != nil && !permanent(published.Err) {
		if !errors.Is(published.Err, pusher.ErrClosed) {
			s.abort(published.Err)
			<-ctx.Done()
		}
		return
	}
	s.accepted.Store(true)
	s.results <- result{r, published.Err}
}

// permanent reports whether the event itself is the reason for the error.
func permanent(err error) bool {
	var failure *pusher.Error
	if !errors.As(err, &failure) || !errors.Is(err, pusher.ErrInvalid) {
		return false
	}
	switch failure.Status {
	case 0, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// minReadInterval limits reads that are caused by [Store.InTx] and Wait.
const minReadInterval = 5 * time.Millisecond

// read publishes events and takes part in the distribution of shards until ctx is done.
func (s *session) read(ctx context.Context) {
	var shared, active, began time.Time // began is when the last read began
	var next time.Time                  // when the next one begins
	waiting := false                    // for events in flight
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return
		case rows := <-s.recorded:
			s.forget(rows)
			if !waiting || s.full() {
				continue
			}
		case <-s.wake:
			active = time.Now()
			if soon := began.Add(minReadInterval); active.Before(soon) {
				next = soon
				continue
			}
		case <-timer.C:
		}
		// A read that begins now does not return events recorded until now.
		for len(s.recorded) > 0 {
			s.forget(<-s.recorded)
		}
		began = time.Now()
		if began.Sub(shared) >= s.config.Lease/10 {
			shared = began
			s.check(ctx, "sqlpusher: share channels", s.share(ctx))
		}
		if began.Sub(active) <= activeTime {
			next = began.Add(s.config.PollInterval)
		} else {
			next = began.Add(10 * s.config.PollInterval)
		}
		if waiting = s.full(); waiting {
			continue
		}
		events, more, err := s.fetch(ctx)
		s.check(ctx, "sqlpusher: read events", err)
		for _, e := range events {
			active = began
			s.publish(ctx, e)
		}
		if more {
			next, waiting = began, s.full()
		}
	}
}

// activeTime is how long a relay polls often after it has read an event.
const activeTime = 10 * time.Second

// full reports whether there is no room for the events of another read.
func (s *session) full() bool { return len(s.inFlight)+s.page() > s.config.MaxInFlight }

// page returns the number of events of one read.
func (s *session) page() int { return min(500, s.config.MaxInFlight) }

// clean deletes old rows every minute until ctx is done, in one of the relays.
func (s *session) clean(ctx context.Context) {
	for ; ctx.Err() == nil; sleep(ctx, time.Minute) {
		if s.cleans.Load() {
			_, err := s.store.Clean(ctx, s.config.Retention)
			s.check(ctx, "sqlpusher: clean", err)
		}
	}
}

func (s *session) forget(rows []row) {
	for _, r := range rows {
		delete(s.inFlight, r.id)
	}
}

// check logs an error of the database. The lease decides how long it may last.
func (s *session) check(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.logs.failed(ctx, what, err)
		sleep(ctx, 100*time.Millisecond)
	}
}

// publish gives an event to the publisher.
func (s *session) publish(ctx context.Context, e event) {
	s.inFlight[e.row.id] = e.row
	out := pusher.Event{Channel: e.channel, Name: e.name, Data: string(e.data), SocketID: e.socketID, IdempotencyKey: e.key, Metadata: e.row}
	if out.IdempotencyKey == "" && s.config.Publisher.IdempotencyKeys {
		out.IdempotencyKey = fmt.Sprintf("%s-%d", e.epoch, e.row.id)
	}
	if e.row.history {
		out.Data = envelope(e.epoch, e.seq, e.data)
	}
	err := s.publisher.Publish(ctx, out)
	if e.row.history && errors.Is(err, pusher.ErrTooLarge) {
		out.Data = envelope(e.epoch, e.seq, nil)
		err = s.publisher.Publish(ctx, out)
	}
	switch {
	case err == nil:
	case permanent(err):
		s.results <- result{e.row, err}
	case errors.Is(err, pusher.ErrClosed), ctx.Err() != nil:
	default:
		s.abort(err)
	}
}

// record writes results to the database until stop is closed and none is left.
func (s *session) record(ctx context.Context, stop <-chan struct{}) {
	for {
		var batch []result
		select {
		case r := <-s.results:
			batch = append(batch, r)
		case <-stop:
			if len(s.results) == 0 {
				return
			}
		}
		linger := time.After(5 * time.Millisecond) // a few requests, and one transaction
	collect:
		for len(batch) < 500 {
			select {
			case r := <-s.results:
				batch = append(batch, r)
			case <-linger:
				break collect
			}
		}
		s.recordBatch(ctx, batch)
	}
}

// recordBatch repeats until it has written the batch, or the session has failed and
// the last attempt fails too.
func (s *session) recordBatch(ctx context.Context, batch []result) {
	for {
		last := ctx.Err() != nil
		attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		err := s.store.record(attempt, batch)
		cancel()
		if err == nil {
			break
		}
		s.logs.failed(ctx, "sqlpusher: record results", err)
		if last {
			return
		}
		sleep(ctx, 100*time.Millisecond)
	}
	rows := make([]row, len(batch))
	for i, r := range batch {
		rows[i] = r.row
		if r.err != nil {
			s.store.log().ErrorContext(ctx, "sqlpusher: event failed", "id", r.id, "error", r.err)
		}
	}
	select {
	case s.recorded <- rows:
	case <-ctx.Done():
	}
}

func (s *session) wait(ctx context.Context, wait func(context.Context) error) {
	for ctx.Err() == nil {
		if err := wait(ctx); err == nil {
			signal(s.wake)
		} else if ctx.Err() == nil {
			s.logs.failed(ctx, "sqlpusher: wait function", err)
			sleep(ctx, time.Second)
		}
	}
}

// A failureLog logs failures 1, 2, 4, 8, … of a series that ends with a minute without
// failures.
type failureLog struct {
	store *Store
	n     atomic.Int64
	last  atomic.Int64 // Unix time
}

func (l *failureLog) failed(ctx context.Context, message string, err error) {
	now := time.Now().Unix()
	if now-l.last.Swap(now) >= 60 {
		l.n.Store(0)
	}
	if n := l.n.Add(1); n&(n-1) == 0 {
		l.store.log().WarnContext(ctx, message, "failures", n, "error", err)
	}
}
