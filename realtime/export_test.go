package realtime

// A BenchmarkChannel handles messages without a connection.
type BenchmarkChannel struct{ *Channel }

// NewBenchmarkChannel returns a channel that is subscribed.
func NewBenchmarkChannel(name string) BenchmarkChannel {
	c := &Conn{cfg: &config{}, events: newStream(), channels: make(map[string]*Channel)}
	ch := c.newChannel(name)
	ch.phase = phaseSubscribed
	c.channels[name] = ch
	c.session = &session{}
	return BenchmarkChannel{ch}
}

// Receive handles a frame of the server.
func (b BenchmarkChannel) Receive(frame []byte) error {
	m, err := decodeMessage(frame)
	if err != nil {
		return err
	}
	b.conn.mu.Lock()
	defer b.conn.mu.Unlock()
	b.conn.handle(b.conn.session, m)
	return nil
}
