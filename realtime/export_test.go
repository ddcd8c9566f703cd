package realtime

import (
	"context"
	"log/slog"
)

// A LocalChannel handles messages without a connection. What it would send is lost.
type LocalChannel struct{ *Channel }

// NewLocalChannel returns a channel that is subscribed.
func NewLocalChannel(name string) LocalChannel {
	c := &Conn{
		cfg:      &config{logger: slog.New(slog.DiscardHandler)},
		events:   newStream(),
		ctx:      context.Background(),
		session:  &session{closing: true},
		channels: make(map[string]*Channel),
	}
	ch := c.newChannel(name)
	ch.phase = phaseSubscribed
	c.channels[name] = ch
	return LocalChannel{ch}
}

// Receive handles a frame of the server.
func (ch LocalChannel) Receive(frame []byte) error {
	m, err := decodeMessage(frame)
	if err != nil {
		return err
	}
	ch.conn.mu.Lock()
	defer ch.conn.mu.Unlock()
	ch.conn.handle(ch.conn.session, m)
	return nil
}
