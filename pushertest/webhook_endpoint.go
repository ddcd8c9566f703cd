package pushertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/internal/redact"
	"github.com/openchannels/pusher-go/webhook"
)

// Limits of webhook deliveries.
//
// Source: Pusher Channels docs, "Webhooks"; Pusher support, "Channels webhook
// timeouts and retries". Pusher's delays between attempts and its limit of waiting
// events are not known. The delays here are short, so that an app that starts a moment
// after the server need not wait.
const (
	maxWebhookBatch    = 20 // events
	webhookTimeout     = 4 * time.Second
	webhookRetryPeriod = 5 * time.Minute
	minWebhookDelay    = 250 * time.Millisecond
	maxWebhookDelay    = time.Second
	maxWebhookQueue    = 10_000 // events
)

// A webhookEndpoint is a URL that webhooks are posted to. One goroutine makes the
// first attempt of each delivery, in the order of the events. Another one makes all
// further attempts, so that a rejected delivery does not delay later ones. Both run
// only while they have something to do.
type webhookEndpoint struct {
	url    *url.URL
	app    App
	now    func() time.Time
	logger *slog.Logger
	client *http.Client
	ctx    context.Context // canceled when the server is closed
	cancel context.CancelFunc

	mu       sync.Mutex
	queue    []webhookEvent // not yet sent, the oldest first
	rejected []*delivery    // to be retried, the oldest first
	pending  int            // events in queue and rejected
	posting  bool
	retrying bool
	failures map[string]bool // logged since the last delivery that succeeded
	wg       sync.WaitGroup
}

// The failures that are logged.
const (
	failureRetried = "webhook failed, it will be retried"
	failureGivenUp = "webhook failed for 5 minutes, it will not be retried any more"
	failureDropped = "webhook event dropped, because too many are waiting"
)

// logFailure logs each kind of failure only once until a delivery succeeds, because an
// endpoint that is down would fill the log. The caller holds the lock.
func (e *webhookEndpoint) logFailure(level slog.Level, failure string, args ...any) {
	if !e.failures[failure] {
		e.failures[failure] = true
		e.logger.Log(e.ctx, level, "pushertest: "+failure, args...)
	}
}

// logSuccess logs the end of an outage. The caller holds the lock.
func (e *webhookEndpoint) logSuccess() {
	if len(e.failures) > 0 {
		clear(e.failures)
		e.logger.Info("pushertest: webhook delivered after failures")
	}
}

// A delivery is a request with one or more events. All its attempts send the same
// body.
type delivery struct {
	body    []byte
	events  int
	started time.Time
}

func newWebhookEndpoint(cfg *config, to *url.URL) *webhookEndpoint {
	e := &webhookEndpoint{
		url:      to,
		app:      cfg.app,
		now:      cfg.now,
		logger:   cfg.logger.With("webhook", to.Redacted()),
		failures: make(map[string]bool),
		client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true}, // deliveries are rare

			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       webhookTimeout,
		},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// add queues an event.
func (e *webhookEndpoint) add(event webhookEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return
	}
	if e.pending >= maxWebhookQueue {
		e.logFailure(slog.LevelWarn, failureDropped, "event", event.Name, "channel", event.Channel, "waiting", e.pending)
		return
	}
	e.queue = append(e.queue, event)
	e.pending++
	if !e.posting {
		e.posting = true
		e.wg.Go(e.postQueue)
	}
}

// postQueue makes the first attempts until the queue is empty. Events that are queued
// during an attempt are sent together in the next one.
func (e *webhookEndpoint) postQueue() {
	for {
		e.mu.Lock()
		if len(e.queue) == 0 || e.ctx.Err() != nil {
			e.posting = false
			e.mu.Unlock()
			return
		}
		n := min(len(e.queue), maxWebhookBatch)
		d := &delivery{e.encode(e.queue[:n]), n, time.Now()}
		e.queue = slices.Delete(e.queue, 0, n)
		e.mu.Unlock()

		err := e.post(d)

		e.mu.Lock()
		switch {
		case err == nil:
			e.pending -= n
			e.logSuccess()
		case e.ctx.Err() != nil:
		default:
			e.rejected = append(e.rejected, d)
			e.logFailure(slog.LevelInfo, failureRetried, "events", n, "reason", err)
			if !e.retrying {
				e.retrying = true
				e.wg.Go(e.retry)
			}
		}
		e.mu.Unlock()
	}
}

func (e *webhookEndpoint) encode(events []webhookEvent) []byte {
	return encodeJSON(struct {
		TimeMS int64          `json:"time_ms"`
		Events []webhookEvent `json:"events"`
	}{e.now().UnixMilli(), events})
}

// retry repeats all rejected deliveries, with a delay before each round, until none is
// left.
func (e *webhookEndpoint) retry() {
	for delay := minWebhookDelay; ; delay = min(2*delay, maxWebhookDelay) {
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-e.ctx.Done():
			timer.Stop()
			return
		}
		e.retryRound()

		e.mu.Lock()
		done := len(e.rejected) == 0
		e.retrying = !done
		e.mu.Unlock()
		if done {
			return
		}
	}
}

// retryRound makes one attempt of each rejected delivery, in order.
func (e *webhookEndpoint) retryRound() {
	e.mu.Lock()
	deliveries := slices.Clone(e.rejected)
	e.mu.Unlock()
	var unreachable error
	for _, d := range deliveries {
		err := unreachable
		if err == nil {
			if err = e.post(d); isDialError(err) {
				unreachable = err
			}
		}
		if e.ctx.Err() != nil {
			return
		}
		e.mu.Lock()
		switch {
		case err == nil:
			e.remove(d)
			e.logSuccess()
		case time.Since(d.started) >= webhookRetryPeriod:
			e.remove(d)
			e.logFailure(slog.LevelWarn, failureGivenUp, "events", d.events, "reason", err)
		}
		e.mu.Unlock()
	}
}

// isDialError reports whether no connection could be established. In that case
// attempts of other deliveries are pointless.
func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// remove removes a rejected delivery. The caller holds the lock.
func (e *webhookEndpoint) remove(d *delivery) {
	e.rejected = slices.DeleteFunc(e.rejected, func(other *delivery) bool { return other == d })
	e.pending -= d.events
}

// post makes one attempt. It succeeds if the response has a 2xx status.
func (e *webhookEndpoint) post(d *delivery) error {
	r, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.url.String(), bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	r.Header = signedHeader(e.app, d.body)
	res, err := e.client.Do(r)
	if err != nil {
		return withoutURL(err) // the logger names the URL
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64*1024))
	_ = res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("response has status %s", logText(res.Status))
	}
	if e.logger.Enabled(e.ctx, slog.LevelDebug) {
		e.logger.Debug("pushertest: webhook delivered", "events", d.events, "body", redact.Line(string(d.body), maxLogBody))
	}
	return nil
}

// signedHeader returns the header of a delivery, with the signature of body.
func signedHeader(app App, body []byte) http.Header {
	return webhook.SignedHeader(app.Key, app.Secret, body)
}

// close cancels all attempts and returns the number of events that were not
// delivered.
func (e *webhookEndpoint) close() int {
	e.mu.Lock()
	e.cancel()
	e.mu.Unlock()
	e.wg.Wait()
	return e.pending
}
