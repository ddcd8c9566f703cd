package pushertest

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/internal/server"
	"github.com/openchannels/pusher-go/signing"
)

// An apiHandler authenticates and validates requests of the HTTP API, and passes them
// to the generated server.
type apiHandler struct {
	app          App
	secret       *signing.Secret
	now          func() time.Time
	logger       *slog.Logger
	rules        rules
	maxBodyBytes int64
	mux          *http.ServeMux

	idempotencyKeys bool // whether keys have an effect
	idempotency     *idempotency
}

func newAPIHandler(cfg *config, st *state) *apiHandler {
	h := &apiHandler{
		app:    cfg.app,
		secret: st.secret,
		now:    cfg.now,
		logger: cfg.logger,
		rules:  rules{cfg.maxEventBytes, cfg.subscriptionCounting},
		// Every valid batch is shorter: JSON escapes a byte with at most six bytes,
		// and the names and IDs of an event have less than 16 KiB.
		maxBodyBytes: protocol.MaxBatch * (6*int64(cfg.maxEventBytes) + 16*1024),
		mux:          http.NewServeMux(),

		idempotencyKeys: cfg.idempotencyKeys,
		idempotency:     newIdempotency(cfg.now),
	}
	h.mux.HandleFunc("/", h.notFound)
	strict := server.NewStrictHandlerWithOptions(&api{st, h.idempotency}, nil,
		server.StrictHTTPServerOptions{RequestErrorHandlerFunc: h.reject})
	server.HandlerWithOptions(strict, server.StdHTTPServerOptions{
		BaseRouter:       checkedMux{h.mux, h},
		ErrorHandlerFunc: h.reject,
	})
	return h
}

func (h *apiHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The mux would respond with a redirect, unlike Pusher.
	if p := r.URL.EscapedPath(); p != path.Clean(p) {
		h.notFound(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// A checkedMux checks a request before the generated code looks at its parameters.
type checkedMux struct {
	*http.ServeMux
	handler *apiHandler
}

func (m checkedMux) HandleFunc(pattern string, next func(http.ResponseWriter, *http.Request)) {
	op := contract()[pattern]
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		checked, err := m.handler.check(op, r)
		if err != nil {
			m.handler.reject(w, r, err)
			return
		}
		next(w, checked)
	})
}

// check authenticates and validates r. It returns r in the form that the OpenAPI
// document describes, without the authentication parameters.
func (h *apiHandler) check(op *operation, r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	// url.ParseQuery rejects ";", which is legal in a channel name.
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return nil, badRequest(textQuery)
	}
	now := h.now()
	if err := signing.Verify(r, body, h.secretOf, now); err != nil {
		return nil, unauthorized(r, query, now, err)
	}
	// Pusher reports an unknown key rather than an unknown app, so the app ID is
	// checked after the key.
	if id := r.PathValue("app_id"); id != h.app.ID {
		return nil, notFound("this server serves app %s, not %s", h.app.ID, id)
	}

	maps.DeleteFunc(query, isAuthParameter)
	if err := op.checkQuery(query); err != nil {
		return nil, err
	}
	params, err := op.decodeParams(query, body)
	if err != nil {
		return nil, err
	}
	keys, err := takeIdempotencyKeys(params, r.Header)
	switch {
	case !h.idempotencyKeys: // ignored, because it is not known how Pusher treats them
	case err != nil:
		return nil, err
	default:
		r = keys.with(r)
	}
	if r, err = op.normalize(r, query, body, params); err != nil {
		return nil, err
	}
	if err := h.rules.check(op.id, r.PathValue("channel_name"), query, params); err != nil {
		return nil, err
	}
	return r, op.validate(r)
}

func (h *apiHandler) secretOf(key string) *signing.Secret {
	if key != h.app.Key {
		return nil
	}
	return h.secret
}

func (h *apiHandler) notFound(w http.ResponseWriter, r *http.Request) {
	h.reject(w, r, notFound("the HTTP API has no such method and path"))
}

func (h *apiHandler) reject(w http.ResponseWriter, r *http.Request, err error) {
	e := &apiError{status: http.StatusBadRequest, text: err.Error()}
	errors.As(err, &e)
	h.logger.WarnContext(r.Context(), "pushertest: request rejected",
		"method", logText(r.Method), "path", logText(r.URL.Path), "status", e.status, "reason", logText(e.Error()))
	http.Error(w, e.text, e.status)
}
