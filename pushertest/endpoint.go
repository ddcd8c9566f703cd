package pushertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// How webhooks are delivered.
//
// Source: Pusher Channels docs, "Webhooks"; Pusher support, "Channels webhook
// timeouts and retries". The waits between attempts are this package's own.
const (
	maxHookBatch  = 20 // events
	hookTimeout   = 4 * time.Second
	hookRetries   = 5 * time.Minute
	firstHookWait = 250 * time.Millisecond
	lastHookWait  = 30 * time.Second
	maxHookQueue  = 10_000 // events; more are dropped
)

// An endpoint is a URL that webhooks are posted to. A goroutine delivers while
// there is something to deliver: one batch after the other, so that they arrive in
// order, also after a retry.
type endpoint struct {
	url    *url.URL
	token  webhook.Token
	now    func() time.Time
	logger *slog.Logger
	client *http.Client
	ctx    context.Context // ends with the server
	cancel context.CancelFunc

	mu      sync.Mutex
	queue   []hook
	running bool
	done    sync.WaitGroup
}

func newEndpoint(cfg *config, to *url.URL) *endpoint {
	e := &endpoint{
		url:    to,
		token:  webhook.Token{Key: cfg.app.Key, Secret: cfg.app.Secret},
		now:    cfg.now,
		logger: cfg.logger.With("webhook", to.Redacted()),
		client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true}, // deliveries are rare

			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       hookTimeout,
		},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

func (e *endpoint) add(event hook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return
	}
	if len(e.queue) >= maxHookQueue {
		e.logger.Warn("pushertest: webhook event dropped: too many wait", "event", event.Name, "channel", event.Channel)
		return
	}
	e.queue = append(e.queue, event)
	if !e.running {
		e.running = true
		e.done.Go(e.run)
	}
}

// run delivers until nothing is left. What piles up during a delivery goes
// together in the next.
func (e *endpoint) run() {
	for {
		e.mu.Lock()
		if len(e.queue) == 0 || e.ctx.Err() != nil {
			e.running = false
			e.mu.Unlock()
			return
		}
		batch := slices.Clone(e.queue[:min(len(e.queue), maxHookBatch)])
		e.mu.Unlock()

		err := e.deliver(batch)

		e.mu.Lock()
		if e.ctx.Err() == nil { // else it counts as lost
			e.queue = slices.Delete(e.queue, 0, len(batch))
		}
		e.mu.Unlock()
		if err != nil && e.ctx.Err() == nil {
			e.logger.Warn("pushertest: webhook given up", "events", len(batch), "reason", err)
		}
	}
}

// deliver posts a batch until it is accepted.
func (e *endpoint) deliver(batch []hook) error {
	var buf bytes.Buffer
	now := e.now()
	encode(&buf, struct {
		TimeMS int64  `json:"time_ms"`
		Events []hook `json:"events"`
	}{now.UnixMilli(), batch})
	body := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))

	start := time.Now()
	for wait := firstHookWait; ; wait = min(2*wait, lastHookWait) {
		err := e.post(body)
		if err == nil || time.Since(start)+wait > hookRetries {
			return err
		}
		e.logger.Info("pushertest: webhook failed, will be repeated", "events", len(batch), "wait", wait, "reason", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-e.ctx.Done():
			timer.Stop()
			return e.ctx.Err()
		}
	}
}

func (e *endpoint) post(body []byte) error {
	r, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.url.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = webhook.SignedHeader(e.token, body)
	res, err := e.client.Do(r)
	if err != nil {
		var inURL *url.Error // which the logger names already
		if errors.As(err, &inURL) {
			err = inURL.Err
		}
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64*1024))
	_ = res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the answer is %s", res.Status)
	}
	return nil
}

// close ends the delivery under way and returns how many events are lost by it.
func (e *endpoint) close() int {
	e.mu.Lock()
	e.cancel()
	e.mu.Unlock()
	e.done.Wait()
	return len(e.queue)
}
