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

	"github.com/openchannels/pusher-go/gen/server"
	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/signing"
)

// A gate lets a request pass to the generated server, or refuses it.
type gate struct {
	app     App
	secret  *signing.Secret
	now     func() time.Time
	logger  *slog.Logger
	rules   rules
	maxBody int64
	mux     *http.ServeMux
}

func newGate(cfg *config, st *state) *gate {
	g := &gate{
		app:    cfg.app,
		secret: st.secret,
		now:    cfg.now,
		logger: cfg.logger,
		rules:  rules{cfg.maxEventBytes, cfg.subscriptionCounting},
		// The longest batch there can be: JSON may escape a byte as six, and names
		// and the like are short.
		maxBody: protocol.MaxBatch * (6*int64(cfg.maxEventBytes) + 16*1024),
		mux:     http.NewServeMux(),
	}
	g.mux.HandleFunc("/", g.notFound)
	strict := server.NewStrictHandlerWithOptions(&api{st}, nil,
		server.StrictHTTPServerOptions{RequestErrorHandlerFunc: g.refuse})
	server.HandlerWithOptions(strict, server.StdHTTPServerOptions{
		BaseRouter:       gatedMux{g.mux, g},
		ErrorHandlerFunc: g.refuse,
	})
	return g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The mux would answer with a redirect, which Pusher does not.
	if p := r.URL.EscapedPath(); p != path.Clean(p) {
		g.notFound(w, r)
		return
	}
	g.mux.ServeHTTP(w, r)
}

// A gatedMux puts the gate before each route that the generated code registers,
// and so before that code looks at any parameter.
type gatedMux struct {
	*http.ServeMux
	gate *gate
}

func (m gatedMux) HandleFunc(pattern string, next func(http.ResponseWriter, *http.Request)) {
	op := contract()[pattern]
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		checked, err := m.gate.check(op, r)
		if err != nil {
			m.gate.refuse(w, r, err)
			return
		}
		next(w, checked)
	})
}

// check returns the request in the form that the document describes, without the
// parameters that authenticated it.
func (g *gate) check(op *operation, r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	// url.ParseQuery refuses a raw ";", which is legal in a channel name.
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return nil, badRequest(textQuery)
	}
	now := g.now()
	if err := signing.Verify(r, body, g.secretOf, now); err != nil {
		return nil, unauthorized(r, query, now, err)
	}
	// On the wrong cluster neither the key nor the ID is known, and Pusher
	// complains of the key. So the ID is looked at later.
	if r.PathValue("app_id") != g.app.ID {
		return nil, notFound()
	}

	maps.DeleteFunc(query, authenticates)
	if err := op.checkQuery(query); err != nil {
		return nil, err
	}
	r, params, err := op.unify(r, query, body)
	if err != nil {
		return nil, err
	}
	if err := g.rules.check(op.id, r.PathValue("channel_name"), query, params); err != nil {
		return nil, err
	}
	return r, op.validate(r)
}

func (g *gate) secretOf(key string) *signing.Secret {
	if key != g.app.Key {
		return nil
	}
	return g.secret
}

func (g *gate) notFound(w http.ResponseWriter, r *http.Request) {
	g.refuse(w, r, notFound())
}

func (g *gate) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := &refusal{status: http.StatusBadRequest, text: err.Error()}
	errors.As(err, &refused)
	g.logger.WarnContext(r.Context(), "pushertest: request refused",
		"method", r.Method, "path", r.URL.Path, "status", refused.status, "reason", refused)
	http.Error(w, refused.text, refused.status)
}
