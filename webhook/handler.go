package webhook

import (
	"context"
	"log/slog"
	"net/http"
)

// Handler returns the endpoint to configure as the app's webhook URL. It hands
// each verified webhook to receive, with the request's context, and answers 200
// when receive returns nil and 500 when it returns an error, so that Pusher sends
// the webhook again. Calls of receive run concurrently.
//
// Pusher waits 4 seconds for an answer and repeats a delivery for 5 minutes: do
// what takes longer after receive has returned, and expect to see a webhook more
// than once ([WithDuplicateFilter] takes most repeats away).
//
// Everything else is refused with a bare status, and the reason goes to the logger
// of [WithLogger]: 405 for other methods than POST, 401 for [ErrUnknownKey],
// [ErrSignature] and [ErrTooOld], 413 for [ErrTooLarge], 400 for [ErrMalformed]
// and for a body that could not be read, 500 for [ErrConfiguration].
//
// A panic in receive is the server's to handle, as in every [http.Handler].
// Handler panics when receive is nil.
//
// Source: Pusher Channels docs, Webhooks; Pusher support, "Channels webhook
// timeouts and retries".
func (v *Verifier) Handler(receive func(context.Context, *Webhook) error) http.Handler {
	if receive == nil {
		panic("webhook: Handler without a function")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			answer(w, http.StatusMethodNotAllowed)
			return
		}
		ctx := r.Context()
		hook, signature, err := v.receive(w, r)
		if err != nil {
			v.log().WarnContext(ctx, "webhook refused", "reason", err)
			answer(w, statusOf(err))
			return
		}
		repeat, err := v.duplicates.once(ctx, signature, func() error { return receive(ctx, hook) })
		if err != nil {
			v.log().ErrorContext(ctx, "webhook failed", "reason", err)
			answer(w, http.StatusInternalServerError)
			return
		}
		if repeat {
			v.log().DebugContext(ctx, "webhook dropped as a duplicate", "time", hook.Time)
		}
		w.WriteHeader(http.StatusOK)
	})
}

// log is also that of a Verifier that was not made with NewVerifier.
func (v *Verifier) log() *slog.Logger {
	if v == nil || v.logger == nil {
		return slog.Default()
	}
	return v.logger
}

func answer(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
