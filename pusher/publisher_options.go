package pusher

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A PublisherOption changes how a [Publisher] works.
type PublisherOption func(*publisherConfig) error

type publisherConfig struct {
	lanes      int
	linger     time.Duration
	queueSize  int
	refuse     bool
	atMostOnce bool
	onReport   func(context.Context, Report)
}

func defaultPublisherConfig() publisherConfig {
	return publisherConfig{lanes: 8, linger: 5 * time.Millisecond, queueSize: 10_000}
}

// maxLanes is as many idle connections as the client keeps.
const maxLanes = 256

// Lanes sets how many requests are under way at the same time, 1 to 256. The
// default is 8. As a channel keeps to one lane, a single channel gets ten events
// a round trip.
func Lanes(n int) PublisherOption {
	return func(c *publisherConfig) error {
		if n < 1 || n > maxLanes {
			return fmt.Errorf("Lanes(%d): want 1 to %d", n, maxLanes)
		}
		c.lanes = n
		return nil
	}
}

// Linger sets how long a lane waits for a request to fill up. It counts from the
// start of the lane's previous request: what finds its lane idle for that long
// leaves at once, and so does a full request. With 0 a lane never waits for more
// than the previous answer. The default is 5 ms.
func Linger(d time.Duration) PublisherOption {
	return func(c *publisherConfig) error {
		if d < 0 {
			return fmt.Errorf("Linger(%v): want at least 0", d)
		}
		c.linger = d
		return nil
	}
}

// QueueSize bounds how many events a publisher holds: those that wait, those under
// way, and those being reported. The default is 10,000.
func QueueSize(n int) PublisherOption {
	return func(c *publisherConfig) error {
		if n < 1 {
			return fmt.Errorf("QueueSize(%d): want at least 1", n)
		}
		c.queueSize = n
		return nil
	}
}

// RefuseWhenFull makes [Publisher.Publish] return [ErrQueueFull] at once when the
// queue has no room, where it would otherwise wait.
func RefuseWhenFull() PublisherOption {
	return func(c *publisherConfig) error {
		c.refuse = true
		return nil
	}
}

// AtMostOnce gives up at-least-once publishing: what may have been processed is
// not sent again. See [Publisher].
func AtMostOnce() PublisherOption {
	return func(c *publisherConfig) error {
		c.atMostOnce = true
		return nil
	}
}

// OnReport has fn called once for each event that was queued: published, refused or
// given up. Calls for one channel come one after the other, in the order of its
// events; lanes call fn at the same time. A lane sends nothing while fn runs,
// so that a slow fn slows publishing down instead of filling the memory. A panic
// in fn is logged and goes no further.
//
// The context is done when [Publisher.Close] gives up. With it, or a context made
// from it, fn may publish again even when the queue is full: Publish never waits,
// because the event takes the place of the one reported. A second event can find
// the queue full: [ErrQueueFull]. With another context Publish waits as ever, and
// when all lanes wait so, none makes room.
func OnReport(fn func(ctx context.Context, report Report)) PublisherOption {
	return func(c *publisherConfig) error {
		if fn == nil {
			return errors.New("OnReport: nil function")
		}
		c.onReport = fn
		return nil
	}
}
