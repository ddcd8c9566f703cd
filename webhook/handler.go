package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

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
// after handle has returned, and expect to receive a webhook more than once.
// [WithDuplicateFilter] and [WithDuplicateStore] skip duplicates; with them the handler
// can also respond with 503.
//
// Other requests are rejected with a bare status code, and the reason is logged as
// a warning, see [WithLogger]: 401 for [ErrUnknownKey], [ErrSignature] and
// [ErrTooOld], 413 for [ErrTooLarge], 400 for [ErrMalformed] and for a body that
// cannot be read, 500 for [ErrConfiguration]. Methods other than POST are rejected
// with 405 and not logged.
//
// Handler panics if handle is nil. It does not recover a panic in handle.
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
		hook, err := v.parse(w, r)
		if err != nil {
			v.logError(ctx, slog.LevelWarn, "webhook rejected", err)
			respond(w, statusOf(err))
			return
		}
		if status := v.handleOnce(ctx, hook, handle); status != http.StatusOK {
			respond(w, status)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// handleOnce calls handle unless the webhook is a duplicate, and returns the status code
// of the response.
func (v *Verifier) handleOnce(ctx context.Context, hook *Webhook, handle func(context.Context, *Webhook) error) (status int) {
	id := hook.ID // handle could change it
	if v.duplicates != nil {
		token, state, err := v.duplicates.Begin(ctx, id, time.Minute)
		if err == nil && !slices.Contains([]ClaimState{Claimed, Running, Handled}, state) {
			err = fmt.Errorf("DuplicateStore.Begin returned the unknown state %d", state)
		}
		if err != nil {
			level := slog.LevelError
			if ctx.Err() != nil { // The sender has disconnected; the store may be fine.
				level = slog.LevelWarn
			}
			v.logError(ctx, level, "webhook not claimed", err, "id", id)
			return http.StatusServiceUnavailable
		}
		switch state {
		case Handled:
			v.log().DebugContext(ctx, "duplicate webhook skipped", "id", id)
			return http.StatusOK
		case Running:
			v.log().DebugContext(ctx, "webhook is being handled", "id", id)
			return http.StatusServiceUnavailable
		}
		defer func() { v.endClaim(ctx, id, token, status == http.StatusOK) }() // also after a panic
	}
	if err := handle(ctx, hook); err != nil {
		v.logError(ctx, slog.LevelError, "webhook handler failed", err, "id", id)
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// endClaim ends a claim even if the request's context has ended, so that the outcome of
// the function is not lost.
func (v *Verifier) endClaim(ctx context.Context, id, token string, handled bool) {
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := v.duplicates.End(endCtx, id, token, handled, v.keep); err != nil {
		v.logError(ctx, slog.LevelError, "claim of webhook not ended", err, "id", id, "handled", handled)
	}
}

func (v *Verifier) logError(ctx context.Context, level slog.Level, message string, err error, attrs ...any) {
	v.log().With(attrs...).Log(ctx, level, message, "error", redact.Line(err.Error(), maxLoggedError))
}

// log also works on a nil Verifier.
func (v *Verifier) log() *slog.Logger {
	if v == nil || v.logger == nil {
		return slog.Default()
	}
	return v.logger
}

func respond(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
