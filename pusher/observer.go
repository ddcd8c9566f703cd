package pusher

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// An Observer is called when an operation starts, which is one call of a client's
// method that sends a request, and when each of its attempts starts. It returns the
// context to continue with, which may carry a span, and a function that is called
// once when the operation or attempt has ended. Both may be called concurrently for
// different operations, and they delay the call while they run. Package otelpusher
// implements an Observer for OpenTelemetry.
type Observer func(ctx context.Context, start OperationStart) (context.Context, func(OperationEnd))

// OperationStart describes an operation or an attempt that starts. It contains no
// secret and no signature.
type OperationStart struct {
	// Operation is the method, such as "Trigger"; "Publish" for a batch of a
	// [Publisher]; HTTP method and path for requests made with [Client.API].
	Operation string
	// Attempt is 0 for the operation as a whole, and 1 or more for an attempt.
	Attempt int
	// Method, Scheme, Host and Path are those of the HTTP request. Host may include a
	// port.
	Method, Scheme, Host, Path string
	// Channels and Events are the numbers of channels and events of the call.
	Channels, Events int
	// RequestBytes is the size of the body, or -1 if it is unknown.
	RequestBytes int64
	// Queued describes the events of a publisher's batch.
	Queued []QueuedEvent
}

// A QueuedEvent is an event of a [Publisher] whose batch is sent.
type QueuedEvent struct {
	// Context is the context that the event was published with.
	Context context.Context
	// Wait is the time from Publish to the start of the operation.
	Wait time.Duration
	// Attempt is 1 if the event is sent for the first time. It grows with each further
	// batch that contains the event, because an earlier one was not accepted.
	Attempt int
}

// OperationEnd describes an operation or an attempt that has ended.
type OperationEnd struct {
	// Status is the HTTP status of the last response, or 0 if there was none.
	Status int
	// ResponseBytes is the size of the body of that response.
	ResponseBytes int
	// Attempts is the number of attempts so far.
	Attempts int
	Duration time.Duration
	// Err is nil or an [*Error].
	Err error
}

// WithObserver sets a function that observes every operation and every attempt, for
// tracing and metrics.
func WithObserver(observer Observer) Option {
	return func(c *config) error {
		if observer == nil {
			return errors.New("WithObserver: observer is nil")
		}
		c.observer = observer
		return nil
	}
}

// response describes the response of an attempt.
type response struct {
	status, bytes int
	signed        time.Time // when the request was signed
	header        http.Header
}

func (t *transport) observe(ctx context.Context, call call, attempt int, req *http.Request) (context.Context, func(*response, int, error)) {
	if t.observer == nil {
		return ctx, func(*response, int, error) {}
	}
	start := time.Now()
	observed, end := t.observer(ctx, OperationStart{
		Operation:    call.op,
		Attempt:      attempt,
		Method:       req.Method,
		Scheme:       req.URL.Scheme,
		Host:         req.URL.Host,
		Path:         req.URL.Path,
		Channels:     call.channels,
		Events:       call.events,
		RequestBytes: req.ContentLength,
		Queued:       call.queued,
	})
	if observed == nil {
		observed = ctx
	}
	return observed, func(resp *response, attempts int, err error) {
		if end == nil {
			return
		}
		result := OperationEnd{Attempts: attempts, Duration: time.Since(start), Err: err}
		if resp != nil {
			result.Status, result.ResponseBytes = resp.status, resp.bytes
		}
		end(result)
	}
}
