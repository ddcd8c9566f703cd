package realtime

import (
	"context"
	"errors"
	"iter"
	"sync"
)

const (
	maxBufferedEvents = 1000
	maxBufferedBytes  = 1 << 20
)

// A stream is a bounded buffer of events with any number of readers. It drops the
// oldest events instead of blocking the writer.
type stream struct {
	ready chan struct{} // has a token while there may be something to read
	done  chan struct{} // closed by end

	mu      sync.Mutex
	events  []Event // events[:first] were read
	first   int
	bytes   int
	dropped int
	err     error // why the stream has ended
}

func newStream() stream {
	return stream{ready: make(chan struct{}, 1), done: make(chan struct{})}
}

// push appends an event, unless the stream has ended.
func (s *stream) push(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.events = append(s.events, e)
	s.bytes += size(e)
	for len(s.events)-s.first > maxBufferedEvents || s.bytes > maxBufferedBytes && len(s.events)-s.first > 1 {
		s.dropped += 1 + s.pop().Dropped
	}
	s.wake()
}

// drop counts an event that is lost before it could be pushed.
func (s *stream) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped++
}

// end ends the stream. Readers get the remaining events, unless they are discarded,
// and then err.
func (s *stream) end(err error, discard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	if s.err = err; discard {
		s.events, s.first, s.bytes = nil, 0, 0
	}
	close(s.done)
	s.wake()
}

// next returns the oldest event.
func (s *stream) next(ctx context.Context) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, context.Cause(ctx)
		}
		if e, ok, err := s.take(); ok || err != nil {
			return e, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

func (s *stream) take() (Event, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == s.first {
		if s.err != nil {
			s.wake() // for the other readers
		}
		return Event{}, false, s.err
	}
	e := s.pop()
	e.Dropped, s.dropped = s.dropped, 0
	if len(s.events) > s.first || s.err != nil {
		s.wake()
	}
	return e, true, nil
}

// pop removes the oldest event. Memory is released in steps, so that a full buffer is
// not copied for each event, and at once when the buffer is empty.
func (s *stream) pop() Event {
	e := s.events[s.first]
	s.events[s.first] = Event{}
	s.first++
	s.bytes -= size(e)
	switch {
	case s.first == len(s.events):
		s.events, s.first = s.events[:0], 0
		if cap(s.events) > 16 {
			s.events = nil
		}
	case s.first > maxBufferedEvents:
		s.events, s.first = append([]Event(nil), s.events[s.first:]...), 0
	}
	return e
}

func (s *stream) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// all returns the events until the stream ends. An error is yielded last if the stream
// has failed, but not if the caller has ended it.
func (s *stream) all(ctx context.Context, next func(context.Context) (Event, error)) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			e, err := next(ctx)
			if err != nil {
				if ctx.Err() == nil && !errors.Is(err, ErrClosed) {
					yield(Event{}, err)
				}
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// size estimates the memory of an event's texts.
func size(e Event) int {
	n := len(e.Name) + len(e.Data) + len(e.UserID)
	for _, id := range e.UserIDs {
		n += len(id)
	}
	return n
}

// reason returns why the stream has ended, or nil.
func (s *stream) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
