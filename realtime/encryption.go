package realtime

import (
	"errors"

	"github.com/openchannels/pusher-go/internal/encryption"
)

// receiveEncrypted decrypts an event. If the key does not fit, the app may have replaced
// it: a new one is requested, and the event and those that follow are held until then,
// so that their order is kept. The caller holds the lock.
func (c *Conn) receiveEncrypted(s *session, ch *Channel, m message) {
	if !ch.refreshing && ch.decrypt(m) != errHold {
		return
	}
	ch.held = append(ch.held, m)
	ch.heldBytes += len(m.Data)
	for len(ch.held) > maxBufferedEvents || ch.heldBytes > maxBufferedBytes && len(ch.held) > 1 {
		ch.heldBytes -= len(ch.held[0].Data)
		ch.held = ch.held[1:]
		ch.drop()
	}
	if !ch.refreshing {
		ch.refreshing = true
		c.wg.Go(func() { c.refreshKey(s, ch) })
	}
}

var errHold = errors.New("encrypted with another key")

// decrypt delivers an event. Data that is not encrypted is dropped.
func (ch *Channel) decrypt(m message) error {
	plain, err := ch.key.Decrypt([]byte(m.Data))
	switch {
	case errors.Is(err, encryption.ErrDecrypt):
		return errHold
	case err != nil:
		ch.conn.logger(ch).Warn("realtime: event dropped", "event", line(m.Event), "reason", "its data is not encrypted")
		ch.drop()
		return err
	}
	ch.push(Event{Kind: KindMessage, Channel: ch.name, Name: m.Event, Data: string(plain)})
	return nil
}

// refreshKey runs in a goroutine. If it fails, the next event that cannot be decrypted
// starts another attempt.
func (c *Conn) refreshKey(s *session, ch *Channel) {
	a, err := c.requestChannelAuthorization(s, ch)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isStale(s, ch) {
		return // the next subscription delivers what is held
	}
	if err != nil {
		c.report(of("", ch.name, err))
		a.key = ch.key
	}
	c.setKey(ch, a.key)
}

// setKey sets the key of an encrypted channel, and delivers the events that were held.
// Those that still cannot be decrypted are dropped.
func (c *Conn) setKey(ch *Channel, key *encryption.ChannelKey) {
	ch.key, ch.refreshing = key, false
	held := ch.held
	ch.held, ch.heldBytes = nil, 0
	for _, m := range held {
		if ch.decrypt(m) == errHold {
			c.logger(ch).Warn("realtime: event dropped", "event", line(m.Event), "reason", "it cannot be decrypted with the key of the channel")
			ch.drop()
		}
	}
}
