package pusher

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// An Observer is called at the start of each operation (one call of a [Client] method
// that sends a request) and of each attempt within it. It returns the context to
// continue with, which may carry a span, and a function that is called once at the end
// of the operation or attempt. For the methods of [Client.API] that return an
// [http.Response], both end when the caller closes its body.
//
// An Observer is called concurrently for different operations, and it delays the call
// while it runs. Package otelpusher implements an Observer for OpenTelemetry.
type Observer func(ctx context.Context, start OperationStart) (context.Context, func(OperationEnd))

// OperationStart describes an operation or an attempt that starts. It contains no
// secret and no signature.
type OperationStart struct {
	// Operation is the method, such as "Trigger"; "Publish" for a batch of a
	// [Publisher]; HTTP method and path for requests made with [Client.API].
	Operation string
	// Attempt is 0 for the operation as a whole, and 1 or more for an attempt.
	Attempt int
	// Method, Scheme, Host and Path describe the HTTP request. Host may include a port.
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
	// ResponseBytes is the size of the body of a response that was accepted.
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

// An endFunc tells the observer that an operation or attempt has ended.
type endFunc func(status, bytes, attempts int, err error)

// observe calls the observer and returns its context and the function to call at the
// end.
func (d doer) observe(ctx context.Context, attempt int, req *http.Request) (context.Context, endFunc) {
	if d.observer == nil {
		return ctx, func(int, int, int, error) {}
	}
	start := time.Now()
	observed, end := d.observer(ctx, OperationStart{
		Operation:    d.info.op,
		Attempt:      attempt,
		Method:       req.Method,
		Scheme:       req.URL.Scheme,
		Host:         req.URL.Host,
		Path:         req.URL.Path,
		Channels:     d.info.channels,
		Events:       d.info.events,
		RequestBytes: req.ContentLength,
		Queued:       d.info.queued,
	})
	if observed == nil {
		observed = ctx
	}
	return observed, func(status, bytes, attempts int, err error) {
		if end != nil {
			end(OperationEnd{Status: status, ResponseBytes: bytes, Attempts: attempts, Duration: time.Since(start), Err: err})
		}
	}
}

// endWithBody calls end when the body of an accepted response is closed: only then is it
// known whether the body could be decoded.
func (d doer) endWithBody(end endFunc, resp *http.Response, attempts int) {
	if d.observer == nil {
		return
	}
	body := resp.Body.(*responseBody)
	body.closed = append(body.closed, func() { end(resp.StatusCode, int(body.Size()), attempts, body.failure) })
}
