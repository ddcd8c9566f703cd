// Package catchup receives the events of a channel with history of package sqlpusher:
// each once and in order, also those that were sent while there was no connection, and
// those that are too large for Pusher. It needs no database.
//
// [Subscribe] subscribes with a connection of package realtime, and [Channel.Next] or
// [Channel.Events] returns the events. What is missing is requested from the endpoint
// of sqlpusher.Store.Handler.
package catchup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/realtime"
)

// A Position is a place in the events of a channel: after the event with number Seq. The
// zero value is not a position.
type Position struct {
	Epoch string `json:"epoch"`
	Seq   int64  `json:"seq"`
}

// An Event is an event of a channel, or a request to load state again.
type Event struct {
	// Reload means that events are lost, because they were deleted or a backup was
	// restored. The program loads its state again; the events after Seq follow. If the
	// state has another position, use [Channel.Seek].
	Reload bool
	Name   string
	Data   json.RawMessage
	Seq    int64
}

// A Config configures a [Channel].
type Config struct {
	// URL is the absolute URL of the endpoint. It is required.
	URL string
	// Header is sent with each request, for example with a token.
	Header http.Header
	// Client sends the requests. The default is [http.DefaultClient].
	Client *http.Client
	// Position is where to continue. With the zero value, the events from the first
	// response of the endpoint on are returned.
	Position Position
	// Jitter is the maximum of the random delay before the request after a
	// reconnection, so that not all subscribers come at once. The default is 1 s; a
	// negative value disables it.
	Jitter time.Duration
}

// A StatusError is returned if the endpoint responds with status 400, 403 or 404.
// Other failures are retried.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("catchup: the endpoint responded with status %d", e.Status)
}

// A Channel is a subscription to a channel with history. It is safe for concurrent use;
// several readers share the events.
type Channel struct {
	channel *realtime.Channel
	config  Config

	mu      sync.Mutex // held by Next, also while it waits
	queue   []Event
	fetch   bool      // whether events may be missing
	checked time.Time // when a duplicate was last looked into

	state    sync.Mutex
	position Position
}

// checkInterval limits requests that are caused by duplicates.
const checkInterval = 10 * time.Second

// Subscribe subscribes to the channel. Options and errors are those of
// [realtime.Conn.Subscribe]. If the URL is not an absolute one, it returns
// [realtime.ErrConfiguration].
func Subscribe(ctx context.Context, conn *realtime.Conn, channel string, config Config, opts ...realtime.SubscribeOption) (*Channel, error) {
	if u, err := url.Parse(config.URL); err != nil || u.Host == "" {
		return nil, fmt.Errorf("catchup: %w: the URL of the endpoint is not absolute", realtime.ErrConfiguration)
	}
	if config.Client == nil {
		config.Client = http.DefaultClient
	}
	if config.Jitter == 0 {
		config.Jitter = time.Second
	}
	ch, err := conn.Subscribe(ctx, channel, opts...)
	if err != nil {
		return nil, err
	}
	return &Channel{channel: ch, config: config, position: config.Position, fetch: true}, nil
}

// Position returns the position after the event that was returned last.
func (c *Channel) Position() Position {
	c.state.Lock()
	defer c.state.Unlock()
	return c.position
}

// Seek continues at the position, which may be earlier or later. It waits for a call of
// Next.
func (c *Channel) Seek(position Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue, c.fetch = nil, true
	c.set(position)
}

// Unsubscribe ends the subscription; see [realtime.Channel.Unsubscribe].
func (c *Channel) Unsubscribe() { c.channel.Unsubscribe() }

