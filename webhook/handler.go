package webhook

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/openchannels/pusher-go/internal/redact"
)

// maxLoggedError limits the text of an error in a log line, in bytes. It may quote
// the request or, if it comes from handle, an event.
const maxLoggedError = 500

// Handler returns the endpoint for the app's webhook URL. It calls handle with the
// request's context and each verified webhook. It responds with status code 200
// if handle returns nil, and with 500 if it returns an error, so that Pusher sends
// the webhook again. Calls of handle run concurrently.
//
// Pusher waits 4 seconds for a response and retries for 5 minutes. Do slow work
// after handle has returned, and expect to receive a webhook more than once;
// [WithDuplicateFilter] drops most duplicates.
//
// Other requests are rejected with a bare status code, and the reason is logged as
// a warning, see [WithLogger]: 401 for [ErrUnknownKey], [ErrSignature] and
// [ErrTooOld], 413 for [ErrTooLarge], 400 for [ErrMalformed] and for a body that
// cannot be read, 500 for [ErrConfiguration]. Methods other than POST are rejected
// with 405 and not logged.
//
// Handler panics if handle is nil. A panic in handle is left to the server.
//
// Source: Pusher Channels docs, Webhooks; Pusher support, "Channels webhook
// timeouts and retries".
func (v *Verifier) Handler(handle func(context.Context, *Webhook) error) http.Handler {
	if handle == nil {
		panic("webhook: Handler called with a nil function")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			respond(w, http.StatusMethodNotAllowed)
			return
		}
		ctx := r.Context()
		hook, signature, err := v.parse(w, r)
		if err != nil {
			v.log().WarnContext(ctx, "webhook rejected", "error", redact.Line(err.Error(), maxLoggedError))
			respond(w, statusOf(err))
			return
		}
		duplicate, err := v.duplicates.once(ctx, signature, func() error { return handle(ctx, hook) })
		if err != nil {
			v.log().ErrorContext(ctx, "webhook handler failed", "error", redact.Line(err.Error(), maxLoggedError))
			respond(w, http.StatusInternalServerError)
			return
		}
		if duplicate {
			v.log().DebugContext(ctx, "duplicate webhook dropped", "time", hook.Time)
		}
		w.WriteHeader(http.StatusOK)
	})
}

// log works on a nil or zero Verifier.
func (v *Verifier) log() *slog.Logger {
	if v == nil || v.logger == nil {
		return slog.Default()
	}
	return v.logger
}

func respond(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
