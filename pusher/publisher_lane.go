package pusher

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// A lane sends what is queued in it, in order, one request at a time. That alone
// keeps the order of each channel.
type lane struct {
	publisher *Publisher
	linger    time.Duration
	departed  time.Time     // the start of the last request
	wake      chan struct{} // one token at most

	mu      sync.Mutex
	queue   fifo
	read    time.Duration // when the clock was last read
	flushes int           // in queue
	awaits  int           // the lane sleeps until queue has so many; 0 while it is awake
	closed  bool
}

func newLane(p *Publisher, linger time.Duration) *lane {
	return &lane{publisher: p, linger: linger, wake: make(chan struct{}, 1)}
}

// push queues items, next to each other, unless the lane is closed.
func (l *lane) push(items []item) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	for i := range items {
		items[i].since = l.clock()
		l.queue.push(&items[i])
	}
	if items[0].flush != nil {
		l.flushes++
	}
	due := l.awaits > 0 && (l.queue.len >= l.awaits || l.flushes > 0)
	if due {
		l.awaits = 0
	}
	l.mu.Unlock()
	if due {
		l.rouse()
	}
	return true
}

// clock is the time, for the statistics. Reading it is a sixth of what Publish
// costs: behind a full request three of four events are content with a time that
// is a little old.
func (l *lane) clock() time.Duration {
	if n := l.queue.len; n < protocol.MaxBatch || n%4 == 0 {
		l.read = time.Since(l.publisher.began)
	}
	return l.read
}

// close has the lane end when its queue is empty.
func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.rouse()
}

// rouse leaves a token for a lane that has just been roused by its timer, which
// then looks once in vain.
func (l *lane) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		items, pause, ended := l.take()
		switch {
		case ended:
			return
		case len(items) > 0:
			l.publisher.deliver(items)
		case pause > 0:
			timer.Reset(pause)
			select {
			case <-l.wake:
			case <-timer.C:
			}
		default:
			<-l.wake
		}
	}
}

// take returns the events of the next request; or none, and for how long to sleep,
// 0 being until there is something.
func (l *lane) take() (items []*item, pause time.Duration, ended bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awaits = 0
	for l.queue.len > 0 && l.queue.at(0).flush != nil {
		l.queue.pop(1)[0].flush.reached()
		l.flushes--
	}
	if l.queue.len == 0 {
		l.awaits = 1
		return nil, 0, l.closed
	}
	full := l.queue.len >= protocol.MaxBatch
	if pause := l.departed.Add(l.linger).Sub(now); pause > 0 && !full && l.flushes == 0 && !l.closed {
		l.awaits = protocol.MaxBatch
		return nil, pause, false
	}
	l.departed = now
	return l.queue.pop(l.requestSize()), 0, false
}

// requestSize is how many of the first items go into one request: up to 100 if
// they are the same event on different channels, else up to ten.
func (l *lane) requestSize() int {
	q, first := &l.queue, l.queue.at(0)
	same := 1
	for same < min(q.len, protocol.MaxChannels) && first.multi != nil && q.at(same).multi == first.multi {
		same++
	}
	if same > protocol.MaxBatch {
		return same
	}
	n := 1
	for n < min(q.len, protocol.MaxBatch) && q.at(n).flush == nil {
		n++
	}
	return n
}

// A flush goes through all lanes behind what was queued before it.
type flush struct {
	left atomic.Int64
	done chan struct{}
}

func newFlush(lanes int) *flush {
	f := &flush{done: make(chan struct{})}
	f.left.Store(int64(lanes))
	return f
}

func (f *flush) reached() {
	if f.left.Add(-1) == 0 {
		close(f.done)
	}
}