// Next returns the next event. It waits until there is one, and requests what is
// missing; failed requests are retried with growing delays of up to 30 seconds. Errors
// are a [*StatusError], the error of ctx, or those of [realtime.Channel.Next]; a call
// after an error of ctx continues.
func (c *Channel) Next(ctx context.Context) (Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if len(c.queue) > 0 {
			event := c.queue[0]
			c.queue = c.queue[1:]
			c.set(Position{c.Position().Epoch, event.Seq})
			return event, nil
		}
		if c.fetch {
			if err := c.fetchPage(ctx); err != nil {
				return Event{}, err
			}
			continue
		}
		event, err := c.channel.Next(ctx)
		if err != nil {
			return Event{}, err
		}
		if event.Dropped > 0 {
			c.fetch = true
		}
		switch event.Kind {
		case realtime.KindGap:
			c.fetch = true
			if err := c.wait(ctx, rand.N(max(c.config.Jitter, 1))); err != nil {
				return Event{}, err
			}
		case realtime.KindMessage:
			c.received(event)
		}
	}
}

// Events returns the events until ctx is done or the subscription ends. If it fails for
// good, the last element is the error.
func (c *Channel) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := c.Next(ctx)
			if err != nil {
				if ctx.Err() == nil && !errors.Is(err, realtime.ErrClosed) {
					yield(Event{}, err)
				}
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// received handles a live event.
func (c *Channel) received(event realtime.Event) {
	var message struct {
		Epoch string
		Seq   int64
		Data  json.RawMessage
	}
	if strings.HasPrefix(event.Name, "client-") || json.Unmarshal([]byte(event.Data), &message) != nil || message.Seq <= 0 {
		return
	}
	switch position := c.Position(); {
	case message.Epoch != position.Epoch:
		c.fetch = true
	case message.Seq == position.Seq+1 && message.Data != nil:
		c.queue = append(c.queue, Event{Name: event.Name, Data: message.Data, Seq: message.Seq})
	case message.Seq > position.Seq: // a gap, or data that is too large for an event
		c.fetch = true
	case time.Since(c.checked) >= checkInterval: // a duplicate, or the database has lost events
		c.checked, c.fetch = time.Now(), true
	}
}

// A page is the response of the endpoint.
type page struct {
	Position
	Complete bool
	Events   []Event
}

// maxResponse is more than the endpoint sends, except for one event that has more.
const maxResponse = 64 << 20

// fetchPage queues events, or a request to load state again.
func (c *Channel) fetchPage(ctx context.Context) error {
	for delay := 250 * time.Millisecond; ; delay = min(2*delay, 30*time.Second) {
		response, err := c.request(ctx)
		var status *StatusError
		switch {
		case err == nil:
			c.accept(response)
			return nil
		case errors.As(err, &status) && (status.Status == http.StatusBadRequest || status.Status == http.StatusForbidden || status.Status == http.StatusNotFound):
			return err
		}
		if err := c.wait(ctx, delay/2+rand.N(delay)); err != nil {
			return err
		}
	}
}

func (c *Channel) accept(response *page) {
	position := c.Position()
	switch {
	case position == Position{}:
		c.set(response.Position)
		c.fetch = false
	case !response.Complete:
		c.set(response.Position)
		c.queue, c.fetch = []Event{{Reload: true, Seq: response.Seq}}, false
	default:
		c.queue = response.Events
		last := position.Seq
		if n := len(c.queue); n > 0 {
			last = c.queue[n-1].Seq
		}
		c.fetch = last < response.Seq
	}
}

func (c *Channel) request(ctx context.Context) (*page, error) {
	u, err := url.Parse(c.config.URL)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	query.Set("channel", c.channel.Name())
	if position := c.Position(); position != (Position{}) {
		query.Set("epoch", position.Epoch)
		query.Set("after", strconv.FormatInt(position.Seq, 10))
	}
	u.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if c.config.Header != nil {
		req.Header = c.config.Header.Clone()
	}
	resp, err := c.config.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, &StatusError{resp.StatusCode}
	}
	var response page
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(&response); err != nil {
		return nil, err
	}
	return &response, nil
}

func (c *Channel) set(position Position) {
	c.state.Lock()
	defer c.state.Unlock()
	c.position = position
}

func (c *Channel) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
