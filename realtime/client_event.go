package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
)

// The server accepts 10 client events a second from a connection. The margin is for
// events that the network delivers faster than they were sent.
//
// Source: Pusher Channels docs, "Client events".
const (
	maxClientEvents  = 10
	clientEventsTime = 1100 * time.Millisecond
)

// A clientEventRate has the times of the last client events, as a ring.
type clientEventRate struct {
	times [maxClientEvents]time.Time
	next  int
}

// delay returns how long to wait before the next event.
func (r *clientEventRate) delay() time.Duration {
	oldest := r.times[r.next]
	if oldest.IsZero() {
		return 0
	}
	return max(0, clientEventsTime-time.Since(oldest))
}

func (r *clientEventRate) count() {
	r.times[r.next] = time.Now()
	r.next = (r.next + 1) % maxClientEvents
}

// Trigger sends a client event to the other subscribers of a private or presence
// channel. The name starts with "client-", and the app's settings have to enable client
// events. The data is encoded as JSON, at most 10,240 bytes.
//
// Servers accept 10 client events a second from a connection. Trigger waits until the
// event can be sent, and returns [ErrRateLimited] if ctx ends before. It returns when
// the event is queued. An error of the server is an event of kind [KindError] on the
// [Conn].
//
// Trigger returns [ErrInvalid] if an argument is invalid or the channel is neither
// private nor presence, or is encrypted, which clients of Pusher do not support. It
// returns [ErrDisconnected] if the channel is not subscribed at the moment.
//
// Source: Pusher Channels docs, "Client events".
func (ch *Channel) Trigger(ctx context.Context, event string, data any) error {
	if err := ch.trigger(ctx, event, data); err != nil {
		return of("Trigger", ch.Name(), err)
	}
	return nil
}

func (ch *Channel) trigger(ctx context.Context, event string, data any) error {
	c, name := ch.conn, ch.Name()
	switch {
	case !isAuthorized(name) || protocol.IsEncrypted(name):
		return invalid("client events need a private or presence channel that is not encrypted")
	case !strings.HasPrefix(event, clientEventPrefix):
		return invalid("the name of a client event has to start with %s: %.50q", clientEventPrefix, event)
	}
	if err := protocol.CheckEventName(event); err != nil {
		return invalid("%w", err)
	}
	encoded, err := encodeJSON(data)
	if err != nil {
		return invalid("data cannot be encoded: %w", err)
	}
	if len(encoded) > protocol.MaxEventBytes {
		return invalid("data has %d bytes, at most %d are allowed", len(encoded), protocol.MaxEventBytes)
	}
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		delay, err := c.sendClientEvent(ch, event, encoded)
		if err != nil || delay == 0 {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < delay {
			return &Error{Kind: ErrRateLimited, Err: fmt.Errorf("the next one can be sent in %v", delay.Round(time.Millisecond))}
		}
		if !sleep(ctx, delay) {
			return &Error{Kind: ErrRateLimited, Err: context.Cause(ctx)}
		}
	}
}

// sendClientEvent sends the event, or returns how long to wait.
func (c *Conn) sendClientEvent(ch *Channel, event string, data json.RawMessage) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ch.isEnded():
		return 0, ch.reason()
	case ch.phase != phaseSubscribed:
		return 0, &Error{Kind: ErrDisconnected, Err: errors.New("the channel is not subscribed at the moment")}
	}
	if delay := c.rate.delay(); delay > 0 {
		return delay, nil
	}
	c.rate.count()
	return 0, c.send(c.session, event, ch.name, data)
}
